"""Did the first epoch only undo the start?

A loss that falls from far above guessing to about guessing at once, and then goes slowly, spent its first steps on a
bias or a scale that could have been set before: a note, no fault.

Source: Karpathy's recipe ("hockey stick" loss curves, where the network only learns the bias at first).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median, tail
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import chance

LEAST_EPOCHS = 5
ABOVE_CHANCE = 1.3  # first value, as a multiple of the loss of guessing, where that is known
REST = 0.15  # what the whole rest of the run brings, as a share of the first fall
WITHOUT_A_YARDSTICK = 10.0  # first value over second, where guessing has no known loss


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, as a note, where the first interval brought nearly all of the fall from a start above guessing."""
    values = curves.loss
    if len(values) < LEAST_EPOCHS or min(values) < 0:
        return None
    level = chance(curves, context)
    expected = level.loss if level else context.baseline_loss
    first, rest = values[0] - values[1], values[1] - median(tail(values))
    high = values[0] > ABOVE_CHANCE * expected if expected else values[0] > WITHOUT_A_YARDSTICK * values[1]
    if not high or first <= 0 or rest > REST * first:
        return None
    regression = not curves.accuracy and level is None
    remedy = (
        Change("data.scale_targets", "standardize", "the mean of the targets need not be learned step by step")
        if regression
        else Change("model.head_initializer", "zeros", "scores that start at zero have nothing to undo")
    )
    return Verdict(
        "hockey_stick",
        Outcome.PASS,
        f"The first epoch brought {first / (first + max(rest, 0)):.0%} of the whole fall ({values[0]:.4g} to "
        f"{values[1]:.4g}): it undid the start rather than learned.",
        {"first_fall": first, "rest": rest, "first": values[0], "expected": expected},
        (remedy,),
        onset=1,
        confidence=0.6,
        check="start the last layer's bias at the mean of the targets, or at the logarithm of the class frequencies",
        source="Karpathy's recipe, hockey-stick loss",
    )


SYMPTOM = Symptom(
    "hockey_stick",
    "The first epoch only undid the start: nearly all of the fall happened in it.",
    find,
    yields_to=(*BROKEN, "init_loss_wrong", "lr_too_high"),
    note=True,
)
