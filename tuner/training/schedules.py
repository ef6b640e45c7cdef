"""Which learning rate does each step use? Pure functions of how far the run is.

A schedule is a shape: from where the run stands, and the numbers of `schedule:`, to a multiple of the peak learning
rate. Warm-up is the same for all: linear, and the shape begins when it is over, so time is counted from its end. Where
a formula counts epochs, a step inside an epoch has its share of one. A learning-rate range test is a ramp, no schedule.

Source: the lectures (step, cosine, linear, inverse square root, linear warm-up); keras.optimizers.schedules; Loshchilov
and Hutter 2016, arXiv 1608.03983 (restarts); Smith 2018, arXiv 1803.09820, and Smith and Topin 2017, arXiv 1708.07120
(OneCycle, its straight lines as half cosines); Goyal et al. 2017, arXiv 1706.02677 (warm-up); Smith 2015, arXiv
1506.01186 (range test).
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tuner.hyperparameters import Hyperparameters

LEAST = 0.01  # where a shape that can only approach 0 ends when alpha is smaller, as a fraction of the peak
LONGER = 2  # times: a period of CosineDecayRestarts after the one before (T_mult of SGDR)
STEPS_OF_A_RUN = 3  # equal parts between the drops of a StepDecay that is told none: the lecture's 30 epochs, of 90
DROPS = (0.5, 0.75)  # fractions of the run at which PiecewiseConstantDecay drops (He et al. 2015, CIFAR-10)
ONE_CYCLE_RISE = 0.3  # fraction of the run in which OneCycle rises
ONE_CYCLE_START = 1 / 25  # first rate of OneCycle, as a fraction of the peak
ONE_CYCLE_END = 1e-4  # last rate of OneCycle, as a fraction of the peak, unless alpha is larger
PLATEAU = "ReduceLROnPlateau"  # the one schedule that looks at losses
PLATEAU_PATIENCE = 3  # epochs; Keras's 10 is longer than most trials here
PLATEAU_MIN_DELTA = 1e-4  # nats; Keras's ReduceLROnPlateau
ROUNDING = 1e-9  # a step this near before an edge stands on it


class Moment(NamedTuple):
    """Where a run stands since its warm-up ended."""

    fraction: float  # of the steps after the warm-up, in [0, 1]; t/T of the formulas
    epoch: float  # epochs since then, from 0


Shape = Callable[[Moment, Hyperparameters], float]  # -> multiple of the peak rate, in [0, 1]


def constant(at: Moment, point: Hyperparameters) -> float:
    """The peak rate, always."""
    return 1.0


def step_decay(at: Moment, point: Hyperparameters) -> float:
    """`drop_factor` to the power of how often `drop_every` epochs have passed, never below alpha."""
    passed = at.epoch / point.drop_every if point.drop_every is not None else at.fraction * STEPS_OF_A_RUN
    return max(point.alpha, point.drop_factor ** math.floor(passed + ROUNDING))


def drops(at: Moment, point: Hyperparameters) -> float:
    """`drop_factor` at each of `DROPS`, never below alpha."""
    return max(point.alpha, point.drop_factor ** sum(at.fraction >= drop - ROUNDING for drop in DROPS))


def cosine(at: Moment, point: Hyperparameters) -> float:
    """(1 + cos(pi t/T)) / 2, from 1 to alpha."""
    return half_cosine(at.fraction, 1.0, point.alpha)


def cosine_restarts(at: Moment, point: Hyperparameters) -> float:
    """Cosines from 1 to alpha, `restarts` of them, each `LONGER` times as long as the one before."""
    passed = at.fraction * (LONGER**point.restarts - 1)  # in lengths of the first
    period = min(int(math.log(1 + passed, LONGER) + ROUNDING), point.restarts - 1)
    return half_cosine((passed - LONGER**period + 1) / LONGER**period, 1.0, point.alpha)


def linear(at: Moment, point: Hyperparameters) -> float:
    """1 - t/T, from 1 to alpha."""
    return (1 - point.alpha) * (1 - at.fraction) + point.alpha


def polynomial(at: Moment, point: Hyperparameters) -> float:
    """(1 - t/T) to the power of `power`, from 1 to alpha."""
    return float((1 - point.alpha) * (1 - at.fraction) ** point.power + point.alpha)


def exponential(at: Moment, point: Hyperparameters) -> float:
    """A constant ratio a step, from 1 to alpha (at least `LEAST`)."""
    return float(max(point.alpha, LEAST) ** at.fraction)


def inverse_time(at: Moment, point: Hyperparameters) -> float:
    """1 / (1 + k t), from 1 to alpha (at least `LEAST`)."""
    return 1 / (1 + (1 / max(point.alpha, LEAST) - 1) * at.fraction)


def inverse_square_root(at: Moment, point: Hyperparameters) -> float:
    """1 / sqrt(t) with t in epochs, 1 where the first begins, never below alpha; it knows of no end of the run."""
    return max(point.alpha, 1 / math.sqrt(1 + at.epoch))


def one_cycle(at: Moment, point: Hyperparameters) -> float:
    """Half a cosine up for `ONE_CYCLE_RISE` of the run, then half a cosine down."""
    if at.fraction < ONE_CYCLE_RISE:
        return half_cosine(at.fraction / ONE_CYCLE_RISE, ONE_CYCLE_START, 1.0)
    return half_cosine((at.fraction - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE), 1.0, max(point.alpha, ONE_CYCLE_END))


def half_cosine(fraction: float, start: float, end: float) -> float:
    """From `start` to `end`, flat at both; `fraction` in [0, 1] is how far."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * fraction))


SCHEDULES: dict[str, Shape] = {
    "none": constant,
    "CosineDecay": cosine,
    "CosineDecayRestarts": cosine_restarts,
    "ExponentialDecay": exponential,
    "InverseSquareRoot": inverse_square_root,
    "InverseTimeDecay": inverse_time,
    "LinearDecay": linear,
    "OneCycle": one_cycle,
    "PiecewiseConstantDecay": drops,
    "PolynomialDecay": polynomial,
    PLATEAU: constant,  # times `plateau`, from epoch to epoch
    "StepDecay": step_decay,
}


FIELDS = ("schedule", "warmup_epochs", "alpha", "drop_every", "drop_factor", "power", "restarts")
"""Of a point: all that a factor follows from."""


def rate_at(point: Hyperparameters, step: int, total: int, steps_per_epoch: int, losses: Sequence[float] = ()) -> float:
    """The learning rate of one step, in [0, learning_rate]; see `factor_at`."""
    return point.learning_rate * factor_at(point, step, total, steps_per_epoch, losses)


def factor_at(
    point: Hyperparameters, step: int, total: int, steps_per_epoch: int, losses: Sequence[float] = ()
) -> float:
    """What the peak rate is multiplied by at one step.

    Args:
        point: its `FIELDS`.
        step: the step, counted from 0 at the beginning of the whole run.
        total: how many steps the whole run has, warm-up included.
        steps_per_epoch: what an epoch is in steps.
        losses: validation loss of each finished epoch of the whole run, for ReduceLROnPlateau.

    Returns:
        A factor in [0, 1]. The last warm-up step is the first with the peak rate.
    """
    warmup = min(round(point.warmup_epochs * steps_per_epoch), total)
    if step < warmup:
        return (step + 1) / warmup
    since = step - warmup
    at = Moment(min(1.0, since / max(1, total - warmup)), since / steps_per_epoch)
    if point.schedule == PLATEAU:
        return max(plateau(losses, point.drop_factor), point.alpha)
    return SCHEDULES[point.schedule](at, point)


def plateau(losses: Sequence[float], drop_factor: float) -> float:
    """The factor of ReduceLROnPlateau after epochs with these losses, in (0, 1]."""
    factor, best, waited = 1.0, math.inf, 0
    for loss in losses:
        if loss < best - PLATEAU_MIN_DELTA:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= PLATEAU_PATIENCE:
            factor, waited = factor * drop_factor, 0
    return factor


def ramp_rate(start: float, end: float, step: int, num: int) -> float:
    """The rate of step `step` (from 0) of a range test of `num` steps: exponential from `start` towards `end`."""
    return float(start * (end / start) ** (step / num))
