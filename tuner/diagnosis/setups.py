"""What is one way to train? A network, a loss, an optimizer and data: values that a remedy replaces one by one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.copies import metrics_of
from tuner.diagnosis.examples import Array
from tuner.diagnosis.training import Training


class CannotApply(ValueError):
    """A remedy that this tool cannot put into this program; the message says why."""


@dataclass(frozen=True)
class Setup:
    """One way to train, nothing of it shared with the user's model but the arrays.

    Args:
        network: not compiled; its weights are set when it is run.
        optimizer: class and settings.
        loss: a name, or class and settings, or whatever `compile` was given.
        fresh: names of layers that start with newly drawn weights.
        same_loss: whether losses can be held against those of the run as it was.
    """

    network: keras.Model
    optimizer: tuple[type[Any], Mapping[str, Any]]
    loss: Any
    x: Array
    y: Array
    val_x: Array | None = None
    val_y: Array | None = None
    batch_size: int = 32
    class_weight: Mapping[int, float] | None = None
    metrics: tuple[Any, ...] = ()
    fresh: frozenset[str] = field(default_factory=frozenset)
    same_loss: bool = True


def setup_of(training: Training) -> Setup:
    """The run as it was. Raises `CannotApply` where the model or the data are of a kind that is not copied."""
    model = training.model
    if training.x is None or training.y is None:
        raise CannotApply("remedies are tried on training data, and there are none (or several inputs)")
    if getattr(model, "optimizer", None) is None:
        raise CannotApply("the model is not compiled")
    if isinstance(model.loss, dict | list | tuple):
        raise CannotApply("the model has several losses")
    return Setup(
        functional(model, training.x),
        (type(model.optimizer), model.optimizer.get_config()),
        model.loss,
        training.x,
        training.y,
        training.val_x,
        training.val_y,
        training.batch_size,
        training.class_weight,
        tuple(metrics_of(model)),
    )


def functional(model: keras.Model, x: Array) -> keras.Model:
    """The model as a graph of layers that can be rebuilt. Raises `CannotApply` for a subclass."""
    if isinstance(model, keras.Sequential):
        if not model.built:
            try:
                model.build((None, *x.shape[1:]))
            except (ValueError, TypeError) as error:
                raise CannotApply(f"the layers do not fit on each other: {_line(error)}") from None
        return keras.Model(model.inputs[0], model.outputs[0])  # in lists they would have to be called with lists
    if not hasattr(model, "operations"):
        raise CannotApply(f"{type(model).__name__} has code of its own, and only graphs of layers are rebuilt")
    return model


def with_optimizer(setup: Setup, **settings: Any) -> Setup:
    """The setup with other settings of its optimizer."""
    kind, now = setup.optimizer
    return replace(setup, optimizer=(kind, {**now, **settings}))


def loss_parts(loss: Any) -> tuple[str, dict[str, Any]]:
    """(snake_case name, settings) of one of Keras's losses. Raises `CannotApply` for others."""
    settings = dict(loss.get_config()) if isinstance(loss, keras.losses.Loss) else {}
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    name = SHORT.get(name.lower(), _snake(name))
    if name not in LOSSES:
        raise CannotApply(f"the loss {name} is none of Keras's")
    return name, {key: value for key, value in settings.items() if key not in ("name", "dtype")}


def make_loss(name: str, settings: Mapping[str, Any]) -> Any:
    """A loss by its snake_case name; settings that it does not know are left out."""
    name = SHORT.get(name.lower(), _snake(name))
    if name not in LOSSES:
        raise CannotApply(f"there is no loss {name!r} in Keras")
    known = LOSSES[name]().get_config()
    return LOSSES[name](**{key: value for key, value in settings.items() if key in known and key != "fn"})


def targets_for(loss: str, y: Array | None, units: int) -> Array | None:
    """Targets in the form that a loss wants: class numbers become rows or the other way round."""
    if y is None:
        return None
    whole = y.ndim == 1 or y.shape[-1] == 1
    if loss == "categorical_crossentropy" and whole and units > 1:
        labels = y.reshape(-1).astype("int64")
        return np.asarray(np.eye(max(units, int(labels.max()) + 1), dtype="float32")[labels])
    if loss == "sparse_categorical_crossentropy" and not whole:
        return np.asarray(y.argmax(axis=-1))
    return y


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "kldivergence": "kl_divergence",
    "huber_loss": "huber",
}
LOSSES: dict[str, Any] = {
    SHORT.get(kind.__name__.lower(), _snake(kind.__name__)): kind
    for kind in vars(keras.losses).values()
    if isinstance(kind, type) and issubclass(kind, keras.losses.Loss) and kind is not keras.losses.Loss
}
