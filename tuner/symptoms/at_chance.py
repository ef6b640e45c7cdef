"""Where would guessing put a run, and is it there?

Chance is ln C nats over C classes, or the entropy of the class frequencies where these are uneven, or the loss of a
regression's best constant answer. Where C is not told it is recognized: a flat loss at ln C together with an accuracy
of about 1/C is no coincidence. A run may have been there from its first epoch, have come down to it, or give one
answer to everything.

Source: CS231n (ln C); runmedic's band of 2 %.
"""

import math
from dataclasses import replace

from tuner.records import LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.shape import falls, mean, median, median_of_three, noise
from tuner.symptoms.yardsticks import (
    AT_CHANCE,
    ONE_ANSWER,
    Chance,
    accuracy_noise,
    chance,
    doubtful_loss,
    guessed_chance,
)

LEAST_TO_GUESS = 3  # epochs, where the number of classes is not told
LUCK = 3.0  # standard errors that an accuracy may lie above chance
LIFT = 0.02  # and this much besides: the running mean over an epoch is not a fixed model's accuracy
SAME_ANSWER = 6  # epochs with one and the same accuracy, in training and validation, that mean one answer to all
UNEVEN = 0.9  # of ln C: the entropy that uneven classes may have where only their number is told
WELL_ABOVE = 1.5  # times chance: a loss that stays above it is no standstill, it is thrown about
SURELY_CLASSES = 0.4  # a guessed chance above it is met by accident on the way down: the entropy of two classes
ABOVE_ANY_START = 1.2 * math.log(2)  # nats: two classes do not begin so high unless something is wrong
ON_THE_WAY = 1.1  # times the entropy of uneven classes: from ln 2 it is learned first, and then nothing else
ROSE = 0.1  # of accuracy since the first epoch: something was learned
CREEP = 0.005  # a steady fall by this share of chance is a low rate, not a standstill
NOTHING = 10  # epochs without an answer better than guessing that a loss on its way down does not excuse
LONG = 20  # epochs after which a regression that is worse than a constant answer, and stays so, is stuck there
NEAR_CONSTANT = 0.05  # a regression that ends within this share of the loss of a constant answer is there
SURE_OF_ONE = 1.7  # times the loss that a constant answer's accuracy needs: it is given with certainty


def level_of(curves: LearningCurves, context: Context) -> Chance | None:
    """The chance that the run never left, came to, or gives as its one answer; None where it is at none."""
    told = chance(curves, context)
    losses, accuracies = after_the_first(curves.loss), after_the_first(curves.accuracy)
    level = told or _unmoved(guessed_chance(losses, accuracies), curves)
    if level is not None and at(level, losses, accuracies, curves, context) and not creeps(curves.loss, level):
        return level
    return (
        _one_answer(told, curves)
        or _came_to_chance(told, curves, context)
        or _learned_nothing(told, curves, context)
        or _constant_answer(curves, context)
    )


def after_the_first(values: tuple[float, ...]) -> tuple[float, ...]:
    """The first epoch's mean holds the way down from a bad start."""
    return values[1:]


def at(
    level: Chance, losses: tuple[float, ...], accuracies: tuple[float, ...], curves: LearningCurves, context: Context
) -> bool:
    """Whether these epochs' loss and accuracy, and validation's accuracy, are at a level within their noise."""
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


def creeps(losses: tuple[float, ...], level: Chance) -> bool:
    """Whether a loss near chance falls steadily: a low rate, not a standstill."""
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
    late = [after_the_first(values) for values in (curves.accuracy, curves.val_accuracy) if values]
    constant = all(max(values) - min(values) < 1e-6 and max(values) < 0.98 for values in late)
    near = all(UNEVEN * told.loss <= loss <= (1 + AT_CHANCE) * told.loss for loss in curves.loss[1:])
    return Chance(mean(curves.loss[-SAME_ANSWER:]), late[0][-1], False) if constant and near else None


def _one_answer_untold(curves: LearningCurves) -> Chance | None:
    """The same where no class is told: validation accuracy never moves, training hardly does."""
    losses, accuracies = curves.loss[-SAME_ANSWER:], after_the_first(curves.accuracy)
    level = _unmoved(guessed_chance(losses, accuracies), curves)
    if level is None or not _same(after_the_first(curves.val_accuracy)) or creeps(losses, level):
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
    if level is None or len(losses) < SAME_ANSWER or len(accuracies) < SAME_ANSWER:
        return None
    if not fell_to(level, curves) and not (told and _back(told, curves)):
        return None
    late = replace(curves, val_accuracy=curves.val_accuracy[-SAME_ANSWER:])
    return level if at(level, losses, accuracies, late, context) and not creeps(losses, level) else None


def _learned_nothing(told: Chance | None, curves: LearningCurves, context: Context) -> Chance | None:
    """Chance, where no epoch's answers were better than guessing; far above it only where all get the same answer."""
    if min(len(curves.loss), len(curves.accuracy)) < NOTHING:
        return None
    if told is None or mean(curves.loss[1:]) > WELL_ABOVE * told.loss:
        return _sure_of_one_answer(curves)
    losses, high = curves.loss[1:], LUCK * accuracy_noise(curves.accuracy[1:], context.train_examples) + LIFT
    better = [
        max(median_of_three(values)) > told.accuracy + error
        for values, error in (
            (curves.accuracy[1:], high),
            (curves.val_accuracy, LUCK * accuracy_noise(curves.val_accuracy or (0.5,), context.val_examples) + LIFT),
        )
        if values
    ]
    below = min([*losses, *median_of_three(curves.val_loss)]) < (1 - AT_CHANCE) * told.loss
    return None if any(better) or below else told


def _sure_of_one_answer(curves: LearningCurves) -> Chance | None:
    """Chance of one answer to all, given with a certainty that its accuracy does not bear."""
    late, validation = curves.accuracy[1:], curves.val_accuracy[1:]
    if not _same(validation) or max(late) - min(late) > ONE_ANSWER or not 0 < median(late) < 1 - ONE_ANSWER:
        return None
    needed, level = doubtful_loss(median(late), 2), median(curves.loss[1:])
    still = max(curves.loss) - min(curves.loss[1:]) <= NEAR_CONSTANT * 2 * level  # else it was thrown there
    return Chance(needed, median(late), False) if still and level > SURE_OF_ONE * needed else None


def _constant_answer(curves: LearningCurves, context: Context) -> Chance | None:
    """The loss of a regression's best constant answer, where training came to it and never got below."""
    base = context.baseline_loss
    if not base or base <= 0 or curves.accuracy or len(curves.loss) < SAME_ANSWER:
        return None
    low, last = min(median_of_three(curves.loss[1:])), median(curves.loss[-3:])
    validation = median_of_three(curves.val_loss)
    never = bool(validation) and min(validation) >= (1 - AT_CHANCE) * base  # then training has luck alone to get below
    still = not validation or validation[-1] >= (1 - NEAR_CONSTANT) * min(base, median(validation[:3]))
    at = low >= (1 - (NEAR_CONSTANT if never else AT_CHANCE)) * base and last <= (1 + NEAR_CONSTANT) * base
    return Chance(base, 0.0, True) if (at and still) or _above_for_good(curves.loss, base) else None


def _above_for_good(losses: tuple[float, ...], base: float) -> bool:
    """Whether a regression was never better than a constant answer, and comes no nearer any more."""
    late = losses[-(len(losses) // 3) :]
    if len(losses) < LONG or min(median_of_three(losses[1:])) < (1 - AT_CHANCE) * base:
        return False
    first, second = median(late[: len(late) // 2]), median(late[len(late) // 2 :])
    return first - second <= NEAR_CONSTANT * second


def _back(told: Chance, curves: LearningCurves) -> bool:
    """Whether a run that was off chance for an epoch or two has been back there for half of its epochs, and long."""
    late = curves.loss[curves.epochs // 2 :]
    return len(late) >= NOTHING and all(abs(loss - told.loss) <= AT_CHANCE * told.loss for loss in late)


def fell_to(level: Chance, curves: LearningCurves) -> bool:
    """Whether a run came down to a level from above it."""
    return len(curves.loss) > SAME_ANSWER and max(curves.loss[1:]) > (1 + AT_CHANCE) * level.loss >= curves.loss[-1]
