"""Step 6: change what the curves ask for, and train on, longer.

The best few short runs go on from where they stopped, with a decaying rate and early stopping; beside each stands the
same run with the first remedy that its curves call for, one change at a time. Whichever ends highest on the validation
images is taken, and its change becomes the setting.

The curves of the one that is taken are read again: what a few epochs could not show is said here.

Source: the lecture's step 6.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.data import Problem
from tuner.hyperparameters import PATHS, Hyperparameters
from tuner.records import Change, Outcome, Step, Trial, TrialSpec, Verdict, failed, passed, warned
from tuner.search.noise import standard_error
from tuner.search.ranking import ranked
from tuner.setting import difference
from tuner.steps.learning_curves import read
from tuner.steps.rungs import finalists, whole
from tuner.steps.situation import Situation, finding_of, situation, trial_of
from tuner.store import Store
from tuner.training import fit_many

NOT_HERE = frozenset({"transfer.trainable", "optimizer.learning_rate", "data.batch_size"})
"""Remedies that step 7 decides on: they need a new search, not a longer run."""

DECAY = "CosineDecay"  # of the longer runs, where the recipe names no schedule


@dataclass(frozen=True)
class Candidate:
    """One longer run and what it was before."""

    trial: int
    parent: int
    changes: tuple[Change, ...]  # the remedy it tries; empty for "the same, longer"
    before: float  # validation accuracy of the parent
    after: float
    epochs: int


@dataclass(frozen=True)
class Changed:
    """The longer runs of a round, and the one that is taken."""

    stage: str
    candidates: tuple[Candidate, ...]
    noise: float
    taken: int | None  # number of the trial
    before: float
    after: float
    chosen: tuple[Change, ...]  # from the setting to the trial that is taken
    seen: tuple[Verdict, ...] = ()  # what its curves warn of, from the first epoch on


def measure(problem: Problem, run: Store) -> Changed:
    """Train the best few on, as they are and with their first remedy."""
    now = situation(problem, run)
    readings = finding_of(run, "learning_curves", now.round).evidence["readings"]
    short = [trial_of(run, reading["trial"]) for reading in readings]
    remedies = {reading["trial"]: _first_remedy(reading["changes"]) for reading in readings}
    parents = finalists(run, short, len(problem.dataset.validation))[: problem.recipe.steps.change.top_k]
    asked: list[tuple[Trial, tuple[Change, ...]]] = []
    for parent in parents:
        asked += [(parent, ())] + [(parent, (change,)) for change in remedies[parent.number]]
    specs = [_longer(problem, now, parent, changes) for parent, changes in asked]
    trials = fit_many(problem, run, specs)
    candidates = tuple(
        Candidate(t.number, parent.number, changes, parent.val_accuracy, t.val_accuracy, len(t.curves.loss))
        for t, (parent, changes) in zip(trials, asked, strict=True)
    )
    evidence = _evidence(problem, now, parents, trials, candidates)
    return dataclasses.replace(evidence, seen=_seen(problem, run, now, evidence.taken))


def _seen(problem: Problem, run: Store, now: Situation, taken: int | None) -> tuple[Verdict, ...]:
    """What the whole way of the trial that is taken warns of. Its remedies are for the next round to find."""
    if taken is None:
        return ()
    trial = trial_of(run, taken)
    verdicts = read(problem, now, trial, whole(run, trial)).verdicts
    alarms = (verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS)
    return tuple(dataclasses.replace(verdict, outcome=Outcome.WARN, changes=()) for verdict in alarms)


def judge(evidence: Changed) -> Iterator[Verdict]:
    """What longer training and the remedies gained, against the noise of the validation set."""
    if evidence.taken is None:
        yield failed("all_diverged", "Every longer run diverged: the rate holds for a few epochs only.")
        return
    gain = evidence.after - evidence.before
    taken = next(c for c in evidence.candidates if c.trial == evidence.taken)
    what = f"with {taken.changes[0].path} = {taken.changes[0].value}" if taken.changes else "unchanged"
    sentence = (
        f"Trained on for {taken.epochs} epochs, {what}: validation accuracy {evidence.before:.3f} → "
        f"{evidence.after:.3f} ({gain:+.3f}; noise ± {evidence.noise:.3f})."
    )
    if gain > evidence.noise:
        yield passed("gained", sentence, *evidence.chosen)
    else:
        yield warned("within_noise", f"{sentence} That is no gain beyond chance.", *evidence.chosen)
    yield from evidence.seen


def _first_remedy(changes: list[dict[str, object]]) -> list[Change]:
    found = (Change(**change) for change in changes)  # type: ignore[arg-type]
    return [change for change in found if change.path in PATHS and change.path not in NOT_HERE][:1]


def _longer(problem: Problem, now: Situation, parent: Trial, changes: tuple[Change, ...]) -> TrialSpec:
    recipe = problem.recipe
    point: Hyperparameters = parent.hyperparameters
    for change in changes:
        point = point.replace(change.path, change.value)
    schedule = recipe.schedule.name if recipe.schedule.name != "none" else DECAY
    return TrialSpec(
        hyperparameters=dataclasses.replace(point, schedule=schedule),
        epochs=now.stage.epochs,
        seed=recipe.seed,
        step="change",
        round=now.round,
        stage=now.stage.name,
        parent=parent.number,
        continued=parent.hyperparameters.schedule == "none",  # else it has settled: a new cycle from its best weights
        patience=recipe.regularization.early_stopping.patience,
        keep=True,
    )


def _evidence(
    problem: Problem, now: Situation, parents: list[Trial], trials: list[Trial], candidates: tuple[Candidate, ...]
) -> Changed:
    best = next(iter(ranked(trials)), None)
    noise = standard_error(best.val_accuracy, len(problem.dataset.validation)) if best else float("nan")
    before = parents[0].val_accuracy if parents else float("nan")
    if best is None:
        return Changed(now.stage.name, candidates, noise, None, before, float("nan"), ())
    tried = next(c for c in candidates if c.trial == best.number)
    reason = tried.changes[0].because if tried.changes else "trained longer, it came out first"
    chosen = difference(now.setting.hyperparameters, best.hyperparameters, reason)
    return Changed(now.stage.name, candidates, noise, best.number, before, best.val_accuracy, chosen)


STEP = Step(
    "change",
    "Change what the curves ask for, and train on",
    "Does the remedy help, and does longer training?",
    measure,
    judge,
)
