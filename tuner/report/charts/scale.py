"""Where on an axis does a value stand, and which values deserve a tick?"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tuner.report.words import compact

SMALLEST, LARGEST = 1e-30, 1e30  # ends of any log axis: nothing that is measured lies beyond

Kind = Literal["linear", "integer", "log"]


@dataclass(frozen=True)
class Axis:
    """What is measured along an axis. `low` and `high` are the ends of the plot; on a log axis both are positive."""

    title: str
    low: float
    high: float
    kind: Kind = "linear"
    write: Callable[[float], str] = compact


@dataclass(frozen=True)
class Scale:
    """An axis laid from pixel `start` to pixel `end`."""

    axis: Axis
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a finite value; on a log axis values below the smallest positive float stand at its end."""
        low, high, at = self.axis.low, self.axis.high, value
        if self.axis.kind == "log":
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, 1e-300))
        share = (at - low) / (high - low)
        return self.start + max(-4.0, min(5.0, share)) * (self.end - self.start)  # far outside, the plot's clip cuts

    def ticks(self, most: int) -> tuple[float, ...]:
        """At most about `most` round values inside the axis."""
        axis = self.axis
        if axis.kind == "log":
            return log_ticks(axis.low, axis.high, most)
        return linear_ticks(axis.low, axis.high, most, whole=axis.kind == "integer")


def spread(
    values: Iterable[float], title: str, kind: Kind = "linear", *, include: Iterable[float] = (),
    within: tuple[float, float] = (-math.inf, math.inf), write: Callable[[float], str] = compact,
) -> Axis:  # fmt: skip
    """An axis around the finite `values` with a little air, never beyond `within` and never of no length."""
    known = [value for value in (*values, *include) if math.isfinite(value) and (value > 0 or kind != "log")]
    if not known:
        return Axis(title, 0.1 if kind == "log" else 0.0, 1.0, kind, write)
    low, high = min(known), max(known)
    if kind == "log":
        low, high = max(low, SMALLEST), min(max(high, SMALLEST), LARGEST)
    if kind == "integer":
        return Axis(title, math.floor(low), max(math.ceil(high), math.floor(low) + 1), kind, write)
    if kind == "log":
        air = max((high / low) ** 0.06, 1.15)
        return Axis(title, low / air, high * air, kind, write)
    air = max((high - low) * 0.08, abs(high) * 1e-3, 1e-6)
    return Axis(title, max(low - air, within[0]), min(high + air, within[1]), kind, write)


def linear_ticks(low: float, high: float, most: int, whole: bool = False) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten; whole numbers only if `whole`."""
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    step = max(1.0, round(step)) if whole else step
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = tuple(index * step for index in range(first, last + 1))
    if whole and low == 1 and step > 1:  # epochs count from 1: show where they begin
        return (1.0, *(tick for tick in ticks if tick - 1 >= step / 2))
    return ticks


def log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Powers of ten, with 2 and 5 or with 3 between them where there is room, thinned where there is not."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(inside) <= most:
            return tuple(inside)
    return tuple(inside[:: math.ceil(len(inside) / most)])
