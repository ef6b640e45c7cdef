"""What is a contender asked to do, and what does it say afterwards? Light: nothing here imports Keras."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.rivals.workload import RATES, Arrays, Workload


@dataclass(frozen=True)
class Task:
    """So many trials of one workload, from images or from features."""

    workload: Workload
    regime: str  # images | features
    trials: int
    seed: int
    arrays: Arrays  # of the regime
    folder: Path  # empty; for whatever the contender writes
    warm: Path  # a folder that outlives the turn: what `tuner` keeps of the data and, for `features`, of the backbone


@dataclass(frozen=True)
class Ran:
    """How it went. Seconds are of the wall clock, imports left out."""

    seconds: tuple[float, ...]  # of each trial, in order; one number for all where they were trained together
    epochs: tuple[int, ...]  # trained in each of those times
    learning_rate: float  # of the best trial
    val_accuracy: float  # of the best trial, in [0, 1]


def rates(task: Task) -> list[float]:
    """The learning rates of a random search: log-uniform, seeded. What a script that knows no tuner would draw."""
    low, high = np.log(RATES)
    return [float(rate) for rate in np.exp(np.random.default_rng(task.seed).uniform(low, high, task.trials))]


def one_by_one(task: Task, trial: Callable[[float], float]) -> Ran:
    """Run `trial(learning_rate) -> val_accuracy` for each drawn rate, one after the other, all epochs each."""
    seconds, found = [], []
    for rate in rates(task):
        began = perf_counter()
        found.append((trial(rate), rate))
        seconds.append(perf_counter() - began)
    accuracy, rate = max(found)
    return Ran(tuple(seconds), (task.workload.epochs,) * task.trials, rate, accuracy)


def between(marks: list[float], end: float) -> tuple[float, ...]:
    """Seconds of each trial from the moments at which they began, and the end of the last."""
    return tuple(float(second) for second in np.diff([*marks, end]))
