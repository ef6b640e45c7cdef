"""What is kept of one diagnosis? Curves, verdicts, and what a look inside the model gave, as plain frozen data.

A diagnosis of curves alone leaves the tuples about the model empty. Nothing here computes, trains or draws.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.records import Change, LearningCurves, Verdict


@dataclass(frozen=True)
class LayerReading:
    """One layer, seen on one batch. NaN where a layer has no such thing (a pooling layer has no gradient)."""

    name: str
    kind: str  # class name, as Keras spells it
    parameters: int = 0
    trainable: bool = True
    weight_norm: float = math.nan  # root mean square of the kernel
    gradient_norm: float = math.nan  # root mean square of the kernel's gradient
    update_ratio: float = math.nan  # |update| / |kernel| of the step that the optimizer would take now
    activation_mean: float = math.nan
    activation_std: float = math.nan
    zero_share: float = math.nan  # of the outputs, in [0, 1]
    dead_share: float = math.nan  # of the units that are zero for every example
    saturated_share: float = math.nan  # of the outputs of a sigmoid or tanh at the flat ends


@dataclass(frozen=True)
class Filters:
    """The first convolution's kernels as small pictures."""

    layer: str
    noise: float  # in [0, 1]: 0 smooth, about 1 as rough as at random
    pictures: tuple[str, ...]  # data URIs, PNG


@dataclass(frozen=True)
class ClassErrors:
    """How one class fares on the validation examples."""

    name: str
    count: int
    errors: int
    most_taken_for: str = ""  # the class that it is most often mistaken for


@dataclass(frozen=True)
class Side:
    """One competitor of a duel: the run with one remedy, or as it was (no change)."""

    changes: tuple[Change, ...]
    before: float
    after: float  # of the metric named by the duel
    epochs: int
    seconds: float = 0.0
    diverged: bool = False


@dataclass(frozen=True)
class Duel:
    """The remedies of one verdict, run against each other and against the run as it was."""

    verdict: str
    metric: str  # val_loss, val_accuracy, loss
    sides: tuple[Side, ...]  # the unchanged run first
    taken: int | None  # index into `sides`; None: no remedy beat the noise
    sentence: str
    noise: float = math.nan  # of the metric


@dataclass(frozen=True)
class Inspection:
    """One diagnosis, ready for the terminal, for JSON and for the page."""

    source: str  # what was diagnosed, as the user named it
    verdicts: tuple[Verdict, ...]
    curves: LearningCurves = field(default_factory=LearningCurves)
    columns: Mapping[str, str] = field(default_factory=dict)  # role -> the column it was read from
    layers: tuple[LayerReading, ...] = ()  # in the order of the forward pass
    filters: Filters | None = None
    classes: tuple[ClassErrors, ...] = ()
    duels: tuple[Duel, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be looked at, and why
    environment: Mapping[str, Any] = field(default_factory=dict)  # versions, device, command
    epochs: tuple[int, ...] = ()  # number of each epoch of the curves, from 1; empty: 1, 2, 3, ...
    higher_is_better: bool = False  # the loss curves hold a score
