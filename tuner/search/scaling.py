"""What becomes of the learning rate when the batch size changes? N times the batch, N times the rate, up to a limit.

The mean over a larger batch is less noisy, so that a longer step is as safe. Plain and momentum descent take a step in
proportion to the gradient: the rate grows as the batch. Optimizers that divide the gradient by its own usual size take
away the square root of that: the rate grows as the root. Both end at the critical batch, the gradient noise scale.

Source: the lecture (batch times N, rate times N); Goyal et al. 2017, arXiv 1706.02677 (linear); Malladi et al. 2022,
arXiv 2205.10287 (square root for Adam and RMSprop); McCandlish et al. 2018, arXiv 1812.06162 (where it ends).
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from tuner.hyperparameters import Hyperparameters
from tuner.records import Change
from tuner.search.space import RATE, Axis

BATCH = "data.batch_size"
POWERS = {"SGD": 1.0, "LBFGS": 0.0}
"""Optimizer -> the power of the batch with which its rate grows. L-BFGS has neither batches nor a rate."""
OTHERWISE = 0.5  # the others divide the gradient by its size, or take its sign


def batch_ratio(optimizer: str, before: int, after: int, limit: float = math.inf) -> float:
    """By what the rate is multiplied where the batch goes from `before` to `after` examples.

    Beyond `limit`, the critical batch size, a larger batch bears no higher rate.
    """
    at_most = max(limit, 1.0)
    return float((min(after, at_most) / min(before, at_most)) ** POWERS.get(optimizer, OTHERWISE))


def rate_for_batch(rate: float, optimizer: str, before: int, after: int, limit: float = math.inf) -> float:
    """The rate at a batch of `after` examples that is worth `rate` at one of `before`."""
    return rate * batch_ratio(optimizer, before, after, limit)


def proposed(
    point: Hyperparameters, values: Mapping[str, Any], listed: bool, ratios: Mapping[str, float] | None = None
) -> Hyperparameters:
    """The point with the values that a search proposes, its rate scaled to the batch, and converted to the optimizer.

    A rate on an axis is one at the batch of `point` and for its optimizer; `ratios` say by what it is multiplied for
    another. Where the recipe lists the rates (`listed`), they stay.
    """
    found = point
    for path, value in values.items():
        found = found.replace(path, value)
    if listed:
        return found
    ratio = batch_ratio(found.optimizer, point.batch_size, found.batch_size) * (ratios or {}).get(found.optimizer, 1.0)
    return dataclasses.replace(found, learning_rate=found.learning_rate * ratio)


def with_rate(point: Hyperparameters, changes: tuple[Change, ...], limit: float | None = None) -> tuple[Change, ...]:
    """The changes, and that of the rate which one of the batch size asks for, unless they set the rate themselves.

    `limit` is the critical batch size, None where nobody measured it.
    """
    after = next((change.value for change in changes if change.path == BATCH), point.batch_size)
    if after == point.batch_size or any(change.path == RATE for change in changes):
        return changes
    most = math.inf if limit is None else limit
    rate = rate_for_batch(point.learning_rate, point.optimizer, point.batch_size, after, most)
    why = scaled_words(point.optimizer, point.batch_size, after, limit)
    return (*changes, Change(RATE, rate, why, point.learning_rate))


def scaled_axis(axis: Axis, ratio: float) -> Axis:
    """A ranged axis of rates, in terms of another batch; a list of rates stays."""
    if "values" in axis or ratio == 1:
        return axis
    return {**axis, "min_value": axis["min_value"] * ratio, "max_value": axis["max_value"] * ratio}


def scaled_words(optimizer: str, before: int, after: int, limit: float | None = None) -> str:
    """`batch 32 → 128: rate × 4 (in proportion, SGD), holds up to a batch of about 210`; a limit of None is unknown."""
    power = POWERS.get(optimizer, OTHERWISE)
    law = {1.0: "in proportion", 0.5: "by the square root", 0.0: "no rate to scale"}[power]
    ratio = batch_ratio(optimizer, before, after, math.inf if limit is None else limit)
    holds = "" if limit is None else f", {limit_words(limit)}"
    return f"batch {before} → {after}: rate × {ratio:.3g} ({law}, {optimizer}){holds}"


def limit_words(limit: float) -> str:
    """How far the rule holds."""
    if math.isinf(limit):
        return "holds for any batch of these data: their gradient is nearly all noise"
    return f"holds up to a batch of about {two_digits(limit)}"


def two_digits(batch: float) -> str:
    """A batch size as precisely as it can be known: 7, 43, 210, 1,300."""
    whole = max(1, round(batch))
    step = 10 ** max(0, len(str(whole)) - 2)
    return f"{round(whole / step) * step:,}"


def batches_of(points: Iterable[Hyperparameters]) -> tuple[int, ...]:
    """The batch sizes among the points, smallest first."""
    return tuple(sorted({point.batch_size for point in points}))
