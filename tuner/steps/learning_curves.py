"""Step 5: look at the loss and accuracy curves.

Every trial of the round is read by the symptoms (tuner/symptoms); what they say of the best few decides what step 6
tries. A short run can show that it diverged, stands still, fits too well or is still on its way; it cannot show more.
All of them together can: where step 2 learned a sample by heart and no setting does better than guessing on validation,
model and rate are cleared, and the labels are left.

Source: the lecture's step 5; CS231n, neural-networks-3, "babysitting the learning process".
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.data import Problem
from tuner.recipe.batch_norm import batch_norm_trains
from tuner.recipe.candidates import backbone_of
from tuner.records import Change, LearningCurves, Outcome, Step, Trial, Verdict, failed
from tuner.search.more_data import DataCurve
from tuner.steps.data_worth import OVERFITS, worth_of_data
from tuner.steps.data_worth import measure as data_worth
from tuner.steps.rungs import leading, whole
from tuner.steps.situation import Situation, by_heart, finding_of, situation, trial_of
from tuner.store import Store
from tuner.symptoms import Context, diagnose, for_trial
from tuner.symptoms.context import OfRecipe
from tuner.symptoms.shuffled_labels import guesses

STUCK = "stuck_at_chance"
SHUFFLED = "shuffled_labels"


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
    guesses: bool = False  # validation is no better than guessing, beyond doubt


@dataclass(frozen=True)
class CurvesRead:
    """The readings of a round, the best trial first."""

    stage: str
    readings: tuple[Reading, ...]
    leading: str  # the best trial's symptom
    by_heart: int = 0  # images that step 2 learned by heart
    data_curve: DataCurve | None = None  # where the best run overfits: errors by the number of training images


def measure(problem: Problem, run: Store) -> CurvesRead:
    """Read the curves of every short run of this round."""
    now = situation(problem, run)
    trials = [trial_of(run, number) for number in finding_of(run, "short_runs", now.round).evidence["trials"]]
    order = leading(run, trials, len(problem.dataset.validation))
    order += [trial for trial in trials if trial not in order]
    readings = tuple(read(problem, now, trial, whole(run, trial)) for trial in order)
    overfits = bool(readings) and not OVERFITS.isdisjoint(verdict.name for verdict in readings[0].verdicts)
    curve = data_worth(problem, run, now, order[0], STEP.name) if overfits else None
    return CurvesRead(now.setting.stage, readings, readings[0].symptom if readings else "", by_heart(run), curve)


def read(problem: Problem, now: Situation, trial: Trial, curves: LearningCurves | None = None) -> Reading:
    """The symptoms of one trial, or of `curves` of which it is the end, in the light of the task.

    The task is told by the classes, the noise of the validation set and the target.
    """
    curves = curves or trial.curves
    task = context(problem, now, trial)
    verdicts = diagnose(curves, task)
    first = verdicts[0]
    changes = tuple(change for verdict in verdicts for change in verdict.changes)
    guessing = first.name == STUCK or guesses(curves, task)
    return Reading(trial.number, first.name, first.outcome, first.sentence, first.onset, changes, verdicts, guessing)


def context(problem: Problem, now: Situation, trial: Trial) -> Context:
    """What the symptoms need to know of the task."""
    target, point = problem.recipe.target, trial.hyperparameters
    task = Context(
        num_classes=problem.dataset.num_classes,
        class_frequencies=tuple(float(f) for f in problem.dataset.class_frequencies),
        train_examples=len(problem.dataset.train),
        val_examples=len(problem.dataset.validation),
        steps_per_epoch=math.ceil(len(problem.dataset.train) / trial.hyperparameters.batch_size),
        target=target.at_least if target else None,
        epochs_planned=trial.spec.horizon,
        next_stage=now.next_stage is not None or now.undecided,
        batch_norm_trains=batch_norm_trains(problem.recipe, point.trainable, point.freeze_batch_norm),
        recipe=OfRecipe(
            backbone_of(problem.recipe),
            problem.recipe.model.normalization,
            problem.recipe.model.weights is not None,
            image_size=problem.dataset.image_shape[:2],
            class_names=problem.dataset.class_names,
        ),
    )
    return for_trial(task, trial)


def judge(evidence: CurvesRead) -> Iterator[Verdict]:
    """The best trial's own verdicts, then a count of what the others showed."""
    if not evidence.readings:
        return
    best = evidence.readings[0]
    if best.symptom != SHUFFLED and evidence.by_heart and all(reading.guesses for reading in evidence.readings):
        yield labels_left(evidence)
    else:
        yield from best.verdicts
    if evidence.data_curve is not None:
        yield worth_of_data(evidence.data_curve)
    others = Counter(reading.symptom for reading in evidence.readings[1:])
    if others:
        counted = ", ".join(f"{count} × {symptom}" for symptom, count in others.most_common())
        yield Verdict("other_trials", Outcome.PASS, f"The other {others.total()}: {counted}.", dict(others))


def labels_left(evidence: CurvesRead) -> Verdict:
    """Nothing carries over to validation, at any setting, and the model is not to blame."""
    count = len(evidence.readings)
    verdict = failed(
        SHUFFLED,
        f"Step 2 learned {evidence.by_heart} of these images by heart, yet in none of {count} short runs is validation "
        "better than guessing: the labels do not seem to belong to the images.",
        runs=count,
        by_heart=evidence.by_heart,
    )
    check = "look at twenty training and twenty validation images with their labels, through the same pipeline"
    return dataclasses.replace(verdict, check=check, onset=1, confidence=0.8)


STEP = Step(
    "learning_curves",
    "Look at the curves",
    "Healthy, overfitting, underfitting, or wrong rate?",
    measure,
    judge,
)
