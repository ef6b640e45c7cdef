"""Is the model too weak, or too much held back, to fit even the training data?

Training and validation nearly coincide, neither is good, and nothing moves any more. Good is the target where there
is one; otherwise the training loss has covered less than two fifths of the way from guessing to zero.

Source: the lecture's step 5 ("the curves nearly coincide"); CS231n; AUTOTRAINER's accuracy below 0.6.
"""

from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms import undertrained
from tuner.symptoms.causes import weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import enlarged, faster
from tuner.symptoms.shape import cost, falls, median, tail, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import POOR_LOSS, POOR_UNKNOWN, accuracy_noise, chance, start

LEAST_EPOCHS, LEAST_WITH_TARGET = 20, 8
SETTLED = 0.05  # gain in the last third, as a share of all progress
STEADY = 0.99  # a validation loss that falls in every epoch of the last third has not settled
POOR_ACCURACY = 0.7  # with `POOR_LOSS`, where there is no target
TOGETHER_ACCURACY, TOGETHER_LOSS = 0.05, 0.10  # of accuracy; of the start
LUCK = 3.0  # standard errors


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where training and validation lie together, have settled, and are poor."""
    training, validation = cost(curves), val_cost(curves)
    if min(len(training), len(validation)) < (LEAST_EPOCHS if context.target is None else LEAST_WITH_TARGET):
        return None
    begin = start(curves, context)
    last = median(tail(training))
    gain = max(_late_gain(training), _late_gain(validation))
    settled = gain <= SETTLED * max(begin - last, 0.02 * abs(begin))
    settled &= falls(validation[-(len(validation) // 3) :]) < STEADY
    settled &= undertrained.find(curves, context) is None  # it still improves
    if not settled or not _together(curves, context, begin) or not _poor(curves, context, begin):
        return None
    where = " on mixed images" if context.labels_mixed else ""
    accuracy = f", training accuracy{where} {median(tail(curves.accuracy)):.3f}" if curves.accuracy else ""
    return Verdict(
        "underfit",
        Outcome.WARN if _measured(curves, context) else Outcome.PASS,
        f"Training and validation nearly coincide and neither is good (loss {last:.4g} of {begin:.4g} at the start"
        f"{accuracy}), and nothing moves any more: the model is too small or held back.",
        {"train_loss": last, "val_loss": median(tail(validation)), "loss_at_start": begin, "late_gain": gain}
        | {"causes": weighed({"underfit": 0.5, "reg_overwhelming": 0.25, "lr_too_low": 0.15, "label_noise": 0.1})},
        (*enlarged(context), faster(curves, context, 3, "a rate too low settles nowhere near the optimum")),
        onset=len(training) - len(training) // 3 + 1,
        confidence=0.9 if context.target is not None else 0.65,
        check="ten epochs on twenty examples: a model that cannot fit these is too small or broken",
        source="the lecture's step 5; CS231n; two fifths of the way from guessing",
    )


def _late_gain(values: Sequence[float]) -> float:
    """What the last third brought: its first half against its second."""
    late = values[-(len(values) // 3) :]
    return median(late[: len(late) // 2]) - median(late[len(late) // 2 :])


def _together(curves: LearningCurves, context: Context, begin: float) -> bool:
    if curves.accuracy and curves.val_accuracy:
        apart = median(tail(curves.accuracy)) - median(tail(curves.val_accuracy))
        return apart <= max(TOGETHER_ACCURACY, LUCK * accuracy_noise(curves.val_accuracy, context.val_examples))
    return median(tail(val_cost(curves))) - median(tail(cost(curves))) <= TOGETHER_LOSS * abs(begin)


def _poor(curves: LearningCurves, context: Context, begin: float) -> bool:
    if context.target is not None and curves.accuracy:
        if context.labels_mixed and curves.val_accuracy:  # on mixed images nobody is as right as the target wants
            noise = LUCK * accuracy_noise(curves.val_accuracy, context.val_examples)
            return median(tail(curves.val_accuracy)) < context.target - noise
        return median(tail(curves.accuracy)) < context.target
    if curves.accuracy and max(median(tail(v)) for v in (curves.accuracy, curves.val_accuracy) if v) >= POOR_ACCURACY:
        return False
    better = min(median(tail(cost(curves))), median(tail(val_cost(curves))))  # dropout lifts the training loss
    return better > (POOR_LOSS if _measured(curves, context) else POOR_UNKNOWN) * begin


def _measured(curves: LearningCurves, context: Context) -> bool:
    """Whether anything tells how good a loss is; else a floor may be that of the task, and to name it is a note."""
    return bool(chance(curves, context) or curves.accuracy or context.baseline_loss or context.target)


SYMPTOM = Symptom(
    "underfit",
    "Training and validation coincide, neither is good, and nothing moves any more.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "lr_too_low", "loss_metric_disagree", "overfit", "gap", "train_eval_mismatch"),
)
