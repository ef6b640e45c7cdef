"""Which points may the short runs try? A search space, keyed by recipe paths, around the setting found so far.

An axis is what a recipe writes: `{min_value, max_value, step, sampling}` or `{values: [...]}`, keras-tuner's words.
The rate's axis is centered on the rate that step 3 found; step 7 narrows, shifts or widens it.
"""

import math
from collections.abc import Mapping
from typing import Any

from tuner.hyperparameters import Hyperparameters
from tuner.recipe.batch_norm import DROPOUT_MOST

Axis = Mapping[str, Any]
Space = Mapping[str, Axis]

RATE = "optimizer.learning_rate"
RATE_REACH = math.sqrt(10.0)  # half a decade to either side of the rate found
NARROWER = 0.5  # share of the axis (in its own scale) that is left after narrowing
EDGE = 0.1  # within this share of an end of the axis, the best point lies at the edge (Google's tuning playbook)

DEFAULT_SPACE: Space = {
    "optimizer.weight_decay": {"values": [0.0, 1e-4, 1e-3, 1e-2]},
    "model.dropout": {"min_value": 0.0, "max_value": 0.5, "step": 0.1},
}
"""What is searched beside the rate when a recipe names no space."""
DROPOUT_BESIDE_BATCH_NORM: Axis = {"min_value": 0.0, "max_value": DROPOUT_MOST, "step": 0.1}
"""That of dropout, where batch normalization trains."""


def default_space(batch_norm_trains: bool) -> Space:
    """What is searched beside the rate when a recipe names no space; with less dropout where batch norm trains."""
    return {**DEFAULT_SPACE, "model.dropout": DROPOUT_BESIDE_BATCH_NORM} if batch_norm_trains else DEFAULT_SPACE


def around(point: Hyperparameters, wished: Space, changed: Space, batch_norm_trains: bool = False) -> dict[str, Axis]:
    """The space of a round: the axes wished for or the default ones, the rate around `point`, what step 7 changed."""
    axes: dict[str, Axis] = dict(wished or default_space(batch_norm_trains))
    axes[RATE] = rate_axis(point.learning_rate, axes.get(RATE))
    return axes | dict(changed)


def rate_axis(rate: float, wished: Axis | None) -> Axis:
    """Half a decade to either side of `rate`, inside the wished limits where these leave room; listed values stay."""
    if wished and "values" in wished:
        return wished
    low, high = rate / RATE_REACH, rate * RATE_REACH
    if wished:
        low, high = max(low, wished["min_value"]), min(high, wished["max_value"])
        if low >= high:
            low, high = wished["min_value"], wished["max_value"]
    return {"min_value": low, "max_value": high, "sampling": "log"}


def position(axis: Axis, value: float) -> float:
    """Where `value` lies on a ranged axis: 0 at its lower end, 1 at its upper."""
    low, high, x = (_scaled(axis, v) for v in (axis["min_value"], axis["max_value"], value))
    return (x - low) / (high - low) if high > low else 0.5


def moved(axis: Axis, best: float) -> tuple[Axis, str]:
    """The axis for the next round and what was done to it: shifted when the best lay at an edge, else narrowed."""
    low, high = _scaled(axis, axis["min_value"]), _scaled(axis, axis["max_value"])
    at = position(axis, best)
    if EDGE <= at <= 1 - EDGE:
        reach, word = NARROWER * (high - low) / 2, "narrowed"
    else:
        reach, word = (high - low) / 2, "shifted"
    middle = _scaled(axis, best)
    limits = {"min_value": _unscaled(axis, middle - reach), "max_value": _unscaled(axis, middle + reach)}
    return {**axis, **limits}, word


def at_edge(axis: Axis, value: float) -> str:
    """`lower` or `upper` when `value` lies within a tenth of that end of a ranged axis, else an empty string."""
    if "values" in axis:
        return ""
    at = position(axis, value)
    return "lower" if at < EDGE else "upper" if at > 1 - EDGE else ""


def _scaled(axis: Axis, value: float) -> float:
    return math.log(value) if axis.get("sampling") == "log" else value


def _unscaled(axis: Axis, value: float) -> float:
    return math.exp(value) if axis.get("sampling") == "log" else value
