"""What shape has a run on a tiny sample, and what is tried next? One word of six, from its epochs alone.

`fits` reached the wanted accuracy; `nan` left the finite numbers; `rising` ends well above its start; `flat` lost
next to nothing; `oscillating` swings up about as much as down; `stuck` fell, and then stopped or ran out of epochs.

Source: Full Stack Deep Learning's troubleshooting lecture (up, explode, oscillate, plateau); each constant its own.
"""

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from tuner.hyperparameters import Hyperparameters
from tuner.search.full_batch import adapted
from tuner.search.usual_rates import has_rate, usual_rate

TAIL = 0.1  # share of the epochs, at the end, that stands for where a run ended
RISING = 1.25  # times the first epoch's loss (losslint: last tenth above 1.25 times the first)
FLAT = 0.02  # share of the first epoch's loss; less than that is no improvement (runmedic)
SWINGS = 0.5  # share of the epoch-to-epoch moves that turn around (TheDeepChecker)
SWING = 0.1  # mean move, as a share of the median loss, below which turning around is only jitter
LEAST_EPOCHS = 6  # fewer turns than this tell nothing about swinging

OTHER_OPTIMIZERS = (("Adam", 1e-3, 0.9), ("SGD", 1e-2, 0.9))  # name, rate, momentum: each's customary start
SAME = {"AdamW": "Adam"}  # without weight decay, which is off here
UP, DOWN, BOTH = (10.0, 100.0), (0.1, 0.01), (10.0, 0.1, 0.01)
FACTORS = {"flat": UP, "nan": DOWN, "oscillating": DOWN, "rising": DOWN, "stuck": BOTH}  # times the rate that failed


def shape_of(loss: Sequence[float], accuracy: Sequence[float], target: float, diverged: bool = False) -> str:
    """The shape's word. `loss` (nats) and `accuracy` ([0, 1]) have one entry an epoch; `target` is an accuracy."""
    if diverged or not loss or not all(map(math.isfinite, loss)):
        return "nan"
    if accuracy and max(accuracy) >= target:
        return "fits"
    first, end = loss[0], median(loss[-math.ceil(TAIL * len(loss)) :])
    if len(loss) > 1 and end > RISING * first:
        return "rising"
    if first - min(loss) < FLAT * abs(first):
        return "flat"
    return "oscillating" if swings(loss) else "stuck"


def swings(loss: Sequence[float]) -> bool:
    """Does the second half turn around more often than not, by more than jitter?"""
    half = loss[len(loss) // 2 :]
    if len(half) < LEAST_EPOCHS:
        return False
    moves = [after - before for before, after in pairwise(half)]
    turns = sum(a * b < 0 for a, b in pairwise(moves))
    return turns > SWINGS * (len(moves) - 1) and fmean(map(abs, moves)) > SWING * median(half)


def bare(point: Hyperparameters) -> Hyperparameters:
    """The point without anything that hinders learning by heart."""
    plain = dataclasses.replace(
        point,
        ema_momentum=None,
        augmentation=(),
        dropout=0.0,
        weight_decay=0.0,
        l1=0.0,
        l2=0.0,
        label_smoothing=0.0,
        schedule="none",
        warmup_epochs=0.0,
    )
    return adapted(plain)


def usual(point: Hyperparameters) -> Hyperparameters:
    """The same optimizer at its usual rate."""
    return dataclasses.replace(point, learning_rate=usual_rate(point))


def other_rates(point: Hyperparameters, shape: str) -> list[Hyperparameters]:
    """The same optimizer at other rates, by the shape of its failure."""
    if not has_rate(point.optimizer):
        return []
    rates = [float(f"{point.learning_rate * factor:.4g}") for factor in FACTORS.get(shape, ())]
    return [dataclasses.replace(point, learning_rate=rate) for rate in rates]


def other_optimizers(point: Hyperparameters) -> list[Hyperparameters]:
    """The customary optimizers at their customary rates."""
    mine = SAME.get(point.optimizer, point.optimizer)
    return [
        dataclasses.replace(point, optimizer=name, learning_rate=rate, momentum=momentum)
        for name, rate, momentum in OTHER_OPTIMIZERS
        if name != mine
    ]


def faster(point: Hyperparameters, shape: str) -> list[Hyperparameters]:
    """Ten times the rate of a run that was still on its way when its epochs ended; nothing for any other shape."""
    rate = float(f"{10 * point.learning_rate:.4g}")
    slow = shape == "stuck" and has_rate(point.optimizer)
    return [dataclasses.replace(point, learning_rate=rate)] if slow else []
