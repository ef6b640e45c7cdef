"""How are the data of a setup changed, as a remedy asks? One function a remedy: setup and value -> setup."""

from dataclasses import replace
from typing import Any

import numpy as np

from tuner.diagnosis.examples import Array
from tuner.diagnosis.setups import CannotApply, Setup


def scaled_inputs(setup: Setup, value: Any) -> Setup:
    """Mean 0 and deviation 1, feature by feature. Raises `CannotApply` for numbers of words."""
    first = next((layer for layer in setup.network.layers if layer.weights), None)
    if type(first).__name__ == "Embedding":
        raise CannotApply("the inputs are numbers of words")
    x = setup.x.astype("float32")
    axes = tuple(range(x.ndim - 1)) if x.ndim > 1 else (0,)
    mean, deviation = np.nanmean(x, axis=axes), np.nanstd(x, axis=axes)
    deviation = np.where(deviation > 0, deviation, 1.0)

    def scale(part: Array | None) -> Array | None:
        return None if part is None else ((part - mean) / deviation).astype("float32")

    return replace(setup, x=(x - mean) / deviation, val_x=scale(setup.val_x))


def scaled_targets(setup: Setup, value: Any) -> Setup:
    """Mean 0 and deviation 1, column by column."""
    y = setup.y.astype("float32")
    mean, deviation = np.nanmean(y, axis=0), np.nanstd(y, axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    val_y = None if setup.val_y is None else ((setup.val_y - mean) / deviation).astype("float32")
    return replace(setup, y=((y - mean) / deviation).astype("float32"), val_y=val_y, same_loss=False)


def finite(setup: Setup, value: Any) -> Setup:
    """Without the examples that hold NaN or infinity. Raises `CannotApply` where none is left."""

    def rows(x: Array, y: Array) -> Array:
        flat = np.isfinite(x.reshape(len(x), -1).astype("float64")).all(axis=1)
        return np.asarray(flat & np.isfinite(y.reshape(len(y), -1).astype("float64")).all(axis=1))

    keep = rows(setup.x, setup.y)
    if not keep.any():
        raise CannotApply("no example is finite")
    setup = replace(setup, x=setup.x[keep], y=setup.y[keep])
    if setup.val_x is None or setup.val_y is None:
        return setup
    keep = rows(setup.val_x, setup.val_y)
    return replace(setup, val_x=setup.val_x[keep], val_y=setup.val_y[keep])


def balanced(setup: Setup, value: Any) -> Setup:
    """Every class weighs as much as every other."""
    labels = setup.y.argmax(axis=-1) if setup.y.ndim > 1 and setup.y.shape[-1] > 1 else setup.y.reshape(-1)
    classes, counts = np.unique(labels.astype(int), return_counts=True)
    weights = {int(c): len(labels) / (len(classes) * n) for c, n in zip(classes, counts.tolist(), strict=True)}
    return replace(setup, class_weight=weights)
