"""How does the loss fall at several fixed rates? The lecture's sweep as trials: some rates, further and nearer ones."""

import dataclasses
import math
from collections.abc import Sequence

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Trial, TrialSpec, TrialState
from tuner.search.rate_sweep import EXTENSIONS, RateRun, between, beyond, read_runs
from tuner.store import Store
from tuner.training import fit_many

STEP = "learning_rate"  # whose trials they are, whoever asks for them


def swept_point(problem: Problem, point: Hyperparameters) -> Hyperparameters:
    """The point as a sweep trains it: a small weight decay, and nothing that a rate is not about."""
    decay = problem.recipe.steps.learning_rate.weight_decay
    return dataclasses.replace(
        point, weight_decay=decay, schedule="none", warmup_epochs=0.0, augmentation=(), ema_momentum=None
    )


def spec_of(problem: Problem, point: Hyperparameters, stage: str, steps: int) -> TrialSpec:
    """A trial of `steps` iterations on all the training data, not validated."""
    return TrialSpec(
        point,
        epochs=epochs_of(problem, point, steps),
        seed=problem.recipe.seed,  # one start and one order of batches for all rates
        step=STEP,
        stage=stage,
        max_steps=steps,
        validate=False,
    )


def epochs_of(problem: Problem, point: Hyperparameters, steps: int) -> int:
    """Epochs that so many steps touch."""
    return math.ceil(steps / math.ceil(len(problem.dataset.train.labels) / point.batch_size))


def at(base: TrialSpec, rates: Sequence[float]) -> list[TrialSpec]:
    """`base` at each of the rates."""
    point = base.hyperparameters
    return [dataclasses.replace(base, hyperparameters=dataclasses.replace(point, learning_rate=rate)) for rate in rates]


def extended(problem: Problem, run: Store, base: TrialSpec, sweep: list[Trial], refine: bool) -> list[Trial]:
    """The sweep with a decade further where the best lies at an edge, then with half decades around the best."""
    for _ in range(EXTENSIONS):
        wave = beyond(read(sweep))
        if not wave:
            break
        sweep = sweep + fit_many(problem, run, at(base, wave))
    wave = between(read(sweep)) if refine else ()
    return sweep + (fit_many(problem, run, at(base, wave)) if wave else [])


def read(trials: Sequence[Trial]) -> tuple[RateRun, ...]:
    """The sweep's trials, read together."""
    losses = {trial.hyperparameters.learning_rate: trial.curves.step_loss for trial in trials}
    diverged = [t.hyperparameters.learning_rate for t in trials if t.state is TrialState.DIVERGED]
    return read_runs(losses, diverged)
