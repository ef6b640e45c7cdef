"""Which learning rate does a range test point to? Four published rules, the window they read, and when none may answer.

A range test raises the rate from batch to batch and records each batch's true loss. The loss is smoothed, the test
ends once it has blown up, and each rule reads one rate off the curve. The rules differ by up to a decade on one
curve, so all four are given; on a curve that never falls none of them means anything, and none is given.

Source: fastai 2's `lr_find` (window, smoothing and the rules valley, slide, steep and minimum; reimplemented from
their definitions); L. N. Smith, Cyclical learning rates for training neural networks, arXiv 1506.01186.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

BETA = 0.98  # weight of the past in the smoothed loss (fastai)
BLOW_UP = 4.0  # the test is over once the smoothed loss passes so many times its best (fastai)
SKIPPED_END = 5  # last points left out: the blow-up itself (fastai)
SKIPPED_START = 10  # a tenth of the planned steps is left out: the smoothed loss has not settled (fastai)
DESCENT = 0.05  # share of the loss at the window's start that must be lost; 10 batches' noise is about 3 %
SLIDE_REACH = 15  # points between the two slopes that `slide` compares (fastai)
SLIDE_GAP = 0.005  # nats per step by which these slopes must differ (fastai)


@dataclass(frozen=True)
class Suggestions:
    """What each rule suggests, as a learning rate; None where the rule has no answer."""

    valley: float | None = None  # the middle of the longest descent
    slide: float | None = None  # just before the slope changes
    steep: float | None = None  # where the loss falls fastest per decade
    minimum: float | None = None  # a tenth of the rate at the lowest loss


def smoothed(losses: Sequence[float], beta: float = BETA) -> list[float]:
    """Exponential moving average, corrected for its start from zero: a constant stays that constant, from step 1."""
    average, values = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = beta * average + (1 - beta) * loss
        values.append(average / (1 - beta**count))
    return values


def finite_head(losses: Sequence[float]) -> list[float]:
    """The losses before the first NaN or infinity."""
    return list(takewhile(math.isfinite, losses))


def blow_up(smooth: Sequence[float]) -> int | None:
    """Index of the first smoothed loss above `BLOW_UP` times the best so far; None if there is none."""
    best = math.inf
    for index, loss in enumerate(smooth):
        best = min(best, loss)
        if loss > BLOW_UP * best:
            return index
    return None


def readable(losses: Sequence[float]) -> list[float]:
    """The smoothed losses up to the first non-finite one or the blow-up, that point included."""
    smooth = smoothed(finite_head(losses))
    end = blow_up(smooth)
    return smooth if end is None else smooth[: end + 1]


def suggest(rates: Sequence[float], losses: Sequence[float], planned: int | None = None) -> Suggestions:
    """What the four rules say of a range test.

    `rates` (rising, positive) and `losses` (raw, nats) have one entry a batch; `planned` is the number of batches
    that the test would have taken, when it ended early. No rule answers unless the loss fell within the window.
    """
    if len(rates) != len(losses):
        raise ValueError(f"one loss a rate is needed, got {len(rates)} rates and {len(losses)} losses")
    smooth = readable(losses)
    first = (planned or len(losses)) // SKIPPED_START
    window = slice(first, max(first, len(smooth) - SKIPPED_END))
    x, y = list(rates)[window], smooth[window]
    if not descends(y):
        return Suggestions()
    return Suggestions(valley(x, y), slide(x, y), steep(x, y), minimum(x, y))


def descends(smooth: Sequence[float]) -> bool:
    """Does the curve lose more than `DESCENT` of its first value anywhere?"""
    return len(smooth) > 1 and smooth[0] - min(smooth) > DESCENT * abs(smooth[0])


def valley(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate half way down the longest strictly decreasing subsequence; None where that has no middle."""
    index = valley_index(losses)
    return None if index is None else float(rates[index])


def valley_index(losses: Sequence[float]) -> int | None:
    """Where `valley` reads: a third and half a third into the longest descent, whole steps only."""
    end, length = _longest_descent(losses)
    start = end - length if length > 1 else 0
    third = (end - start) / 3
    index = start + int(third) + int(third / 2)
    return index if 0 <= index < len(losses) else None


def _longest_descent(losses: Sequence[float]) -> tuple[int, int]:
    """End index and length of the longest strictly decreasing subsequence, the first to end among equals."""
    tails: list[float] = []  # tails[k]: the best last value, negated, of a descent of k + 1 points
    end = 0
    for index, loss in enumerate(losses):
        position = bisect.bisect_left(tails, -loss)
        if position == len(tails):
            tails.append(-loss)
            end = index
        else:
            tails[position] = -loss
    return end, len(tails)


def slide(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate before the slope changes, seen from the end of the curve; None below 16 points.

    Two slopes, 15 points apart, move left together for as long as they differ; the left one's last place counts.
    """
    if len(losses) <= SLIDE_REACH:
        return None
    slope = np.gradient(np.asarray(losses, dtype=float))
    differs = np.abs(slope[SLIDE_REACH:] - slope[:-SLIDE_REACH]) > SLIDE_GAP
    moved = sum(1 for _ in takewhile(bool, differs[::-1]))
    return float(rates[len(losses) - 1 - SLIDE_REACH - max(moved - 1, 0)])


def steep(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate at the left end of the segment that falls most per unit of log rate; None below 2 points."""
    if len(losses) < 2:
        return None
    slope = np.diff(np.asarray(losses, dtype=float)) / np.diff(np.log(np.asarray(rates, dtype=float)))
    return float(rates[int(np.argmin(slope))])


def minimum(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """A tenth of the rate at which the loss is lowest; None for an empty curve."""
    return float(rates[int(np.argmin(losses))]) / 10 if len(losses) else None
