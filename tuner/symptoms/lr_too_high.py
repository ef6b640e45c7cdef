"""Does the training loss say that the steps are too large?

Four signs, any of which will do: the first epoch's mean lies far above chance (the first steps threw the weights
out); the loss bounces at a high level and gains nothing; the loss of single steps climbs far above where it began; the
loss stays far above what a model that is right so often could have (it is sure of what is wrong).

Source: CS231n, neural-networks-3 (shapes of the loss); BTTackler (late variation without progress); our calibration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import ordered, weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import is_large, scaled, slower
from tuner.symptoms.shape import cost, mean, median, moving_average, noise, tail
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import chance, doubtful_loss, scheduled, start

THROWN_OUT, FAR_OUT = 1.5, 4.0  # mean loss of the first epoch, as a multiple of chance; beyond the second it stays said
COMING_BACK = 0.85  # last loss over first: nearer than `FAR_OUT` it was the initialization, and it is over
STILL_HIGH = 0.3  # of the start: below it training got well in spite of it
STILL_HIGH_IN_VALIDATION = 0.7  # the same for validation, which dropout does not raise
BOUNCE = 0.15  # jitter of the second half, as a share of its level
SMALL_SET = 3.0  # and so many times 1/sqrt(n): the mean loss over n training examples is no surer than that
LEAST_EPOCHS = 8  # to see a bounce
MANY_CLASSES = 1000  # where the number of classes is not told: chance is at most ln 1000 for most tasks
SURE_OF_WRONG = 1.7  # times the loss of a model that is right as often and knows how often
UNLIKELY_LOSS = 3.0  # nats: below it, where classes are not told, a penalty inside the loss explains as much
LARGEST_LOSS = -math.log(1e-7)  # nats: of one wrong answer, as Keras clips probabilities
HALF, GOOD = 0.5, 0.6  # of the first loss; of accuracy: with such a run, a loss beyond all errors is in another unit
STEP_CLIMB = 1.5  # smoothed step loss, as a multiple of the start
LEAST_STEPS = 20
STARTED_SO = 0.8  # first batch over the first epoch: the loss was that high before the first step
FROM_THE_START = {"lr_too_high": 0.6, "bad_init": 0.2, "input_scale": 0.2}  # one mean does not tell them apart
AT_A_USUAL_RATE = {"input_scale": 0.45, "lr_too_high": 0.3, "bad_init": 0.25}  # the same, where the rate is not large
LATER = {"lr_too_high": 0.85, "input_scale": 0.15}
FAR_TOO_HIGH = 3.0  # number of a sign above which the rate is divided by ten before it is divided by three


@dataclass(frozen=True)
class _Sign:
    says: str
    number: float
    onset: int
    confidence: float
    causes: Mapping[str, float]


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where one of the three signs is seen and the loss is still high."""
    values = cost(curves)
    reference = _reference(curves, context)
    if not values or reference <= 0 or median(tail(values)) < STILL_HIGH * reference:
        return None
    if curves.val_loss and median(tail(curves.val_loss)) < STILL_HIGH_IN_VALIDATION * reference:
        return None
    if _other_unit(curves):
        return None
    signs = [s for sign in SIGNS if (s := sign(curves, context))]
    if not signs:
        return None
    causes = signs[0].causes
    if causes is FROM_THE_START and is_large(curves, context) is False:
        causes = AT_A_USUAL_RATE
    return Verdict(
        "lr_too_high",
        Outcome.WARN,
        f"The learning rate looks too high: {'; '.join(sign.says for sign in signs)}.",
        {
            "loss_at_start": reference,
            "last": values[-1],
            "signs": [sign.number for sign in signs],
            "causes": weighed(causes),
        },
        _remedies(curves, context, weighed(causes), 10 if signs[0].number > FAR_TOO_HIGH else 3),
        onset=min(sign.onset for sign in signs),
        confidence=min(0.95, max(sign.confidence for sign in signs) + 0.1 * (len(signs) - 1)),
        check="run `tuner lr-find`, or a hundred steps at a third of the rate: the loss should fall faster",
        source="CS231n, neural-networks-3; BTTackler, late variation; calibrated on small real runs",
    )


def _remedies(curves: LearningCurves, context: Context, causes: Mapping[str, float], factor: int) -> tuple[Change, ...]:
    because = "smaller steps do not jump over the valley"
    first = slower(curves, context, factor, because)
    found = ordered(
        causes,
        {"lr_too_high": (first,), "input_scale": (scaled("inputs that are large make every step large"),)},
    )
    return (*found, slower(curves, context, 30 // factor, "or by another factor: the curve does not say which"))


def _reference(curves: LearningCurves, context: Context) -> float:
    """The loss of guessing; where classes are not told, no more than that of very many."""
    begin = start(curves, context)
    return min(begin, math.log(MANY_CLASSES)) if curves.accuracy and curves.loss else begin


def _other_unit(curves: LearningCurves) -> bool:
    """Whether the loss is a sum, or what it is made of is no cross-entropy: it fell well, under a good accuracy."""
    if not curves.loss or not curves.accuracy:
        return False
    loss, accuracy = median(tail(curves.loss)), median(tail(curves.accuracy))
    return loss < HALF * curves.loss[0] and accuracy > GOOD and loss > LARGEST_LOSS * (1 - accuracy + 1 / MANY_CLASSES)


def _thrown_out(curves: LearningCurves, context: Context) -> _Sign | None:
    if not curves.loss or not (chance(curves, context) or curves.accuracy):
        return None  # a regression has no chance
    if curves.step_loss and curves.step_loss[0] >= STARTED_SO * curves.loss[0]:
        return None  # that is `init_loss_wrong`
    ratio = curves.loss[0] / _reference(curves, context)
    coming_back = any(v and v[-1] < COMING_BACK * v[0] for v in (curves.loss, curves.val_loss))
    if ratio <= THROWN_OUT or (ratio < FAR_OUT and (coming_back or curves.epochs < 2)):
        return None
    return _Sign(f"the first epoch's loss is {ratio:.1f} times that of guessing", ratio, 1, 0.7, FROM_THE_START)


def _bounces(curves: LearningCurves, context: Context) -> _Sign | None:
    values = cost(curves)
    if len(values) < LEAST_EPOCHS or scheduled(curves, context):
        return None
    late = values[len(values) // 2 :] if len(values) >= 2 * LEAST_EPOCHS else values[1:]
    level, half = median(late), len(late) // 2
    jitter = max(noise(late), mean([abs(b - a) for a, b in pairwise(late)]) / 1.6)
    gain = median(late[:half]) - median(late[half:])
    limit = max(BOUNCE, SMALL_SET / math.sqrt(context.train_examples or 1000))
    if level <= 0 or jitter <= limit * level or gain > jitter:
        return None
    share = jitter / level
    onset = len(values) - len(late) + 1
    return _Sign(
        f"the training loss jumps by {share:.0%} from epoch to epoch and gains nothing", share, onset, 0.75, LATER
    )


def _steps_climb(curves: LearningCurves, context: Context) -> _Sign | None:
    steps = curves.step_loss
    if len(steps) < LEAST_STEPS:
        return None
    width = max(3, len(steps) // 50)
    begin = max(mean(steps[:width]), start(curves, context))
    smooth = moving_average(steps, 2 / (width + 1))
    peak = max(smooth[width:])
    if begin <= 0 or peak <= STEP_CLIMB * begin:
        return None
    where = 1 + smooth.index(peak) * max(1, curves.epochs) // len(steps)
    return _Sign(
        f"within the steps the loss climbed to {peak / begin:.1f} times its start", peak / begin, where, 0.8, LATER
    )


def _sure_of_wrong(curves: LearningCurves, context: Context) -> _Sign | None:
    if min(len(curves.loss), len(curves.accuracy)) < LEAST_EPOCHS:
        return None
    known = chance(curves, context)
    loss, accuracy = median(tail(curves.loss)), median(tail(curves.accuracy))
    classes = context.num_classes or (round(1 / known.accuracy) if known else MANY_CLASSES)
    possible, least = doubtful_loss(accuracy, classes), known.loss if known else UNLIKELY_LOSS
    if loss < max(SURE_OF_WRONG * possible, least):
        return None
    says = f"a loss of {loss:.3g} at an accuracy of {accuracy:.2g} is that of a model sure of what is wrong"
    return _Sign(says, loss / possible, 1, 0.7, FROM_THE_START)


SIGNS = (_thrown_out, _bounces, _steps_climb, _sure_of_wrong)

SYMPTOM = Symptom(
    "lr_too_high",
    "The loss starts far above guessing, bounces, climbs within the steps, or is sure of what is wrong.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging", "reg_overwhelming"),
)
