"""What do numbers in a row look like? Trends, noise, steadiness, jumps: the vocabulary that the symptoms share.

Plain Python on purpose: `tuner diagnose curves.csv` should not wait for NumPy. Every result either has no unit or
the unit of the curve, so nothing here changes its mind when a loss is multiplied by a constant.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tuner.records import LearningCurves


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of the two middle ones for an even number. `values` must not be empty."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean. `values` must not be empty."""
    return math.fsum(values) / len(values)


def noise(values: Sequence[float]) -> float:
    """Standard deviation of the jitter around the trend, in the unit of the curve; 0 for fewer than five values.

    Each value is held against the mean of its two neighbors, which takes any straight trend out, and the median of
    the distances does not care about a few jumps.
    """
    if len(values) < 5:
        return 0.0
    residuals = [abs(b - (a + c) / 2) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return 1.4826 * median(residuals) / math.sqrt(1.5)


def median_of_three(values: Sequence[float]) -> list[float]:
    """Each value replaced by the median of itself and its neighbors: single jumps are gone, steps stay."""
    if len(values) < 3:
        return list(values)
    inner = [median(values[i - 1 : i + 2]) for i in range(1, len(values) - 1)]
    return [median([values[0], *inner[:2]][:3]), *inner, median([*inner[-2:], values[-1]])]


def moving_average(values: Sequence[float], weight: float = 0.5) -> list[float]:
    """Exponential moving average; `weight` in (0, 1] is the share of the newest value."""
    averages: list[float] = []
    for value in values:
        averages.append(value if not averages else averages[-1] + weight * (value - averages[-1]))
    return averages


def tail(values: Sequence[float], share: float = 0.1, least: int = 3) -> list[float]:
    """The last tenth (or `share`) of a curve, and at least `least` values of it."""
    return list(values[-max(least, round(share * len(values))) :])


def lowest(values: Sequence[float]) -> int:
    """Index of the first lowest value."""
    return min(range(len(values)), key=values.__getitem__)


def falls(values: Sequence[float]) -> float:
    """Share of the steps that go down, in [0, 1]; 0 for fewer than two values."""
    steps = list(pairwise(values))
    return sum(b < a for a, b in steps) / len(steps) if steps else 0.0


def agreement(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation, in [-1, 1]; 0 where one of the two does not move."""
    return _correlation(_ranks(first), _ranks(second))


def drops(values: Sequence[float], from_epoch: int = 3) -> list[int]:
    """Indices at which a curve falls suddenly to a lower level and stays there, as after a step of the rate.

    A sudden fall is at least a tenth of the value, eight times the jitter, and three times any of the three before it.
    """
    jitter, found = noise(values), []
    for i in range(max(from_epoch, 2), len(values) - 1):
        fall = values[i - 1] - values[i]
        before = max(a - b for a, b in pairwise(values[max(0, i - 4) : i]))
        stays = values[i + 1] < values[i - 1] - 0.5 * fall
        if stays and fall > max(0.1 * abs(values[i - 1]), 8 * jitter, 3 * before):
            found.append(i)
    return found


def cost(curves: LearningCurves) -> tuple[float, ...]:
    """What training brings down: the training loss, or the error rate where only accuracy was recorded."""
    return curves.loss or tuple(1 - value for value in curves.accuracy)


def val_cost(curves: LearningCurves) -> tuple[float, ...]:
    """The same for validation; in the same unit as `cost` wherever both are recorded."""
    if curves.val_loss or curves.loss:
        return curves.val_loss
    return tuple(1 - value for value in curves.val_accuracy)


def is_accuracy(values: Iterable[float]) -> bool:
    """Whether all values can be accuracies, in [0, 1]."""
    return all(0 <= value <= 1 for value in values)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2
        start = end + 1
    return ranks


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    pairs = list(zip(first, second, strict=False))
    if len(pairs) < 2:
        return 0.0
    a, b = mean([p[0] for p in pairs]), mean([p[1] for p in pairs])
    spread = math.sqrt(math.fsum((x - a) ** 2 for x, _ in pairs) * math.fsum((y - b) ** 2 for _, y in pairs))
    return math.fsum((x - a) * (y - b) for x, y in pairs) / spread if spread else 0.0
