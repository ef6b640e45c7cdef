"""What makes the verdict surer besides the curves? Sizes, classes, rates: read off the model and its data."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.examples import Array
from tuner.diagnosis.training import Training
from tuner.symptoms import Context

MOST_CLASSES = 10_000
IMAGE_AXES = 4  # examples, height, width, channels
AUGMENTING = "Random"  # how the names of Keras's augmenting layers begin


def context_of(training: Training) -> Context:
    """What is known about the run whose curves are judged."""
    loss = loss_name(training.model)
    counts = class_counts(training.y, loss)
    examples = training.train_examples
    return Context(
        num_classes=None if counts is None else len(counts),
        class_frequencies=None if counts is None else tuple(map(int, counts)),
        train_examples=examples,
        val_examples=training.val_examples,
        steps_per_epoch=None if not examples else -(-examples // training.batch_size),
        baseline_loss=_baseline(training.y, loss) if counts is None else None,
        learning_rate=_first_rate(training),
        rate_is_scheduled=training.rate_is_scheduled,
        keeps_best=training.stops_early,
        stops_early=training.stops_early,
        epochs_planned=training.epochs_planned,
        dropout=_dropout(training.model),
        batch_norm_trains=any(_normalizes(layer) for layer in layers_of(training.model)) or None,
        weight_decay=_weight_decay(training.model),
        label_smoothing=_smoothing(training.model),
        augmented=any(type(layer).__name__.startswith(AUGMENTING) for layer in layers_of(training.model)) or None,
        images=None if training.x is None else training.x.ndim == IMAGE_AXES,
    )


def _normalizes(layer: Any) -> bool:
    """Whether a layer computes mean and variance with the batch while it trains."""
    return isinstance(layer, keras.layers.BatchNormalization) and bool(layer.trainable)


def layers_of(model: Any) -> list[Any]:
    """Every layer, nested models unpacked, in their order."""
    if not hasattr(model, "_flatten_layers"):
        return []
    return [layer for layer in model._flatten_layers(include_self=False) if not isinstance(layer, keras.Model)]


def loss_name(model: Any) -> str:
    """The loss in snake_case, as Keras names it; empty where it is none of Keras's, or several."""
    loss = getattr(model, "loss", None)
    if loss is None or isinstance(loss, dict | list | tuple):
        return ""
    if not isinstance(loss, str):
        loss = getattr(loss, "__name__", type(loss).__name__)
    found = keras.losses.get(loss) if loss in KNOWN else None
    return "" if found is None else str(getattr(found, "__name__", getattr(found, "name", "")))


KNOWN = frozenset(name for name in dir(keras.losses) if not name.startswith("_")) | {"mse", "mae", "bce", "cce"}


def class_counts(y: Array | None, loss: str) -> Array | None:
    """How many examples each class has, where the targets are classes and the loss is one of classes."""
    if y is None or ("crossentropy" not in loss and "hinge" not in loss):
        return None
    flat = y.reshape(len(y), -1)
    if "categorical" in loss and "sparse" not in loss:
        return flat.sum(axis=0) if flat.shape[1] > 1 and np.isin(flat, (0, 1)).all() else None
    if flat.shape[1] != 1 or not np.isfinite(flat).all():
        return None
    labels = flat[:, 0]
    if (labels != np.round(labels)).any() or labels.min() < 0 or labels.max() >= MOST_CLASSES:
        return None
    counts = np.bincount(labels.astype(int))
    return counts if len(counts) > 1 else None


def _baseline(y: Array | None, loss: str) -> float | None:
    """The loss of the best constant answer, for the losses where it is known."""
    if y is None or not len(y) or y.dtype.kind not in "iuf" or not np.isfinite(y).all():
        return None
    values = y.reshape(len(y), -1).astype("float64")
    if loss == "mean_squared_error":
        return float(values.var(axis=0).mean())
    if loss == "mean_absolute_error":
        return float(np.abs(values - np.median(values, axis=0)).mean())
    return None


def _first_rate(training: Training) -> float | None:
    rates = [rate for rate in (training.history or {}).get("learning_rate", ()) if rate is not None]
    if rates:
        return float(max(rates[: max(1, len(rates) // 4)]))
    optimizer = getattr(training.model, "optimizer", None)
    return None if optimizer is None else float(np.asarray(keras.ops.convert_to_numpy(optimizer.learning_rate)))


def _dropout(model: Any) -> float | None:
    rates = [float(layer.rate) for layer in layers_of(model) if type(layer).__name__.endswith("Dropout")]
    return max(rates, default=0.0) if layers_of(model) else None


def _weight_decay(model: Any) -> float | None:
    decay = getattr(getattr(model, "optimizer", None), "weight_decay", None)
    penalties = [getattr(layer, "kernel_regularizer", None) for layer in layers_of(model)]
    largest = max((_strength(penalty) for penalty in penalties if penalty is not None), default=0.0)
    return max(float(decay or 0.0), largest) if layers_of(model) else None


def _strength(penalty: Any) -> float:
    return max((float(np.max(np.asarray(getattr(penalty, name, 0.0)))) for name in ("l1", "l2")), default=0.0)


def _smoothing(model: Any) -> float | None:
    config: Mapping[str, Any] = getattr(model.loss, "get_config", dict)() if hasattr(model, "loss") else {}
    value = config.get("label_smoothing")
    return None if value is None else float(value)
