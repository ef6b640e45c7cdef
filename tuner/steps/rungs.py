"""How do short runs stop early, and which of them lead? Trained in rungs, compared with their like.

A rung is a number of epochs after which some trials stop and the others are continued. Each continuation is a trial
of its own, so that a run that dies between two rungs takes the same decisions again from its records.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.data import Problem
from tuner.records import LearningCurves, Trial, TrialSpec
from tuner.search.halving import GoesOn, rungs
from tuner.search.ranking import promising
from tuner.steps.situation import trial_of
from tuner.store import Store
from tuner.training import fit_many


@dataclass(frozen=True)
class Rung:
    """The trials that were trained together to the same number of epochs, and those that were continued from there."""

    epochs: int  # in all, from the start
    trials: tuple[int, ...]  # in the order asked for
    continued: tuple[int, ...]  # those that went on, the most promising first; empty at the last rung


def train_in_rungs(
    problem: Problem, run: Store, specs: Sequence[TrialSpec], goes_on: GoesOn
) -> tuple[list[Trial], tuple[Rung, ...]]:
    """Train specs of equal length, most of them not to their end.

    Returns the last trial of each spec, in the order of `specs`, and the rungs. A trial that went through all of them
    is, bit for bit, the trial of its spec trained at once. What has no rung below its length is trained at once.
    """
    there = list(dict.fromkeys(specs))
    lengths = rungs(there[0].epochs) if len(there) > 1 else ()
    if len(lengths) < 2:
        return fit_many(problem, run, specs), ()
    chance, examples = float(max(problem.dataset.class_frequencies)), len(problem.dataset.validation)
    last = dict(zip(there, fit_many(problem, run, [_first(spec, lengths[0]) for spec in there]), strict=True))
    done = []
    for before, epochs in zip(lengths, (*lengths[1:], None), strict=True):
        stand = {last[spec].number: spec for spec in there}
        on = [] if epochs is None else goes_on([last[spec] for spec in there], examples, chance)
        done.append(Rung(before, tuple(stand), tuple(trial.number for trial in on)))
        if epochs is None or not on:
            break
        chosen = {trial.number for trial in on}
        there = [spec for number, spec in stand.items() if number in chosen]
        longer = [continuation(_first(spec, epochs - before), last[spec]) for spec in there]
        last |= zip(there, fit_many(problem, run, longer), strict=True)
    return [last[spec] for spec in specs], tuple(done)


def continuation(spec: TrialSpec, parent: Trial) -> TrialSpec:
    """The spec as that of a trial which goes on where `parent` stopped."""
    return dataclasses.replace(spec, parent=parent.number, continued=True)


def whole(run: Store, trial: Trial) -> LearningCurves:
    """The curves of a trial from the first epoch on, those of the trials that it continues before its own."""
    curves = trial.curves
    while trial.spec.continued and trial.spec.parent is not None:
        trial = trial_of(run, trial.spec.parent)
        curves = trial.curves.joined(curves)
    return curves


def leading(run: Store, trials: Iterable[Trial], examples: int) -> list[Trial]:
    """The trials that deserve longer training, best first: those with the most epochs behind them come first.

    A trial that was stopped early is compared with its like only: what it would have become, nobody knows.
    """
    found = list(trials)
    length = {trial.number: whole(run, trial).epochs for trial in found}
    lengths = sorted(set(length.values()), reverse=True)
    return [trial for one in lengths for trial in promising([t for t in found if length[t.number] == one], examples)]


def finalists(run: Store, trials: Iterable[Trial], examples: int) -> list[Trial]:
    """Of `leading`, those that were trained as long as the first."""
    order = leading(run, trials, examples)
    return [trial for trial in order if whole(run, trial).epochs == whole(run, order[0]).epochs]


def _first(spec: TrialSpec, epochs: int) -> TrialSpec:
    """The first `epochs` of a spec, under the schedule of its full length."""
    horizon = None if spec.hyperparameters.schedule == "none" else spec.horizon or spec.epochs
    return dataclasses.replace(spec, epochs=epochs, horizon=horizon)
