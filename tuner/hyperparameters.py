"""Which numbers may a trial differ in, and by what recipe path is each known?

A `Hyperparameters` is one point of the search space: everything that a training run needs to know besides the
data, the backbone and the seed. `PATHS` maps the recipe's dotted paths to its fields; the recipe's `search.space`,
`--set`, every `Change` and the report all speak in those paths.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hyperparameters:
    """One point of the search space.

    Rates and decays are per step as Keras defines them; `weight_decay` is decoupled (each step takes
    `learning_rate * weight_decay` of the weight away), `l1` and `l2` are penalties inside the loss.
    """

    optimizer: str = "AdamW"  # a keras.optimizers class name, or one of tuner.recipe.names.OWN_OPTIMIZERS
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4  # decoupled
    momentum: float = 0.9  # SGD and RMSprop only
    nesterov: bool = False  # SGD only
    global_clipnorm: float | None = None
    ema_momentum: float | None = None  # of a moving average of the weights, in (0, 1); None keeps none
    batch_size: int = 32
    schedule: str = "none"  # a key of tuner.training.schedules.SCHEDULES
    warmup_epochs: float = 0.0
    alpha: float = 0.0  # rate at which a decay ends, or stays, as a fraction of learning_rate, in [0, 1]
    drop_every: float | None = None  # epochs between two drops of StepDecay; None: three equal parts of the run
    drop_factor: float = 0.1  # of StepDecay, PiecewiseConstantDecay, ReduceLROnPlateau, in (0, 1)
    power: float = 1.0  # of PolynomialDecay, above 0
    restarts: int = 3  # periods of CosineDecayRestarts
    dropout: float = 0.0  # before the classifier, in [0, 1)
    head_units: tuple[int, ...] = ()  # hidden layers of the head
    head_initializer: str = "glorot_uniform"
    auxiliary_head: float = 0.0  # weight of the loss of a second classifier in the middle of what trains; 0: none
    l1: float = 0.0  # on the head's kernels
    l2: float = 0.0  # on the head's kernels
    label_smoothing: float = 0.0  # in [0, 1)
    augmentation: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()  # ((layer, ((argument, value), ...)), ...)
    trainable: str = "none"  # none | half | all | top:K/N | last:N | from:LAYER, of the backbone
    freeze_batch_norm: bool = True
    layer_decay: float = 1.0  # of the rate, from each part of the backbone that trains to the part below; in (0, 1]

    def replace(self, path: str, value: Any) -> "Hyperparameters":
        """The same point with the setting at recipe path `path` changed. Raises `KeyError` with the nearest path."""
        return dataclasses.replace(self, **{field_of(path): frozen(value)})

    def get(self, path: str) -> Any:
        """The value at recipe path `path`, such as `optimizer.learning_rate`."""
        return getattr(self, field_of(path))

    def to_json(self) -> dict[str, Any]:
        """A flat dict keyed by recipe path, ready for `json.dumps`."""
        return {path: thawed(getattr(self, field)) for path, field in PATHS.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Hyperparameters":
        """The inverse of `to_json`; paths left out keep their defaults."""
        return cls(**{PATHS.get(path) or field_of(path): frozen(value) for path, value in values.items()})


PATHS: dict[str, str] = {
    "optimizer.name": "optimizer",
    "optimizer.learning_rate": "learning_rate",
    "optimizer.weight_decay": "weight_decay",
    "optimizer.momentum": "momentum",
    "optimizer.nesterov": "nesterov",
    "optimizer.global_clipnorm": "global_clipnorm",
    "optimizer.ema_momentum": "ema_momentum",
    "data.batch_size": "batch_size",
    "schedule.name": "schedule",
    "schedule.warmup_epochs": "warmup_epochs",
    "schedule.alpha": "alpha",
    "schedule.drop_every": "drop_every",
    "schedule.drop_factor": "drop_factor",
    "schedule.power": "power",
    "schedule.restarts": "restarts",
    "model.dropout": "dropout",
    "model.head_units": "head_units",
    "model.head_initializer": "head_initializer",
    "model.auxiliary_head": "auxiliary_head",
    "regularization.l1": "l1",
    "regularization.l2": "l2",
    "loss.label_smoothing": "label_smoothing",
    "augmentation": "augmentation",
    "transfer.trainable": "trainable",
    "transfer.freeze_batch_norm": "freeze_batch_norm",
    "transfer.layer_decay": "layer_decay",
}


def field_of(path: str) -> str:
    """The field of `Hyperparameters` behind a recipe path. Raises `KeyError` that names the nearest path."""
    if path in PATHS:
        return PATHS[path]
    near = difflib.get_close_matches(path, PATHS, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise KeyError(f"no hyperparameter '{path}'.{hint}")


def frozen(value: Any) -> Any:
    """Lists and dicts as tuples, so that a point is hashable and compares by value."""
    if isinstance(value, float | str | int) or value is None:
        return value
    if isinstance(value, Mapping):
        return tuple((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: Any) -> Any:
    """Tuples as lists, the form that JSON gives back."""
    return [thawed(item) for item in value] if isinstance(value, tuple) else value
