"""What do the trials of a round say of the batch size? By what their rates were scaled, and up to where that holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Trial
from tuner.search.scaling import (
    BATCH,
    batch_ratio,
    batches_of,
    limit_words,
    rate_for_batch,
    scaled_axis,
    scaled_words,
    with_rate,
)
from tuner.search.space import Axis
from tuner.store import Store
from tuner.training.gradient_noise import noise_of


@dataclass(frozen=True)
class Batches:
    """The batch sizes of a round's trials."""

    before: int  # that of the setting, for which the rates of the axis are meant
    sizes: tuple[int, ...]  # of the trials; smallest first
    best: int  # that of the best trial
    optimizer: str  # of the best trial
    scaled: bool  # whether rates went with the batch: not where the recipe lists them
    ratio: float  # by which the rate of the best trial was multiplied
    critical: float | None  # batch size up to which the rule holds, at the best trial's weights; None: not measured


def batches(
    problem: Problem, run: Store, before: int, trials: Sequence[Trial], best: Trial | None, scaled: bool
) -> Batches | None:
    """What there is to say; None where all trials have the batch of the setting, or none is best."""
    sizes = batches_of(trial.hyperparameters for trial in trials)
    if best is None or sizes == (before,):
        return None
    point = best.hyperparameters
    ratio = batch_ratio(point.optimizer, before, point.batch_size) if scaled else 1.0
    critical = _critical(problem, run, best)
    return Batches(before, sizes, point.batch_size, point.optimizer, scaled, ratio, critical)


def sentence(found: Batches) -> str:
    """How the rates went with the batch, up to where that holds, and what the best batch is beside that."""
    several = ", ".join(map(str, found.sizes))
    if not found.scaled:
        return f"The rates that the recipe lists were tried at batches of {several} as they are.{_holds(found)}"
    same = f"the best batch is {found.before}, as before"
    said = same if found.best == found.before else scaled_words(found.optimizer, found.before, found.best)
    return f"The rates went with the batch ({several}); {said}.{_holds(found)}"


def because(found: Batches | None, reason: str) -> str:
    """The reason for a new rate, and that it went with the batch where it did."""
    if found is None or not found.scaled or found.best == found.before:
        return reason
    return f"{reason}; {scaled_words(found.optimizer, found.before, found.best, found.critical)}"


def _holds(found: Batches) -> str:
    """Up to where, and that a batch beyond it is a waste; empty where nobody measured it."""
    if found.critical is None:
        return ""
    measured = ", the noise scale of the gradient here" * math.isfinite(found.critical)
    beyond = "; a larger one finds hardly another direction" * (max(found.sizes) > found.critical)
    return f" The rule {limit_words(found.critical)}{measured}{beyond}."


def at_the_batch_of(point: Hyperparameters, axis: Axis, meant_for: int | None, best: Trial) -> tuple[Axis, float]:
    """A ranged axis of rates, meant for batches of `meant_for`, and the rate of the best trial: both at `point`'s."""
    own, optimizer = best.hyperparameters, point.optimizer
    ratio = batch_ratio(optimizer, meant_for or point.batch_size, point.batch_size)
    return scaled_axis(axis, ratio), rate_for_batch(own.learning_rate, optimizer, own.batch_size, point.batch_size)


def with_its_rate(problem: Problem, run: Store, parent: Trial, change: Change) -> tuple[Change, ...]:
    """The change, and that of the rate where it is one of the batch size; the rule ends at the parent's noise scale."""
    limit = _critical(problem, run, parent) if change.path == BATCH else None
    return with_rate(parent.hyperparameters, (change,), limit)


def _critical(problem: Problem, run: Store, trial: Trial) -> float | None:
    noise = noise_of(problem, run, trial)
    return None if noise is None else noise.batch
