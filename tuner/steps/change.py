"""Step 6: change what the curves ask for, and train on, longer.

The best few short runs go on from where they stopped, with a decaying rate and early stopping. Where the curves of one
call for a change, its top two remedies are first run against each other and against the run as it was, for a few epochs
(tuner/steps/duels.py); what wins goes on. Whichever ends highest on the validation images is taken, and its change
becomes the setting.

The curves of the one that is taken are read again: what a few epochs could not show is said here, and its remedies are
what the next round tries where its own short runs ask for nothing.

Source: the lecture's step 6.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.data import Problem
from tuner.inspection import Duel
from tuner.records import Change, Outcome, Step, Trial, TrialSpec, TrialState, Verdict, failed, passed, warned
from tuner.search.full_batch import NAME, adapted
from tuner.search.more_data import DataCurve
from tuner.search.noise import standard_error
from tuner.search.ranking import ranked
from tuner.setting import difference
from tuner.steps.batches import with_its_rate
from tuner.steps.data_worth import OVERFITS, worth_of_data
from tuner.steps.data_worth import measure as data_worth
from tuner.steps.duels import Remedies, first_epochs, goes_on, length, lost_before, remedies, settled
from tuner.steps.folds import CrossValidated, by_folds, cross_validated, verdict_of
from tuner.steps.learning_curves import read
from tuner.steps.optimizer_rates import with_rate_of_optimizer
from tuner.steps.rungs import finalists, whole
from tuner.steps.scheduled import chosen_point, of_longer_run
from tuner.steps.situation import Situation, counted, finding_of, situation, trial_of
from tuner.store import Store
from tuner.training import fit_many

NO_CHANGE: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One longer run and what it was before."""

    trial: int
    parent: int
    changes: tuple[Change, ...]  # the remedy it tries; empty for "the same, longer"
    before: float  # validation accuracy of the parent
    after: float
    epochs: int  # those of the duel included


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
    duels: tuple[Duel, ...] = ()  # which remedies were tried before the longer runs
    left: tuple[Verdict, ...] = ()  # warnings and a wide gap, with their remedies, which the next round tries
    data_curve: DataCurve | None = None  # where it overfits: errors by the number of training images
    folds: tuple[
        CrossValidated, ...
    ] = ()  # what the folds say of each candidate, where the recipe has any: they decide


@dataclass(frozen=True)
class Way:
    """One longer run: where it starts, with which change, and the trials that it was trained in."""

    parent: Trial
    changes: tuple[Change, ...]
    spec: TrialSpec
    trials: tuple[Trial, ...] = ()

    @property
    def best(self) -> Trial:
        """The best of its trials; the last where none is sound."""
        return next(iter(ranked(self.trials)), self.trials[-1])


def measure(problem: Problem, run: Store) -> Changed:
    """Let remedies fight where there are any, and train the best few on."""
    now = situation(problem, run)
    readings = finding_of(run, "learning_curves", now.round).evidence["readings"]
    short = [trial_of(run, reading["trial"]) for reading in readings]
    proposed = {t.number: _proposed(run, now, reading, t) for t, reading in zip(short, readings, strict=True)}
    parents = finalists(run, short, len(problem.dataset.validation))[: problem.recipe.steps.change.top_k]
    asked = [(parent, proposed[parent.number]) for parent in parents]
    epochs = _duel_epochs(problem, run, now, asked)
    ways, duels = _fought(problem, run, now, asked, epochs) if epochs else (_all_ways(problem, run, now, asked), ())
    ways = _trained(problem, run, ways)
    folds = cross_validated(problem, run, ranked(way.best for way in ways))
    candidates = tuple(
        Candidate(
            way.best.number,
            way.parent.number,
            way.changes,
            way.parent.val_accuracy,
            way.best.val_accuracy,
            sum(trial.curves.epochs for trial in way.trials),
        )
        for way in ways
    )
    evidence = _evidence(problem, now, parents, by_folds(run, (way.best for way in ways)), candidates)
    left = _left(problem, run, now, evidence.taken)
    warned_of = (verdict for verdict in left if verdict.outcome is not Outcome.PASS)
    seen = tuple(dataclasses.replace(verdict, outcome=Outcome.WARN, changes=()) for verdict in warned_of)
    curve = None
    if evidence.taken is not None and not OVERFITS.isdisjoint(verdict.name for verdict in left):
        curve = data_worth(problem, run, now, trial_of(run, evidence.taken), STEP.name)
    return dataclasses.replace(evidence, duels=duels, seen=seen, left=left, folds=folds, data_curve=curve)


def _proposed(run: Store, now: Situation, reading: Mapping[str, Any], trial: Trial) -> Remedies:
    """What the curves of a short run ask for, else what those of the longer run of the round before asked for."""
    lost = lost_before(run.findings, now.stage.name)
    found = remedies(reading, trial.hyperparameters, lost)
    before = run.finding("change", now.round - 1, now.stage.name)
    if found.changes or before is None:
        return found
    late = remedies({"verdicts": before.evidence.get("left", ())}, trial.hyperparameters, lost)
    return dataclasses.replace(late, seen_in=now.round - 1)


def _duel_epochs(problem: Problem, run: Store, now: Situation, asked: list[tuple[Trial, Remedies]]) -> int:
    """Epochs of the duels; 0 where there are none, the recipe wants none, or its budget of trials has no room."""
    sides = [1 + len(one.changes) for _, one in asked if one.changes]
    most = problem.recipe.budget.max_trials
    spent = sum((t.spec.step, t.spec.round) != ("change", now.round) for t in counted(run))  # ours may be there
    if not sides or (most is not None and spent + sum(sides) + len(asked) > most):
        return 0
    return length(now.stage.epochs, problem.recipe.steps.change.duel_epochs)


def _with_its_rate(problem: Problem, run: Store, now: Situation, parent: Trial, change: Change) -> tuple[Change, ...]:
    """The change, and that of the rate which goes with another batch or another optimizer."""
    if change.path == NAME:
        return with_rate_of_optimizer(problem, run, now, parent, change)
    return with_its_rate(problem, run, parent, change)


def _all_ways(problem: Problem, run: Store, now: Situation, asked: list[tuple[Trial, Remedies]]) -> list[Way]:
    """Without a duel: each run as it is, and with its first remedy."""
    tried = [
        (parent, changes)
        for parent, one in asked
        for changes in (NO_CHANGE, *(_with_its_rate(problem, run, now, parent, c) for c in one.changes[:1]))
    ]
    return [Way(parent, changes, _longer(problem, now, parent, changes)) for parent, changes in tried]


def _fought(
    problem: Problem, run: Store, now: Situation, asked: list[tuple[Trial, Remedies]], epochs: int
) -> tuple[list[Way], tuple[Duel, ...]]:
    """The winner of each duel, with its first epochs behind it, and what has nothing to change; all duels at once."""
    sides = [
        (parent, one, (NO_CHANGE, *(_with_its_rate(problem, run, now, parent, c) for c in one.changes)))
        for parent, one in asked
        if one.changes
    ]
    specs = {parent.number: [_longer(problem, now, parent, c) for c in changes] for parent, _, changes in sides}
    first = [
        first_epochs(spec, epochs, whole(run, parent).epochs) for parent, _, _ in sides for spec in specs[parent.number]
    ]
    trials = iter(fit_many(problem, run, first))
    ways, duels = {}, []
    for parent, one, changes in sides:
        fought = [next(trials) for _ in changes]
        duels.append(settled(parent, one, fought, len(problem.dataset.validation)))
        winner = duels[-1].taken or 0
        ways[parent.number] = Way(parent, changes[winner], specs[parent.number][winner], (fought[winner],))
    others = [Way(p, NO_CHANGE, _longer(problem, now, p, NO_CHANGE)) for p, one in asked if not one.changes]
    ways |= {way.parent.number: way for way in others}
    return [ways[parent.number] for parent, _ in asked], tuple(duels)


def _trained(problem: Problem, run: Store, ways: list[Way]) -> list[Way]:
    """Each to its end, all of them together."""
    rest = {}
    for index, way in enumerate(ways):
        if not way.trials:
            rest[index] = way.spec
        elif way.trials[-1].state is TrialState.COMPLETED and way.spec.epochs > way.trials[-1].spec.epochs:
            rest[index] = goes_on(way.spec, way.trials[-1])
    trained = dict(zip(rest, fit_many(problem, run, list(rest.values())), strict=True))
    more = {index: (trial,) for index, trial in trained.items()}
    return [dataclasses.replace(way, trials=way.trials + more.get(index, ())) for index, way in enumerate(ways)]


def _left(problem: Problem, run: Store, now: Situation, taken: int | None) -> tuple[Verdict, ...]:
    """What the whole way of the trial that is taken warns of, or a gap that it notes, with the remedies."""
    if taken is None:
        return ()
    trial = trial_of(run, taken)
    verdicts = read(problem, now, trial, whole(run, trial)).verdicts
    return tuple(verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS or verdict.name in OVERFITS)


def judge(evidence: Changed) -> Iterator[Verdict]:
    """What longer training and the remedies gained, against the noise of the validation set."""
    if evidence.taken is None:
        yield failed("all_diverged", "Every longer run diverged: the rate holds for a few epochs only.")
        return
    gain = evidence.after - evidence.before
    taken = next(c for c in evidence.candidates if c.trial == evidence.taken)
    what = f"with {taken.changes[0].path} = {taken.changes[0].value}" if taken.changes else "unchanged"
    what += "".join(f" ({change.because})" for change in taken.changes[1:])
    sentence = (
        f"Trained on for {taken.epochs} epochs, {what}: validation accuracy {evidence.before:.3f} → "
        f"{evidence.after:.3f} ({gain:+.3f}; noise ± {evidence.noise:.3f})."
    )
    if gain > evidence.noise:
        yield passed("gained", sentence, *evidence.chosen)
    else:
        yield warned("within_noise", f"{sentence} That is no gain beyond chance.", *evidence.chosen)
    if evidence.folds:
        yield verdict_of(evidence.folds, taken.trial)
    yield from (passed("duel", duel.sentence) for duel in evidence.duels)
    yield from evidence.seen
    if evidence.data_curve is not None:
        yield worth_of_data(evidence.data_curve)


def _longer(problem: Problem, now: Situation, parent: Trial, changes: tuple[Change, ...]) -> TrialSpec:
    recipe = problem.recipe
    point, goes_on_there = of_longer_run(problem, now, parent)
    for change in changes:
        point = point.replace(change.path, change.value)
    point = adapted(point)
    return TrialSpec(
        hyperparameters=point,
        epochs=now.stage.epochs,
        seed=recipe.seed,
        step="change",
        round=now.round,
        stage=now.stage.name,
        parent=parent.number,
        continued=goes_on_there and point.optimizer == parent.hyperparameters.optimizer,  # its state fits no other
        patience=recipe.regularization.early_stopping.patience,
        keep=True,
    )


def _evidence(
    problem: Problem, now: Situation, parents: list[Trial], trials: list[Trial], candidates: tuple[Candidate, ...]
) -> Changed:
    best = next(iter(trials), None)
    noise = standard_error(best.val_accuracy, len(problem.dataset.validation)) if best else float("nan")
    before = parents[0].val_accuracy if parents else float("nan")
    if best is None:
        return Changed(now.stage.name, candidates, noise, None, before, float("nan"), ())
    tried = next(c for c in candidates if c.trial == best.number)
    reason = tried.changes[0].because if tried.changes else "trained longer, it came out first"
    found = chosen_point(problem, now, best.hyperparameters, longer=True, changes=tried.changes)
    own = {change.path: change for change in tried.changes[1:]}  # such as the rate that went with the batch
    chosen = tuple(
        dataclasses.replace(change, because=own[change.path].because) if change.path in own else change
        for change in difference(now.setting.hyperparameters, found, reason)
    )
    return Changed(now.stage.name, candidates, noise, best.number, before, best.val_accuracy, chosen)


STEP = Step(
    "change",
    "Change what the curves ask for, and train on",
    "Does the remedy help, and does longer training?",
    measure,
    judge,
)
