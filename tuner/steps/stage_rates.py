"""At which rate does a later stage of transfer learning train? Short runs from the stage before, one a rate.

Two decades below the rate that the stage begins with; where the lowest is the best, lower ones follow. A network that
moves as a whole falls to chance at rates that a head alone enjoys.

Source: measured on digits and on photographs with EfficientNet-Lite0 (docs/LOG.md).
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Trial, TrialSpec
from tuner.search.full_batch import adapted
from tuner.search.halving import rising_rates
from tuner.search.space import RATE
from tuner.steps.rungs import Rung, finalists, train_in_rungs
from tuner.steps.scheduled import horizon_of_short_run, of_short_run
from tuner.steps.situation import Situation
from tuner.store import Store
from tuner.training import fit_many

STAGE_RATES = (1.0, 10**-0.5, 0.1, 10**-1.5, 0.01)  # of the stage's first rate; two decades, by half decades
LOWER = (10**-0.5, 0.1)  # times the lowest of these, where that is the best
STAGE_ITERATIONS = 100  # steps below which a high rate has not yet come back from the disorder that it begins with


def stage_runs(problem: Problem, run: Store, now: Situation, step: str) -> tuple[list[Trial], tuple[Rung, ...]]:
    """The short runs with which a later stage begins, one a rate, as asked for by `step`; and where some stopped.

    Where the lowest rate comes out first, lower ones follow: how far a head's rate lies above that of pretrained layers
    depends on the size of the features.
    """
    most = problem.recipe.steps.short_runs.trials
    rates = stage_space(now)[RATE]["values"][:most]
    trials, rungs = _at_rates(problem, run, now, step, rates)
    leading = finalists(run, trials, len(problem.dataset.validation))
    lower = [min(rates) * share for share in LOWER]
    at_end = bool(leading) and leading[0].hyperparameters.learning_rate == min(rates) < max(rates)
    if RATE in now.setting.space or not at_end or len(rates) + len(lower) > most:
        return trials, rungs
    more, later = _at_rates(problem, run, now, step, lower)
    return [*trials, *more], (*rungs[:-1], *later)


def _at_rates(
    problem: Problem, run: Store, now: Situation, step: str, rates: Sequence[float]
) -> tuple[list[Trial], tuple[Rung, ...]]:
    epochs, point = stage_epochs(problem, now), now.setting.hyperparameters
    specs = [
        dataclasses.replace(short_run(problem, now, point.replace(RATE, rate), epochs), step=step) for rate in rates
    ]
    if problem.recipe.search.algorithm == "halving" or now.stage.trainable != "none":
        return train_in_rungs(problem, run, specs, rising_rates)
    return fit_many(problem, run, specs), ()


def stage_epochs(problem: Problem, now: Situation) -> int:
    """Epochs of such a run: as many as have steps enough, at most those of the stage or of the recipe's short runs."""
    enough = math.ceil(STAGE_ITERATIONS / steps_an_epoch(problem, now))
    return min(enough, max(now.stage.epochs, problem.recipe.steps.short_runs.epochs))


def stage_space(now: Situation) -> dict[str, Any]:
    """The rates of a stage, below the one that it begins with."""
    rates = [now.setting.hyperparameters.learning_rate * share for share in STAGE_RATES]
    return {RATE: {"values": rates}} | dict(now.setting.space)


def short_run(problem: Problem, now: Situation, point: Hyperparameters, epochs: int) -> TrialSpec:
    """A short run of step 4 at `point`."""
    return TrialSpec(
        hyperparameters=adapted(of_short_run(problem, now, point, epochs)),
        epochs=epochs,
        seed=problem.recipe.seed,  # the same start and order for all, so that they differ by their setting alone
        step="short_runs",
        round=now.round,
        stage=now.stage.name,
        parent=now.start.number if now.start else None,
        keep=True,
        horizon=horizon_of_short_run(problem, now, point),
    )


def steps_an_epoch(problem: Problem, now: Situation) -> int:
    """Training steps in one epoch."""
    return math.ceil(len(problem.dataset.train) / now.setting.hyperparameters.batch_size)
