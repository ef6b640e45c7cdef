"""What does a proposed change mean for a setup of the benchmark? None where it has no such knob, or a person must look.

No Keras here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task
from tuner.records import Change

LOOK = "look"  # a value that only a person can follow
SCHEDULES = {"cosine": "cosine", "warmup": "warmup", "none": "none", "constant": "none"}


def number(value: Any, now: float) -> float | None:
    """A number as it is, or a factor such as "÷3" or "x10" of the present value; None of another text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value)
    if text[:1] in "÷/×x*" and text[1:].replace(".", "", 1).isdigit():
        factor = float(text[1:])
        return now / factor if text[0] in "÷/" else now * factor
    return None


def applied(change: Change, setup: Setup, task: Task) -> Setup | None:
    """The setup with the change made, or as it was where that is how it is already; None if it cannot be made."""
    if change.value == LOOK:
        return None
    layer, _, last = change.path.rpartition(".")
    if layer.startswith("layers.") or (layer == "layers" and last in _LAYERS):
        return _LAYERS[last](change.value, setup) if last in _LAYERS else None
    return _KNOBS[change.path](change.value, setup, task) if change.path in _KNOBS else None


def _rate(value: Any, setup: Setup, task: Task) -> Setup | None:
    rate = number(value, setup.learning_rate)
    return None if rate is None else replace(setup, learning_rate=rate)


def _optimizer(value: Any, setup: Setup, task: Task) -> Setup | None:
    name = str(value).lower()
    return replace(setup, optimizer=name) if name in ("sgd", "adam", "rmsprop") else None


def _wider(value: Any, setup: Setup, task: Task) -> Setup | None:
    units = tuple(setup.units or task.units)
    first = number(value, units[0])
    return None if first is None else replace(setup, units=tuple(round(n * first / units[0]) for n in units))


def _decay(value: Any, setup: Setup, task: Task) -> Setup | None:
    decay = number(value, setup.l2)
    return None if decay is None else replace(setup, l2=decay)


def _penalty(value: Any, setup: Setup, task: Task) -> Setup | None:
    """A penalty that is there made smaller; where there is none the change is beside the point."""
    return _decay(value, setup, task) if setup.l2 else setup


def _deeper(value: Any, setup: Setup, task: Task) -> Setup | None:
    """Hidden layers before the head, in networks of dense layers."""
    if task.network != "mlp":
        return None
    return replace(setup, units=(*(setup.units or task.units), *(int(units) for units in value)))


def _epochs(value: Any, setup: Setup, task: Task) -> Setup | None:
    epochs = number(value, setup.epochs)
    return None if epochs is None else replace(setup, epochs=round(epochs))


_KNOBS: dict[str, Callable[[Any, Setup, Task], Setup | None]] = {
    "optimizer.learning_rate": _rate,
    "optimizer.name": _optimizer,
    "schedule.name": lambda v, s, t: replace(s, schedule=SCHEDULES[v]) if v in SCHEDULES else None,
    "optimizer.global_clipnorm": lambda v, s, t: replace(s, clipnorm=number(v, s.clipnorm or 1.0)),
    "optimizer.weight_decay": _decay,
    "model.dropout": lambda v, s, t: replace(s, dropout=number(v, s.dropout) or 0.0),
    "model.units": _wider,
    "model.head_units": _deeper,
    "regularization.l2": _penalty,
    "training.early_stopping": lambda v, s, t: replace(s, patience=int(v)),
    "loss.label_smoothing": lambda v, s, t: replace(s, label_smoothing=number(v, 0.0) or 0.0),
    "loss.name": lambda v, s, t: replace(s, loss=v),
    "loss.from_logits": lambda v, s, t: replace(s, from_logits=bool(v)),
    "head.activation": lambda v, s, t: replace(s, head_activation=v or "linear"),
    "head.units": lambda v, s, t: replace(s, head_units=int(v)),
    "steps.change.epochs": _epochs,
    "data.batch_size": lambda v, s, t: replace(s, batch_size=round(number(v, s.batch_size) or s.batch_size)),
    "data.scale_inputs": lambda v, s, t: replace(s, inputs="standardized"),
    "data.scale_targets": lambda v, s, t: replace(s, targets="standardized"),
}
_LAYERS: dict[str, Callable[[Any, Setup], Setup | None]] = {
    "activation": lambda v, s: replace(s, activation=v),
    "kernel_initializer": lambda v, s: replace(s, initializer=v, init_std=None),
    "trainable": lambda v, s: replace(s, frozen="none") if v else None,
    "bias_initializer": lambda v, s: replace(s, bias=0.0),
    "rate": lambda v, s: replace(s, dropout=number(v, s.dropout) or 0.0),
    "add_batch_normalization": lambda v, s: replace(s, batch_norm=True),
    "add_skip_connections": lambda v, s: replace(s, skip=True),
    "momentum": lambda v, s: replace(s, bn_momentum=float(v)),
}
