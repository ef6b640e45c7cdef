"""Is there nothing in the training labels that carries over to validation?

Training falls well and validation never gets better than guessing: the labels do not belong to the images (shuffled,
shifted by one, of another split), or the two sets are prepared in different ways.

Source: Zhang et al. 2017 (networks fit random labels); Arpit et al. 2017; the lecture's step 5 for the gap.
"""

import math
from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import look_at_labels
from tuner.symptoms.shape import cost, median, median_of_three, noise, tail
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import AT_CHANCE, Chance, accuracy_noise, chance

LEAST_EPOCHS = 5
EARLY_EPOCHS = 2  # are enough where all yardsticks are told, and after
EARLY_STEPS = 300  # steps: moving averages of batch normalization (momentum 0.99) have come 95 % of their way
LEARNED = 0.3  # share of the training loss at the start that must be gone
LEARNED_FOR_SURE = 0.1  # the same, where validation is surely no better than guessing
LITTLE = 0.03  # the same, where validation was never better than guessing and gets worse while training learns
LONG, NOISE = 20, 4.0  # epochs, and times the noise, that it takes to see that it does
LUCK = 3.0  # standard errors that validation may lie above chance
LIFT = 0.02
STRONGLY = 0.5  # share learned with which a validation loss near guessing is enough, whatever the accuracy
NEAR_GUESSING = 0.9  # of the loss of guessing
UNEVEN = 0.3  # of the room above chance: classes may be uneven where only their number is told
FEW = 100  # training examples: so few are learned by heart as well where the labels are right; of validation: luck
FAR_WORSE = 1.5  # times guessing: who answers so is sure of something else than what is asked
NEAR_START = 0.25  # to guess C: the first validation loss may lie this far from ln C


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where training falls well and validation is as bad as guessing throughout."""
    level = _level(curves, context)
    sure, long = guesses(curves, context), min(len(cost(curves)), curves.epochs) >= LEAST_EPOCHS
    if level is None or not (long or sure) or (context.train_examples or FEW) < FEW:
        return None
    end = median(tail(cost(curves), least=3 if long else 1))
    learned = 1 - end / (level.loss if curves.loss else 1 - level.accuracy)
    best_loss = min(median_of_three(curves.val_loss), default=math.inf)
    turned = _turned(curves, level, context)
    if (
        learned < (LITTLE if turned else LEARNED_FOR_SURE if long and sure else LEARNED)
        or best_loss < NEAR_GUESSING * level.loss
    ):
        return None
    if not curves.val_accuracy and best_loss < NEAR_GUESSING * curves.val_loss[0]:
        return None  # validation's own targets may cost more than those of training
    if not _is_guessing(curves.val_accuracy, level, context, learned >= STRONGLY and bool(curves.val_loss)):
        return None
    how = (
        f"accuracy is still {median(curves.val_accuracy):.3g}"
        if curves.val_accuracy
        else f"loss was at best {best_loss:.4g}"
    )
    return Verdict(
        "shuffled_labels",
        Outcome.WARN,
        f"Training has gone {learned:.0%} of its way and validation {how}, {_worse(best_loss, level)}",
        {
            "learned": learned,
            "val_accuracy": median(curves.val_accuracy) if curves.val_accuracy else None,
            "chance_accuracy": level.accuracy,
            "best_val_loss": best_loss,
        },
        (look_at_labels("nothing in them carries over to validation"),),
        onset=1,
        confidence=0.85 if level.told else 0.7,
        check="look at twenty training and twenty validation images with their labels, through the same pipeline; if "
        "these are right, evaluate training images in inference mode: no better means batch norm, not the labels",
        source="Zhang et al. 2017, random labels; chance within 3 standard errors",
    )


def _worse(best_loss: float, level: Chance) -> str:
    """No better than guessing, or far worse: then validation is another matter than training."""
    if math.isfinite(best_loss) and best_loss > FAR_WORSE * level.loss:
        return (
            f"and a loss of {best_loss:.3g} at best where guessing costs {level.loss:.3g}: validation is prepared in "
            "another way, or holds other classes; or the labels do not belong to the inputs."
        )
    return "that of guessing: the labels do not seem to belong to the inputs."


def _turned(curves: LearningCurves, level: Chance, context: Context) -> bool:
    """Whether validation, never better than guessing, gets worse while training gets better: nothing carries over."""
    training, validation = curves.loss, median_of_three(curves.val_loss)
    if min(len(training), len(validation)) < LONG or not level.told or (context.val_examples or 0) < FEW:
        return False
    rise = median(tail(validation)) - min(validation)
    fall = median(training[1:4]) - median(tail(training))
    worse = rise > NOISE * noise(curves.val_loss) / math.sqrt(3) and fall > NOISE * noise(training) / math.sqrt(3)
    return worse and min(validation) >= (1 - AT_CHANCE) * level.loss


def guesses(curves: LearningCurves, context: Context) -> bool:
    """Whether validation is surely no better than guessing: all yardsticks are told, and no epoch was any better."""
    level, epochs = chance(curves, context), curves.epochs
    early = epochs >= EARLY_EPOCHS and epochs * (context.steps_per_epoch or 0) >= EARLY_STEPS
    enough = early or epochs >= LEAST_EPOCHS
    if level is None or not enough or not context.val_examples or not (curves.val_loss and curves.val_accuracy):
        return False
    never_better = min(curves.val_loss) >= (1 - AT_CHANCE) * level.loss
    return never_better and _is_guessing(curves.val_accuracy, level, context, loss_says_so=False)


def _level(curves: LearningCurves, context: Context) -> Chance | None:
    """What guessing gives, where validation was measured in that unit."""
    if curves.loss and not curves.val_loss:
        return None
    if not curves.val_accuracy:
        return Chance(context.baseline_loss, 0.0, True) if context.baseline_loss and curves.val_loss else None
    return chance(curves, context) or _guessed(curves)


def _is_guessing(accuracies: Sequence[float], level: Chance, context: Context, loss_says_so: bool) -> bool:
    if not accuracies:
        return True
    error = LUCK * accuracy_noise(accuracies, context.val_examples) + LIFT
    near = median(accuracies) <= level.accuracy + UNEVEN * (1 - level.accuracy)
    within = median(accuracies) <= level.accuracy + error and max(accuracies) <= level.accuracy + 2 * error
    return within or (near and loss_says_so)


def _guessed(curves: LearningCurves) -> Chance | None:
    """C from the first validation loss, where the accuracy confirms it."""
    if not curves.val_loss or not 0 < curves.val_loss[0] < math.log(10_000):
        return None
    accuracy = median(curves.val_accuracy)
    classes = max(2, round(1 / accuracy)) if accuracy > 0 else 0
    for number in (classes, classes - 1, classes + 1):
        if number >= 2 and abs(curves.val_loss[0] - math.log(number)) <= NEAR_START * math.log(number):
            return Chance(math.log(number), 1 / number, False) if accuracy <= 1.4 / number else None
    return None


SYMPTOM = Symptom("shuffled_labels", "Training falls well and validation stays at guessing.", find, yields_to=BROKEN)
