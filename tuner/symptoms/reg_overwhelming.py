"""Does what should restrain the model outweigh the data?

Keras adds penalties to the loss that it reports. What training and validation loss have in common is then not the data:
examples differ, the weights are the same. Three signs: the losses of a regression coincide high above that of a
constant answer; those of a classifier coincide, began above guessing, and end far above what its accuracy needs, or
come down to guessing all the way from far above it, without an answer that was better. A fourth needs to be told:
dropout that strikes out three quarters of the units or more, with training far behind validation or near guessing.

Source: TheDeepChecker (gradient of the penalty against that of the data); CS231n, sanity checks (the penalty must not
be most of the loss).
"""

from dataclasses import dataclass
from itertools import pairwise

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import cost, falls, median, tail, val_cost
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import AT_CHANCE, Chance, accuracy_noise, chance, doubtful_loss, start

LEAST_EPOCHS = 10
HIGH = 2.0  # times the loss of a constant answer: more than half of the loss is something else
COINCIDE = 0.05  # of the loss: training and validation lie no further apart, in the middle of all epochs
ABOVE = 1.5  # times guessing: where the loss of a classifier begins that has a strong penalty
BEYOND = 1.3  # times the loss that a classifier with this accuracy needs; more than guessing a penalty cannot cost
HALF_WAY = 0.5  # from the accuracy of guessing to 1
STILL_HIGH = 0.5  # of guessing: a penalty in a loss that came below it did not hinder
LONG_WAY = 5  # epochs above `ABOVE`, on the way down to guessing: a start that is thrown out comes back at once
ARRIVED = 1.1  # times guessing
STEADY = 0.9  # share of the steps on the way that go down
LUCK, LIFT = 3.0, 0.02  # standard errors above chance, and accuracy besides
STRONG_DROPOUT = 0.75  # half of the units is usual
BEHIND = 0.15  # of the training loss: validation lies below it by more
NEAR_GUESSING = 0.8  # of guessing: a training loss that ends above it says little has been learned


@dataclass(frozen=True)
class _Sign:
    says: str
    evidence: dict[str, float]
    dropout: bool = False


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where one of the four signs is seen."""
    if min(len(curves.loss), len(curves.val_loss)) < LEAST_EPOCHS:
        return None
    sign = _of_a_regression(curves, context) or _of_a_classifier(curves, context) or _of_dropout(curves, context)
    if sign is None:
        return None
    return Verdict(
        "reg_overwhelming",
        Outcome.WARN,
        sign.says,
        dict(sign.evidence),
        _remedies(context, sign.dropout),
        onset=1,
        confidence=0.75,
        check="the same run without dropout for five epochs"
        if sign.dropout
        else "the same loss as a metric beside it: what the metric lacks is the penalty",
        source="TheDeepChecker; CS231n, sanity checks",
    )


def _of_a_regression(curves: LearningCurves, context: Context) -> _Sign | None:
    base = context.baseline_loss
    if not base or base <= 0 or curves.accuracy:
        return None
    last = min(median(tail(curves.loss)), median(tail(curves.val_loss)))
    apart = _apart(curves)
    if last < HIGH * base or apart > COINCIDE:
        return None
    return _Sign(
        f"After {curves.epochs} epochs the loss is {last / base:.1f} times that of a constant answer, in training and "
        f"validation alike (they differ by {apart:.1%}): most of it is a penalty on the weights.",
        {"loss": last, "baseline_loss": base, "apart": apart},
    )


def _of_a_classifier(curves: LearningCurves, context: Context) -> _Sign | None:
    level = chance(curves, context)
    if level is None or not (curves.accuracy and curves.val_accuracy) or context.l2 == 0:
        return None
    if curves.loss[0] < ABOVE * level.loss:
        return None
    return _beyond_its_accuracy(curves, level) or _down_to_guessing(curves, level, context)


def _beyond_its_accuracy(curves: LearningCurves, level: Chance) -> _Sign | None:
    loss, apart = median(tail(curves.loss)), _apart(curves)
    accuracy = min(median(tail(curves.accuracy)), median(tail(curves.val_accuracy)))
    needed = doubtful_loss(accuracy, max(2, round(1 / level.accuracy)))
    learned = accuracy >= level.accuracy + HALF_WAY * (1 - level.accuracy)
    between = max(STILL_HIGH * level.loss, BEYOND * needed) <= loss <= (1 + AT_CHANCE) * level.loss
    if not learned or not between or apart > COINCIDE:
        return None
    return _Sign(
        f"A loss of {loss:.3g} in training and validation alike is {loss / needed:.1f} times what an accuracy of "
        f"{accuracy:.2f} needs, and it began above guessing: most of it is a penalty on the weights.",
        {"loss": loss, "needed": needed, "apart": apart},
    )


def _down_to_guessing(curves: LearningCurves, level: Chance, context: Context) -> _Sign | None:
    high = [epoch for epoch, loss in enumerate(curves.loss) if loss > ABOVE * level.loss]
    way, last = curves.loss[: len(high) + 1], median(tail(curves.loss))
    arrived = (1 - AT_CHANCE) * level.loss <= last <= ARRIVED * level.loss
    if not arrived or len(high) < LONG_WAY or high[-1] != len(high) - 1 or falls(way) < STEADY or not _between(curves):
        return None
    for values, examples in (
        (curves.accuracy, context.train_examples),
        (curves.val_accuracy, context.val_examples),
    ):
        if median(tail(values)) > level.accuracy + LUCK * accuracy_noise(values, examples) + LIFT:
            return None
    first = curves.loss[0] / level.loss
    return _Sign(
        f"The loss came down to that of guessing from {first:.1f} times it, over {len(high)} epochs, in training and "
        "validation alike, and no answer got better meanwhile: what fell was a penalty on the weights.",
        {"loss": last, "chance_loss": level.loss, "first": curves.loss[0]},
    )


def _of_dropout(curves: LearningCurves, context: Context) -> _Sign | None:
    share = context.dropout
    if share is None or share < STRONG_DROPOUT:
        return None
    training, validation = median(tail(curves.loss)), median(tail(curves.val_loss))
    begin = start(curves, context)
    if validation > (1 - BEHIND) * training and training < NEAR_GUESSING * begin:
        return None
    return _Sign(
        f"Dropout strikes out {share:.0%} of the units, and training ends at a loss of {training:.3g} (validation "
        f"{validation:.3g}, guessing {begin:.3g}): there is too little left to learn with.",
        {"dropout": share, "train_loss": training, "val_loss": validation},
        dropout=True,
    )


def _apart(curves: LearningCurves) -> float:
    """How far training and validation lie apart in the middle of all epochs, as a share of the training loss."""
    both = zip(cost(curves), val_cost(curves), strict=False)
    return median([abs(validation - training) / training for training, validation in both if training > 0] or [1.0])


def _between(curves: LearningCurves) -> bool:
    """Whether the mean over an epoch mostly lies between validation before and after it: both fall as one."""
    inside = [
        (1 - COINCIDE) * min(pair) <= training <= (1 + COINCIDE) * max(pair)
        for training, pair in zip(curves.loss[1:], pairwise(curves.val_loss), strict=False)
    ]
    return sum(inside) >= STEADY * len(inside)


def _remedies(context: Context, dropout: bool) -> tuple[Change, ...]:
    if dropout:
        return (Change("model.dropout", 0.3, "half of the units and fewer are usual", context.dropout),)
    return (
        Change("regularization.l2", 0.0, "a penalty that outweighs the data brings all weights to zero", context.l2),
        Change("optimizer.weight_decay", 0.0, "so does a decay that is too strong", context.weight_decay),
    )


SYMPTOM = Symptom(
    "reg_overwhelming",
    "Most of the loss is a penalty, or dropout leaves too little to learn with.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging", "stuck_at_chance"),
)
