"""Which finalist is the best, where validation images are few? Each is trained again on K folds; the mean decides.

The trials of a round steer by the one validation split. Those that step 6 compares, a handful, are then judged on every
image outside the test set: for each fold, all that a finalist comes from is trained again, from the same first weights
and with the same settings, without the images that validate; else they would be known from an earlier stage. The trials
of folds are recorded like all others, so a resumed run trains none of them twice. They are never candidates themselves.

Source: L4; Kohavi (IJCAI 1995), who compares what comes out of one split with K folds.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from tuner.data import Problem
from tuner.data.folds import plan_of
from tuner.records import Trial, TrialSpec, TrialState, Verdict, passed
from tuner.search.ranking import ranked
from tuner.store import Store
from tuner.training import fit_many

FOLDED = "folds"  # step of the trials on folds


@dataclass(frozen=True)
class CrossValidated:
    """What the folds say of one trial."""

    trial: int
    accuracies: tuple[float, ...]  # validation accuracy of each fold; NaN where it diverged
    mean: float  # of the accuracies; NaN if one of them diverged
    sd: float  # their standard deviation
    loss: float  # mean validation loss, in nats
    single: float  # validation accuracy on the one split


def cross_validated(problem: Problem, run: Store, trials: Sequence[Trial]) -> tuple[CrossValidated, ...]:
    """Train the trials on all folds; nothing, and nothing trained, where the recipe has no folds.

    Trials of one fold and one place in their lines train together, so heads share a bank.
    """
    count = plan_of(problem.recipe, problem.dataset).count
    if not count or not trials:
        return ()
    run.progress.say(f"{len(trials)} finalist{'s' * (len(trials) > 1)} on {count} folds")
    lines = {trial.number: line(run, trial) for trial in trials}
    at: dict[tuple[int, int], int | None] = {(trial.number, n): None for trial in trials for n in range(1, count + 1)}
    for place in range(max(map(len, lines.values()))):
        asked = {
            key: on_fold(lines[key[0]][place].spec, (key[1], count), parent)
            for key, parent in at.items()
            if place < len(lines[key[0]])
        }
        for key, trial in zip(asked, fit_many(problem, run, list(asked.values())), strict=True):
            if trial.state is TrialState.DIVERGED:  # what comes after it has nothing to start from
                del at[key]
            else:
                at[key] = trial.number
    found = (scored(run, trial) for trial in trials)
    return tuple(one for one in found if one is not None)


def verdict_of(scores: Sequence[CrossValidated], taken: int) -> Verdict:
    """What the folds say of the one that is taken, and whether the single split would have taken another."""
    one = next(score for score in scores if score.trial == taken)
    first = max(scores, key=lambda score: score.single)
    sentence = (
        f"On {len(one.accuracies)} folds: accuracy {one.mean:.3f} ± {one.sd:.3f} (mean ± SD); the single split said "
        f"{one.single:.3f}."
    )
    if len(scores) > 1 and first.single > one.single:
        sentence += f" That split would have taken trial {first.trial}, which the folds put at {first.mean:.3f}."
    return passed("cross_validated", sentence, mean=one.mean, sd=one.sd, single=one.single, folds=len(one.accuracies))


def line(run: Store, trial: Trial) -> list[Trial]:
    """A trial after all that it comes from, the first of them first."""
    found = [trial]
    while (parent := found[0].spec.parent) is not None:
        found.insert(0, run.trials[parent - 1])
    return found


def on_fold(spec: TrialSpec, fold: tuple[int, int], parent: int | None) -> TrialSpec:
    """The spec of a trial on a fold; `parent` is its parent's on that fold."""
    return dataclasses.replace(spec, step=FOLDED, fold=fold, parent=parent, keep=True)


def scored(run: Store, trial: Trial) -> CrossValidated | None:
    """What the recorded trials on folds say of `trial`; None where one is missing, or there are none."""
    count = folds_of(run)
    last = []
    for number in range(1, count + 1):
        there = _on_fold(run, trial, (number, count))
        if there is None:
            return None
        last.append(there[-1])
    if not last:
        return None
    accuracies = tuple(one.val_accuracy for one in last)
    mean = fmean(accuracies)
    sd = stdev(accuracies) if math.isfinite(mean) else math.nan
    loss = fmean(one.val_loss for one in last)
    return CrossValidated(trial.number, accuracies, mean, sd, loss, trial.val_accuracy)


def folds_of(run: Store) -> int:
    """How many folds the run's trials are scored by; 0 if none was."""
    return next((trial.spec.fold[1] for trial in run.trials if trial.spec.fold is not None), 0)


def by_folds(run: Store, trials: Iterable[Trial]) -> list[Trial]:
    """`ranked`, by the folds where they have scored: those first, the highest mean first."""
    order = ranked(trials)
    scores = {trial.number: score for trial in order if (score := scored(run, trial)) is not None}
    sound = [trial for trial in order if trial.number in scores and math.isfinite(scores[trial.number].mean)]
    rest = [trial for trial in order if trial not in sound]
    return [*sorted(sound, key=lambda t: (-scores[t.number].mean, scores[t.number].loss)), *rest]


def accuracy_of(run: Store, trial: Trial, validation: int, everything: int) -> tuple[float, int]:
    """By what accuracy a trial is judged and over how many images: the folds' mean over all, else the one split's.

    Args:
        run: holds the trials on folds, if there are any.
        trial: the one in question.
        validation: images of the validation split.
        everything: these and the training images.
    """
    score = scored(run, trial)
    if score is None or not math.isfinite(score.mean):
        return trial.val_accuracy, validation
    return score.mean, everything


def numbers_on_folds(run: Store, trials: Iterable[Trial]) -> set[int]:
    """Numbers of the trials on folds that these, and trials that start from them, come from."""
    count = folds_of(run)
    lines = (_on_fold(run, trial, (number, count)) or () for trial in trials for number in range(1, count + 1))
    return {one.number for found in lines for one in found}


def _on_fold(run: Store, trial: Trial, fold: tuple[int, int]) -> list[Trial] | None:
    """The line of `trial` on a fold, up to where it diverged; None if a trial of it is not recorded."""
    found: list[Trial] = []
    for original in line(run, trial):
        there = run.remembered(on_fold(original.spec, fold, found[-1].number if found else None))
        if there is None:
            return None
        found.append(there)
        if there.state is TrialState.DIVERGED:
            break
    return found
