"""What does the loss look like around the trained weights? A plane through them, along two normalized directions.

A random direction says nothing where weights can be scaled without changing the network. So each filter of the
direction is given the length of the network's own filter, and biases and normalizations stay: a step of 1 is as long
as the filter itself, in every network.

Source: Li et al. 2018, arXiv 1712.09913, sections 4 and 5.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.seeing.ground import Ground, Kernel, plane

Array = NDArray[Any]
Rows = tuple[tuple[float, ...], ...]

POINTS = 21  # along each side
REACH = 1.0  # filter lengths from the center to each side
FEWEST_POINTS, MOST_POINTS = 5, 101  # odd, so that the center is one of them


@dataclass(frozen=True)
class Asked:
    """What decides a landscape besides the run: two equal ones are the same picture."""

    trial: int
    part: str  # head | trained | all
    points: int
    images: int
    seed: int


@dataclass(frozen=True)
class Landscape:
    """The mean training loss over a plane through the trained weights, row by row; fewer rows where it was stopped."""

    asked: Asked
    coordinates: tuple[float, ...]  # of rows and columns, in filter lengths
    rows: Rows  # nats; [row of the second direction][column of the first], from -REACH to REACH
    kernels: int  # how many variables moved
    weights: int  # and how many numbers that is
    chance: float  # entropy of the class frequencies, nats: what knowing nothing costs
    seconds: float  # of all passes

    @property
    def complete(self) -> bool:
        """Whether every row is there."""
        return len(self.rows) == len(self.coordinates)


def coordinates(points: int) -> tuple[float, ...]:
    """Evenly from -REACH to REACH. Raises `ValueError` for an even number, which would miss the center."""
    if points % 2 == 0 or not FEWEST_POINTS <= points <= MOST_POINTS:
        law = f"a side has an odd number of points from {FEWEST_POINTS} to {MOST_POINTS}, so that the center is one"
        raise ValueError(f"{law}; got {points}. Try {min(MOST_POINTS, max(FEWEST_POINTS, points | 1))}.")
    middle = points // 2
    return tuple(REACH * (place - middle) / middle for place in range(points))


def directions(kernels: Sequence[Kernel], seed: int, count: int = 2) -> list[list[Array]]:
    """Random directions, each filter as long as the network's own: one array a kernel, float32, its shape.

    A filter of zeros does not move. The same seed gives the same directions.
    """
    generator = np.random.default_rng(seed)
    return [
        [normalized(generator.standard_normal(k.value.shape), k.value, k.axes) for k in kernels] for _ in range(count)
    ]


def normalized(direction: Array, kernel: Array, axes: tuple[int, ...]) -> Array:
    """`direction` with each filter scaled to the length of the filter of `kernel`: d / |d| * |w|."""
    long = np.sqrt(np.sum(np.square(direction, dtype=np.float64), axis=axes, keepdims=True))
    wanted = np.sqrt(np.sum(np.square(kernel, dtype=np.float64), axis=axes, keepdims=True))
    found: Array = (direction / np.where(long > 0, long, 1.0) * wanted).astype(np.float32)
    return found


def cost(loss: Callable[[Sequence[float]], float]) -> float:
    """Seconds of one pass: the first one compiles and does not count."""
    loss((0.0, 0.0))
    began = perf_counter()
    loss((0.0, 0.0))
    return perf_counter() - began


def surface(ground: Ground, seed: int, check: Callable[[], None] = lambda: None) -> Callable[[Sequence[float]], float]:
    """The mean loss at (first, second) coordinate along two random directions; see `ground.plane` for `check`."""
    return plane(ground, directions(ground.kernels, seed), check)


def rows(
    loss: Callable[[Sequence[float]], float],
    along: Sequence[float],
    known: Rows,
    keep: Callable[[Rows], None],
    progress: Progress,
    stop: StopFlag,
) -> Rows:
    """Every row of the plane; those of `known` are not computed again, and `keep` gets all after each new one.

    Raises `Interrupted` when a stop was asked for: the rows that were kept stay.
    """
    found = list(known)
    progress.start("loss landscape", (len(along) - len(found)) * len(along), "passes")
    try:
        for second in along[len(found) :]:
            row = []
            for first in along:
                stop.check()
                row.append(loss((first, second)))
                progress.advance(1, f"loss {row[-1]:.3g}")
            found.append(tuple(row))
            keep(tuple(found))
    finally:
        progress.end()
    return tuple(found)


def entropy(frequencies: Array) -> float:
    """What a classifier that knows the class frequencies and nothing else costs, in nats."""
    return -sum(float(p) * math.log(p) for p in frequencies if p > 0)
