"""Has the model learned nothing at all?

Chance is ln C nats over C classes, or the entropy of the class frequencies where these are uneven. A run that stays
there trains nothing, however many epochs it lasts. Where C is not told it is recognized: a flat loss at ln C together
with an accuracy of about 1/C is no coincidence.

Source: the lecture's step 1 (ln C); CS231n; runmedic's band of 2 %.
"""

import math
from dataclasses import replace

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import ordered, weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import faster, look_at_labels, normalized, scaled, slower
from tuner.symptoms.shape import falls, mean, median, noise
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import AT_CHANCE, ONE_ANSWER, Chance, accuracy_noise, chance, guessed_chance, rate

LEAST_EPOCHS = 3
LEAST_TO_GUESS = 3  # epochs, where the number of classes is not told
LUCK = 3.0  # standard errors that an accuracy may lie above chance
LIFT = 0.02  # and this much besides: the running mean over an epoch is not a fixed model's accuracy
SAME_ANSWER = 6  # epochs with one and the same accuracy, in training and validation, that mean one answer to all
UNEVEN = 0.9  # of ln C: the entropy that uneven classes may have where only their number is told
THROWN_OUT = 1.1  # first epoch over the mean of the others: it came back to chance from above
WELL_ABOVE = 1.5  # times chance: a loss that stays above it is no standstill, it is thrown about
WANDERS = 1e-3  # jitter of the loss, as a share of chance, that small steps do not make
LARGE_RATE, SMALL_RATE = 0.05, 1e-5  # beyond which a rate is a likely cause by itself, whatever the optimizer
SURELY_CLASSES = 0.4  # a guessed chance above it is met by accident on the way down: the entropy of two classes
ABOVE_ANY_START = 1.2 * math.log(2)  # nats: two classes do not begin so high unless something is wrong
ON_THE_WAY = 1.1  # times the entropy of uneven classes: from ln 2 it is learned first, and then nothing else
ROSE = 0.1  # of accuracy since the first epoch: something was learned
CREEP = 0.005  # a steady fall by this share of chance is a low rate, not a standstill


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where loss and accuracy are no better than those of a model that ignores its input."""
    told = chance(curves, context)
    losses, accuracies = _after_the_first(curves.loss), _after_the_first(curves.accuracy)
    if max(len(curves.loss), len(curves.accuracy)) < (LEAST_EPOCHS if told else LEAST_TO_GUESS):
        return None
    level = told or _unmoved(guessed_chance(losses, accuracies), curves)
    if level is None or not _at(level, losses, accuracies, curves, context) or _creeps(curves.loss, level):
        level = _one_answer(told, curves) or _came_to_chance(told, curves, context)
    if level is None:
        return None
    losses, accuracies = (
        values[-SAME_ANSWER:] if _fell_to(level, curves) else values for values in (losses, accuracies)
    )
    epochs, causes = curves.epochs, _causes(curves, context, level)
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
            "causes": causes,
        },
        _remedies(curves, context, causes),
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
    wanders = (
        mean(losses) <= WELL_ABOVE * level.loss
        and level.told
        and len(accuracies) >= LEAST_TO_GUESS
        and not _comes_down(curves)
    )
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
    if len(curves.loss) <= SAME_ANSWER or len(curves.accuracy) <= SAME_ANSWER:
        return None
    if told is None:
        return _one_answer_untold(curves)
    late = [_after_the_first(values) for values in (curves.accuracy, curves.val_accuracy) if values]
    constant = all(max(values) - min(values) < 1e-6 and max(values) < 0.98 for values in late)
    near = all(UNEVEN * told.loss <= loss <= (1 + AT_CHANCE) * told.loss for loss in curves.loss[1:])
    return Chance(mean(curves.loss[-SAME_ANSWER:]), late[0][-1], False) if constant and near else None


def _one_answer_untold(curves: LearningCurves) -> Chance | None:
    """The same where no class is told: validation accuracy never moves, training hardly does."""
    losses, accuracies = curves.loss[-SAME_ANSWER:], _after_the_first(curves.accuracy)
    level = _unmoved(guessed_chance(losses, accuracies), curves)
    if level is None or not _same(_after_the_first(curves.val_accuracy)) or _creeps(losses, level):
        return None
    near = max(curves.loss[1:]) <= ON_THE_WAY * level.loss
    return level if near and max(accuracies) - min(accuracies) <= ONE_ANSWER else None


def _unmoved(guess: Chance | None, curves: LearningCurves) -> Chance | None:
    """A guess, unless accuracy rose on the way: a good model's loss can be the entropy of its accuracy by accident."""
    if guess is None or guess.accuracy < SURELY_CLASSES:
        return guess
    return guess if median(curves.accuracy[-SAME_ANSWER:]) <= curves.accuracy[0] + ROSE else None


def _same(accuracies: tuple[float, ...]) -> bool:
    return len(accuracies) >= SAME_ANSWER and max(accuracies) - min(accuracies) < 1e-6


def _came_to_chance(told: Chance | None, curves: LearningCurves, context: Context) -> Chance | None:
    """Chance, where the run came down to it from far above (a penalty, a start thrown out) and has stayed there."""
    losses, accuracies = curves.loss[-SAME_ANSWER:], curves.accuracy[-SAME_ANSWER:]
    guess = _unmoved(guessed_chance(losses, accuracies), curves)
    high = max(curves.loss, default=0.0) > ABOVE_ANY_START and _same(curves.val_accuracy[-SAME_ANSWER:])
    level = told or (guess if guess and (guess.accuracy < SURELY_CLASSES or high) else None)
    if level is None or len(losses) < SAME_ANSWER or len(accuracies) < SAME_ANSWER or not _fell_to(level, curves):
        return None
    late = replace(curves, val_accuracy=curves.val_accuracy[-SAME_ANSWER:])
    return level if _at(level, losses, accuracies, late, context) and not _creeps(losses, level) else None


def _fell_to(level: Chance, curves: LearningCurves) -> bool:
    return len(curves.loss) > SAME_ANSWER and max(curves.loss[1:]) > (1 + AT_CHANCE) * level.loss >= curves.loss[-1]


def _causes(curves: LearningCurves, context: Context, level: Chance) -> dict[str, float]:
    """What keeps a run at chance, by what the curve rules out."""
    losses, now = _after_the_first(curves.loss), rate(curves, context)
    if len(losses) > 1 and losses[0] > THROWN_OUT * losses[-1]:  # it took epochs to come down
        return weighed({"reg_overwhelming": 0.5, "lr_too_high": 0.3, "input_scale": 0.2})
    if curves.loss and losses and curves.loss[0] > THROWN_OUT * mean(losses):
        return weighed({"lr_too_high": 0.5, "input_scale": 0.3, "dead_relu": 0.2})
    weights = {"lr_too_low": 0.3, "dead_relu": 0.25, "ignores_input": 0.2, "lr_too_high": 0.15, "bad_init": 0.1}
    if losses and noise(losses) > WANDERS * level.loss:
        weights |= {"lr_too_high": 0.5, "lr_too_low": 0.05}  # steps so small would not move it at all
    elif losses and mean(losses) > (1 + AT_CHANCE) * level.loss:
        weights["lr_too_low"] = 0.6  # not even the way down to chance was gone
    if now is not None and now >= LARGE_RATE:
        weights |= {"lr_too_high": 0.5, "lr_too_low": 0.05}
    elif now is not None and now <= SMALL_RATE:
        weights |= {"lr_too_low": 0.7, "lr_too_high": 0.02}
    return weighed(weights)


def _remedies(curves: LearningCurves, context: Context, causes: dict[str, float]) -> tuple[Change, ...]:
    live = normalized("units that never answer learn nothing; normalized inputs wake them")
    return ordered(
        causes,
        {
            "lr_too_high": (slower(curves, context, 10, "the first steps may have broken the model"),),
            "reg_overwhelming": (
                Change("regularization.l2", 0.0, "a penalty that outweighs the data brings all weights to zero"),
                Change("optimizer.weight_decay", 0.0, "so does a decay that is too strong", context.weight_decay),
            ),
            "lr_too_low": (faster(curves, context, 10, "nothing moves, and nothing was thrown out"),),
            "input_scale": (scaled("large inputs make the first steps too large"),),
            "dead_relu": (live,),
            "bad_init": (live,),
            "ignores_input": (look_at_labels("inputs or labels may not be connected to the loss"),),
        },
    )


SYMPTOM = Symptom(
    "stuck_at_chance",
    "Loss and accuracy stay where guessing would put them.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging"),
)
