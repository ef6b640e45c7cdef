"""Do loss and accuracy tell two stories about the same training data?

A loss that falls while the accuracy on the same examples stays where it was is measured against other labels than the
accuracy, or the metric does not fit the task (accuracy of a regression, class numbers against one-hot labels). So is a
loss that climbs while the accuracy gets better. And one that stays on the floor of a softmax that is applied twice
belongs to a head and a loss that do not fit: of outputs between 0 and 1 read as scores nobody can be sure.

Source: TheDeepChecker (correlation of loss and metric below 0.5); UMLAUT; the floor is the formula of the loss.
"""

import math

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import look_at_labels
from tuner.symptoms.shape import agreement, median, tail
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import accuracy_noise, doubtful_loss

LEAST_EPOCHS = 6
FELL = 0.3  # of the first loss
TOGETHER = 0.5  # rank correlation of loss and error rate that is expected at least
ROOM = 0.95  # an accuracy above it has nowhere to go
MOVED = 0.02  # accuracy gained that counts as movement
ALLOWED = 0.9  # of the loss that a model of this accuracy needs: above it the two may well belong together
CLIMBED = 0.1  # of the first loss
LUCK = 4.0  # standard errors
GOOD = 0.85  # accuracy from which a loss on the floor of two softmaxes is no accident
ON_THE_FLOOR = 0.04  # of the loss that the formula gives for this accuracy
TOO_HIGH = 1.7  # times the loss that a model of this accuracy needs


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where training loss and accuracy part, or stay together where no sound head and loss can be."""
    losses, accuracies = curves.loss, curves.accuracy
    if min(len(losses), len(accuracies)) < LEAST_EPOCHS or losses[0] == 0:
        return None
    return _part(curves, context) or _squashed_twice(curves, context)


def _part(curves: LearningCurves, context: Context) -> Verdict | None:
    losses, accuracies = curves.loss, curves.accuracy
    fell = (losses[0] - median(losses[-3:])) / abs(losses[0])  # a wrong sign lets it fall below zero
    gained = median(accuracies[-3:]) - accuracies[0]
    together = agreement(losses, [1 - value for value in accuracies])
    parts = fell >= FELL and gained <= MOVED and together < TOGETHER and median(accuracies[-3:]) <= ROOM
    if (not parts or _borne_out(curves, context)) and not climbs_and_gets_better(curves):
        return None
    return Verdict(
        "loss_metric_disagree",
        Outcome.WARN,
        f"The training loss {'fell' if fell > 0 else 'rose'} by {abs(fell):.0%} while the training accuracy went from "
        f"{accuracies[0]:.3g} to {median(accuracies[-3:]):.3g}: loss and accuracy do not measure the same thing.",
        {"loss_fell": fell, "accuracy_gained": gained, "rank_correlation": together},
        (look_at_labels("loss and accuracy seem to be given different ones"),),
        onset=1,
        confidence=0.7,
        check="accuracy by hand on one batch; class numbers want sparse losses, a regression has no accuracy",
        source="TheDeepChecker, correlation of loss and metric; UMLAUT",
    )


def _borne_out(curves: LearningCurves, context: Context) -> bool:
    """Whether the loss is no lower than this accuracy allows: of uneven classes the frequencies are learned first."""
    accuracy = median(curves.accuracy[-3:])
    classes = context.num_classes or len(context.class_frequencies or ()) or (2 if accuracy >= 0.5 else 0)
    return classes > 1 and median(curves.loss[-3:]) >= ALLOWED * doubtful_loss(accuracy, classes)


def climbs_and_gets_better(curves: LearningCurves) -> bool:
    """Whether training and validation accuracy rise, beyond noise, under a training loss that rises."""
    losses = curves.loss
    if min(len(losses), len(curves.accuracy), len(curves.val_accuracy)) < LEAST_EPOCHS or losses[0] <= 0:
        return False
    if not math.isfinite(sum(losses)) or median(losses[-3:]) < (1 + CLIMBED) * losses[0]:
        return False
    half = len(losses) // 2
    return all(
        median(v[-half:]) - median(v[:half]) > 0
        and median(v[-3:]) - median(v[:3]) > max(MOVED, LUCK * accuracy_noise(v, None) / math.sqrt(half))
        for v in (curves.accuracy, curves.val_accuracy)
    )


def _squashed_twice(curves: LearningCurves, context: Context) -> Verdict | None:
    floors = _floors(context)
    known = [(v, a) for v, a in ((curves.loss, curves.accuracy), (curves.val_loss, curves.val_accuracy)) if v and a]
    if not floors or len(known) < 2 or context.label_smoothing:
        return None
    ends = [(median(tail(v)), median(tail(a))) for v, a in known]
    classes = context.num_classes or len(context.class_frequencies or ())
    if any(a < GOOD or v < TOO_HIGH * doubtful_loss(a, classes) for v, a in ends):
        return None
    for right, wrong in floors:
        expected = [a * right + (1 - a) * wrong for _, a in ends]
        if all(abs(v - e) <= ON_THE_FLOOR * e for (v, _), e in zip(ends, expected, strict=True)):
            return _on_the_floor(ends[0], expected[0], classes)
    return None


def _floors(context: Context) -> list[tuple[float, float]]:
    """Mean loss of a right and of a wrong answer, where an output between 0 and 1 is read as a score."""
    counts = [count for count in context.class_frequencies or () if count > 0]
    classes = context.num_classes or len(counts)
    if classes < 2:
        return []
    if classes > 2:
        total = math.log(math.e + classes - 1)
        return [(total - 1, total)]
    zero, one, against = math.log(2), math.log1p(math.exp(-1)), math.log1p(math.e)
    shares = {count / sum(counts) for count in counts} or {0.5}
    return [(p * one + (1 - p) * zero, p * zero + (1 - p) * against) for p in sorted(shares)]


def _on_the_floor(end: tuple[float, float], expected: float, classes: int) -> Verdict:
    loss, accuracy = end
    return Verdict(
        "loss_metric_disagree",
        Outcome.WARN,
        f"A loss of {loss:.3g} at an accuracy of {accuracy:.3g} is that of probabilities read as scores "
        f"({expected:.3g}): softmax or sigmoid is applied twice, so the loss has a floor that it cannot leave.",
        {
            "loss": loss,
            "accuracy": accuracy,
            "expected": expected,
            "needed": doubtful_loss(accuracy, classes),
            "causes": weighed({"double_softmax": 0.7, "reg_overwhelming": 0.2, "head_loss_mismatch": 0.1}),
        },
        (Change("loss.from_logits", False, "the model answers with probabilities already"),),
        onset=1,
        confidence=0.75,
        check="the largest output of the model: not above 1 means probabilities",
        source="the formula of the loss; Keras's from_logits",
    )


SYMPTOM = Symptom(
    "loss_metric_disagree",
    "The training loss falls and the training accuracy does not follow.",
    find,
    yields_to=("nan_or_inf", "stuck_at_chance"),
)
