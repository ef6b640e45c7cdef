"""How is the landscape of a trial taken: planned with its cost, begun from what is known, finished row by row?"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from tuner.data import Problem
from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.records import Trial, number, to_json
from tuner.seeing import landscape
from tuner.seeing.ground import ground_of
from tuner.seeing.landscape import Asked, Landscape, Rows
from tuner.store import Store


@dataclass(frozen=True, eq=False)
class Plan:
    """A landscape that has not been computed, and what one pass costs."""

    asked: Asked
    loss: Callable[[Sequence[float]], float]  # at (first, second) coordinate
    empty: Landscape
    pass_seconds: float


def planned(
    problem: Problem, run: Store, trial: Trial, points: int, images: int, seed: int, whole: bool = False
) -> Plan:
    """The plan for a trial's landscape; two passes were taken, the first of which compiled.

    Raises `tuner.store.StoreError` if the trial kept no weights, `ValueError` for an even number of points,
    `Interrupted` when a stop was asked for.
    """
    along = landscape.coordinates(points)
    ground = ground_of(problem, run, trial, images, whole)
    loss = landscape.surface(ground, seed, run.stop.check)
    run.progress.say("One pass, to know what all of them cost")
    asked = Asked(trial.number, ground.part, points, len(ground.labels), seed)
    weights = sum(math.prod(kernel.variable.shape) for kernel in ground.kernels)
    chance = landscape.entropy(problem.dataset.class_frequencies)
    empty = Landscape(asked, along, (), len(ground.kernels), weights, chance, 0.0)
    return Plan(asked, loss, empty, landscape.cost(loss))


def begun(plan: Plan, known: Any) -> Landscape:
    """What an artifact holds of this very landscape, or an empty one."""
    if not isinstance(known, Mapping) or known.get("asked") != to_json(plan.asked):
        return plan.empty
    rows = tuple(tuple(map(number, row)) for row in known["rows"])
    return replace(plan.empty, rows=rows, seconds=number(known["seconds"]))


def finished(
    plan: Plan, start: Landscape, keep: Callable[[Landscape], None], progress: Progress, stop: StopFlag
) -> Landscape:
    """The whole landscape; `keep` gets it after each new row. Raises `Interrupted` when a stop was asked for."""
    if start.complete:
        return start
    began = perf_counter()

    def so_far(rows: Rows) -> Landscape:
        return replace(start, rows=rows, seconds=start.seconds + perf_counter() - began)

    along = start.coordinates
    return so_far(landscape.rows(plan.loss, along, start.rows, lambda rows: keep(so_far(rows)), progress, stop))
