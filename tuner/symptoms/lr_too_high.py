"""Does the training loss say that the steps are too large?

Three signs, any of which will do: the first epoch's mean lies far above chance (the first steps threw the weights
out); the loss bounces at a high level and gains nothing; the loss of single steps climbs far above where it began.

Source: CS231n, neural-networks-3 (shapes of the loss); BTTackler (late variation without progress); our calibration.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import slower
from tuner.symptoms.shape import cost, mean, median, moving_average, noise, tail
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import chance, scheduled, start

THROWN_OUT, FAR_OUT = 1.5, 4.0  # mean loss of the first epoch, as a multiple of chance; beyond the second it stays said
COMING_BACK = 0.85  # last loss over first: nearer than `FAR_OUT` it was the initialization, and it is over
STILL_HIGH = 0.3  # of the start: below it training got well in spite of it
STILL_HIGH_IN_VALIDATION = 0.7  # the same for validation, which dropout does not raise
BOUNCE = 0.15  # jitter of the second half, as a share of its level
SMALL_SET = 3.0  # and so many times 1/sqrt(n): the mean loss over n training examples is no surer than that
LEAST_EPOCHS = 8  # to see a bounce
MANY_CLASSES = 1000  # where the number of classes is not told: chance is at most ln 1000 for most tasks
STEP_CLIMB = 1.5  # smoothed step loss, as a multiple of the start
LEAST_STEPS = 20


@dataclass(frozen=True)
class _Sign:
    says: str
    number: float
    onset: int
    confidence: float


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where one of the three signs is seen and the loss is still high."""
    values = cost(curves)
    reference = _reference(curves, context)
    if not values or reference <= 0 or median(tail(values)) < STILL_HIGH * reference:
        return None
    if curves.val_loss and median(tail(curves.val_loss)) < STILL_HIGH_IN_VALIDATION * reference:
        return None
    signs = [s for s in (_thrown_out(curves, context), _bounces(curves, context), _steps_climb(curves, context)) if s]
    if not signs:
        return None
    return Verdict(
        "lr_too_high",
        Outcome.WARN,
        f"The learning rate looks too high: {'; '.join(sign.says for sign in signs)}.",
        {"loss_at_start": reference, "last": values[-1], "signs": [sign.number for sign in signs]},
        (slower(curves, context, 10 if signs[0].number > 3 else 3, "smaller steps do not jump over the valley"),),
        onset=min(sign.onset for sign in signs),
        confidence=min(0.95, max(sign.confidence for sign in signs) + 0.1 * (len(signs) - 1)),
        check="run `tuner lr-find`, or a hundred steps at a third of the rate: the loss should fall faster",
        source="CS231n, neural-networks-3; BTTackler, late variation; calibrated on small real runs",
    )


def _reference(curves: LearningCurves, context: Context) -> float:
    """The loss of guessing; where classes are not told, no more than that of very many."""
    begin = start(curves, context)
    return min(begin, math.log(MANY_CLASSES)) if curves.accuracy and curves.loss else begin


def _thrown_out(curves: LearningCurves, context: Context) -> _Sign | None:
    if not curves.loss or not (chance(curves, context) or curves.accuracy):
        return None  # a regression has no chance
    ratio = curves.loss[0] / _reference(curves, context)
    coming_back = any(v and v[-1] < COMING_BACK * v[0] for v in (curves.loss, curves.val_loss))
    if ratio <= THROWN_OUT or (ratio < FAR_OUT and (coming_back or curves.epochs < 2)):
        return None
    return _Sign(f"the first epoch's loss is {ratio:.1f} times that of guessing", ratio, 1, 0.7)


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
    return _Sign(f"the training loss jumps by {share:.0%} from epoch to epoch and gains nothing", share, onset, 0.75)


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
    return _Sign(f"within the steps the loss climbed to {peak / begin:.1f} times its start", peak / begin, where, 0.8)


SYMPTOM = Symptom(
    "lr_too_high",
    "The loss starts far above guessing, bounces without gaining, or climbs within the steps.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging"),
)
