"""Step 5: look at the loss and accuracy curves.

Every trial of the round is read by the symptoms (tuner/symptoms); what they say of the best few decides what step 6
tries. A short run can show that it diverged, stands still, fits too well or is still on its way; it cannot show more.

Source: the lecture's step 5; CS231n, neural-networks-3, "babysitting the learning process".
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.data import Problem
from tuner.records import Change, Outcome, Step, Trial, Verdict
from tuner.search.ranking import promising
from tuner.steps.situation import Situation, finding_of, situation, trial_of
from tuner.store import Store
from tuner.symptoms import Context, diagnose, for_trial


@dataclass(frozen=True)
class Reading:
    """What one trial's curves say, most important first."""

    trial: int
    symptom: str
    outcome: Outcome
    sentence: str
    onset: int | None
    changes: tuple[Change, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class CurvesRead:
    """The readings of a round, the best trial first."""

    stage: str
    readings: tuple[Reading, ...]
    leading: str  # the best trial's symptom


def measure(problem: Problem, run: Store) -> CurvesRead:
    """Read the curves of every short run of this round."""
    now = situation(problem, run)
    trials = [trial_of(run, number) for number in finding_of(run, "short_runs", now.round).evidence["trials"]]
    order = promising(trials, len(problem.dataset.validation))
    order += [trial for trial in trials if trial not in order]
    readings = tuple(read(problem, now, trial) for trial in order)
    return CurvesRead(now.setting.stage, readings, readings[0].symptom if readings else "")


def read(problem: Problem, now: Situation, trial: Trial) -> Reading:
    """The symptoms of one trial, in the light of the task: classes, noise of the validation set, target."""
    verdicts = diagnose(trial.curves, context(problem, now, trial))
    first = verdicts[0]
    changes = tuple(change for verdict in verdicts for change in verdict.changes)
    return Reading(trial.number, first.name, first.outcome, first.sentence, first.onset, changes, verdicts)


def context(problem: Problem, now: Situation, trial: Trial) -> Context:
    """What the symptoms need to know of the task."""
    target = problem.recipe.target
    task = Context(
        num_classes=problem.dataset.num_classes,
        class_frequencies=tuple(float(f) for f in problem.dataset.class_frequencies),
        train_examples=len(problem.dataset.train),
        val_examples=len(problem.dataset.validation),
        target=target.at_least if target else None,
        next_stage=now.next_stage is not None,
    )
    return for_trial(task, trial)


def judge(evidence: CurvesRead) -> Iterator[Verdict]:
    """The best trial's own verdicts, then a count of what the others showed."""
    if not evidence.readings:
        return
    yield from evidence.readings[0].verdicts
    others = Counter(reading.symptom for reading in evidence.readings[1:])
    if others:
        counted = ", ".join(f"{count} × {symptom}" for symptom, count in others.most_common())
        yield Verdict("other_trials", Outcome.PASS, f"The other {others.total()}: {counted}.", dict(others))


STEP = Step(
    "learning_curves",
    "Look at the curves",
    "Healthy, overfitting, underfitting, or wrong rate?",
    measure,
    judge,
)
