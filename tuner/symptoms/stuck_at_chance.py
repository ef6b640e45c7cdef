"""Has the model learned nothing at all?

Chance is ln C nats over C classes, or the entropy of the class frequencies where these are uneven. A run that stays
there trains nothing, however many epochs it lasts. Where C is not told it is recognized: a flat loss at ln C together
with an accuracy of about 1/C is no coincidence.

Source: the lecture's step 1 (ln C); CS231n; runmedic's band of 2 %.
"""

import math

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import faster, slower
from tuner.symptoms.shape import falls, mean, noise
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import AT_CHANCE, Chance, accuracy_noise, chance, guessed_chance

LEAST_EPOCHS = 3
LEAST_TO_GUESS = 3  # epochs, where the number of classes is not told
LUCK = 3.0  # standard errors that an accuracy may lie above chance
LIFT = 0.02  # and this much besides: the running mean over an epoch is not a fixed model's accuracy
SAME_ANSWER = 6  # epochs with one and the same accuracy, in training and validation, that mean one answer to all
UNEVEN = 0.9  # of ln C: the entropy that uneven classes may have where only their number is told
CREEP = 0.005  # a steady fall by this share of chance is a low rate, not a standstill


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where loss and accuracy are no better than those of a model that ignores its input."""
    told = chance(curves, context)
    losses, accuracies = _after_the_first(curves.loss), _after_the_first(curves.accuracy)
    if max(len(curves.loss), len(curves.accuracy)) < (LEAST_EPOCHS if told else LEAST_TO_GUESS):
        return None
    level = told or guessed_chance(losses, accuracies)
    if level is None or not _at(level, losses, accuracies, curves, context) or _creeps(curves.loss, level):
        level = _one_answer(told, curves)
    if level is None:
        return None
    epochs = curves.epochs
    accuracy = f" and accuracy {mean(accuracies):.3g}, guessing gives {level.accuracy:.3g}" if accuracies else ""
    loss = f"Loss stays at {mean(losses):.4g}, guessing gives {level.loss:.4g}" if losses else "Nothing is learned"
    return Verdict(
        "stuck_at_chance",
        Outcome.FAIL,
        f"{loss}{accuracy}: after {epochs} epochs the model has learned nothing.",
        {
            "chance_loss": level.loss,
            "chance_accuracy": level.accuracy,
            "chance_is_told": level.told,
            "loss": mean(losses) if losses else None,
            "accuracy": mean(accuracies) if accuracies else None,
        },
        _remedies(curves, context, level),
        onset=1,
        confidence=0.98 if level.told and losses and accuracies and epochs >= 5 else 0.85,
        check="overfit twenty examples (step 2): if that fails too, inputs, labels or gradients are not connected",
        source="ln C within 2 % (CS231n, runmedic); the lecture's steps 1 and 2",
    )


def _after_the_first(values: tuple[float, ...]) -> tuple[float, ...]:
    """The first epoch's mean holds the way down from a bad start."""
    return values[1:]


def _at(
    level: Chance, losses: tuple[float, ...], accuracies: tuple[float, ...], curves: LearningCurves, context: Context
) -> bool:
    guessing = True
    for values, examples in ((accuracies, context.train_examples), (curves.val_accuracy, context.val_examples)):
        if values:
            error = LUCK * accuracy_noise(values, examples) + LIFT
            guessing &= mean(values) <= level.accuracy + error and mean(values[-3:]) <= level.accuracy + error
    if not losses:
        return guessing and bool(accuracies)
    near = all(loss >= (1 - AT_CHANCE) * level.loss for loss in losses)
    flat = all(loss <= (1 + AT_CHANCE) * level.loss for loss in losses)
    wanders = level.told and len(accuracies) >= LEAST_TO_GUESS and not _comes_down(curves)
    return near and guessing and (flat or wanders)


def _comes_down(curves: LearningCurves) -> bool:
    """Whether a loss above guessing is on its way there."""
    return any(v[-1] < (1 - AT_CHANCE) * max(v[:2]) for v in (curves.loss[1:], curves.val_loss) if v)


def _creeps(losses: tuple[float, ...], level: Chance) -> bool:
    if len(losses) < 5:
        return False
    fall = losses[0] - losses[-1]
    return falls(losses) >= 0.8 and fall > max(CREEP * level.loss, 4 * noise(losses)) and math.isfinite(fall)


def _one_answer(told: Chance | None, curves: LearningCurves) -> Chance | None:
    """Chance of uneven classes, from a model that gives every example the same answer: accuracy never moves."""
    if told is None or len(curves.loss) <= SAME_ANSWER or len(curves.accuracy) <= SAME_ANSWER:
        return None
    late = [_after_the_first(values) for values in (curves.accuracy, curves.val_accuracy) if values]
    constant = all(max(values) - min(values) < 1e-6 and max(values) < 0.98 for values in late)
    near = all(UNEVEN * told.loss <= loss <= (1 + AT_CHANCE) * told.loss for loss in curves.loss[1:])
    return Chance(mean(curves.loss[-SAME_ANSWER:]), late[0][-1], False) if constant and near else None


def _remedies(curves: LearningCurves, context: Context, level: Chance) -> tuple[Change, ...]:
    if curves.loss and curves.loss[0] > 1.1 * level.loss:
        return (slower(curves, context, 10, "the first epoch lies above guessing: the first steps broke the model"),)
    return (faster(curves, context, 10, "nothing moves, and nothing was thrown out"),)


SYMPTOM = Symptom(
    "stuck_at_chance",
    "Loss and accuracy stay where guessing would put them.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging"),
)
