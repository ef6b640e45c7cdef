"""Which learning rate does each step use? Pure functions of how far the run is.

A schedule is a shape: from the fraction of the run that is done, and `alpha`, to a multiple of the peak learning rate.
Warm-up is the same for all: linear, before the shape begins. A learning-rate range test is a ramp, and no schedule.

Source: keras.optimizers.schedules (CosineDecay, ...); Smith 2018, arXiv 1803.09820 (OneCycle); Smith 2015, arXiv
1506.01186 (range test).
"""

import math
from collections.abc import Callable, Sequence

from tuner.hyperparameters import Hyperparameters

Shape = Callable[[float, float], float]  # (fraction of the run in [0, 1], alpha in [0, 1]) -> multiple of the peak rate

LEAST = 0.01  # where a shape that can only approach 0 ends when alpha is smaller, as a fraction of the peak
RESTART_PERIODS = 3  # of CosineDecayRestarts; each twice as long as the one before
DROPS = (0.5, 0.75)  # fractions of the run at which PiecewiseConstantDecay divides by ten (He et al. 2015)
ONE_CYCLE_RISE = 0.3  # fraction of the run in which OneCycle rises
ONE_CYCLE_START = 1 / 25  # first rate of OneCycle, as a fraction of the peak
ONE_CYCLE_END = 1e-4  # last rate of OneCycle, as a fraction of the peak, unless alpha is larger
PLATEAU_FACTOR = 0.1  # Keras's ReduceLROnPlateau
PLATEAU_PATIENCE = 3  # epochs; Keras's 10 is longer than most trials here
PLATEAU_MIN_DELTA = 1e-4  # nats; Keras's ReduceLROnPlateau


def constant(fraction: float, alpha: float) -> float:
    """The peak rate, always."""
    return 1.0


def cosine(fraction: float, alpha: float) -> float:
    """Half a cosine from 1 to alpha."""
    return (1 - alpha) * 0.5 * (1 + math.cos(math.pi * fraction)) + alpha


def cosine_restarts(fraction: float, alpha: float) -> float:
    """Cosines from 1 to alpha, `RESTART_PERIODS` of them, each twice as long as the one before."""
    first = 1 / (2**RESTART_PERIODS - 1)
    period = min(int(math.log2(1 + fraction / first)), RESTART_PERIODS - 1)
    begin = first * (2**period - 1)
    return cosine((fraction - begin) / (first * 2**period), alpha)


def linear(fraction: float, alpha: float) -> float:
    """A straight line from 1 to alpha; Keras's PolynomialDecay with its default power."""
    return (1 - alpha) * (1 - fraction) + alpha


def exponential(fraction: float, alpha: float) -> float:
    """A constant ratio a step, from 1 to alpha (at least `LEAST`)."""
    return float(max(alpha, LEAST) ** fraction)


def inverse_time(fraction: float, alpha: float) -> float:
    """1 / (1 + k t), from 1 to alpha (at least `LEAST`)."""
    return 1 / (1 + (1 / max(alpha, LEAST) - 1) * fraction)


def inverse_square_root(fraction: float, alpha: float) -> float:
    """1 / sqrt(1 + k t), from 1 to alpha (at least `LEAST`)."""
    return 1 / math.sqrt(1 + (1 / max(alpha, LEAST) ** 2 - 1) * fraction)


def drops(fraction: float, alpha: float) -> float:
    """A tenth at each of `DROPS`, never below alpha."""
    return max(alpha, 0.1 ** sum(fraction >= drop for drop in DROPS))


def one_cycle(fraction: float, alpha: float) -> float:
    """Half a cosine up for `ONE_CYCLE_RISE` of the run, then half a cosine down."""
    if fraction < ONE_CYCLE_RISE:
        return cosine(1 - fraction / ONE_CYCLE_RISE, ONE_CYCLE_START)
    return cosine((fraction - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE), max(alpha, ONE_CYCLE_END))


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
    "PolynomialDecay": linear,
    "ReduceLROnPlateau": constant,  # and `plateau` from epoch to epoch
}


def rate_at(point: Hyperparameters, step: int, total: int, steps_per_epoch: int, losses: Sequence[float] = ()) -> float:
    """The learning rate of one step.

    Args:
        point: its `learning_rate` (the peak), `schedule`, `warmup_epochs` and `alpha`.
        step: the step, counted from 0 at the beginning of the whole run.
        total: how many steps the whole run has.
        steps_per_epoch: for `warmup_epochs`.
        losses: validation loss of each finished epoch, for ReduceLROnPlateau.

    Returns:
        A rate in (0, learning_rate]. The last warm-up step is the first with the peak rate.
    """
    warmup = min(round(point.warmup_epochs * steps_per_epoch), total)
    if step < warmup:
        return point.learning_rate * (step + 1) / warmup
    fraction = min(1.0, (step - warmup) / max(1, total - warmup))
    rate = point.learning_rate * SCHEDULES[point.schedule](fraction, point.alpha)
    return max(rate * plateau(losses), rate * point.alpha) if point.schedule == "ReduceLROnPlateau" else rate


def plateau(losses: Sequence[float]) -> float:
    """The factor of ReduceLROnPlateau after epochs with these losses, in (0, 1]."""
    factor, best, waited = 1.0, math.inf, 0
    for loss in losses:
        if loss < best - PLATEAU_MIN_DELTA:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= PLATEAU_PATIENCE:
            factor, waited = factor * PLATEAU_FACTOR, 0
    return factor


def ramp_rate(start: float, end: float, step: int, num: int) -> float:
    """The rate of step `step` (from 0) of a range test of `num` steps: exponential from `start` towards `end`."""
    return float(start * (end / start) ** (step / num))
