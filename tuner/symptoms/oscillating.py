"""Does validation swing more than its size can explain?

Source: AUTOTRAINER (steps of 0.03 in a fifth of the epochs); here a step is held against sqrt(p(1-p)/n), the error of
an accuracy that was measured on n examples.
"""

from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import decaying, slower
from tuner.symptoms.shape import median, noise, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise, scheduled, start

LEAST_EPOCHS = 16
STEP = 0.05  # of accuracy; AUTOTRAINER has 0.03
ABOVE_LUCK = 4.0  # standard errors
OF_THE_WAY = 0.15  # jitter of a validation loss, as a share of the way from guessing, or the start, to its best
OF_THE_LEVEL = 0.10  # and of its level


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the second half of the validation curve jitters beyond its noise."""
    values = curves.val_accuracy or val_cost(curves)
    if len(values) < LEAST_EPOCHS or scheduled(curves, context):
        return None  # a rate that changes comes to rest, or was never meant to
    late = values[len(values) // 2 :]
    jitter, turns = noise(late), _turns(late)
    if curves.val_accuracy:
        limit = max(STEP, ABOVE_LUCK * accuracy_noise(late, context.val_examples))
    else:
        begin = max(*values, *curves.loss[:1], start(curves, context))
        limit = max(OF_THE_WAY * (begin - min(values)), OF_THE_LEVEL * abs(median(late)))
    if jitter <= limit or turns < 0.5:
        return None
    name = "accuracy" if curves.val_accuracy else "loss"
    return Verdict(
        "oscillating",
        Outcome.WARN,
        f"Validation {name} swings by {jitter:.3g} from epoch to epoch, noise explains at most {limit:.3g}.",
        {"jitter": jitter, "limit": limit, "share_of_turns": turns},
        (
            slower(curves, context, 3, "smaller steps swing less"),
            decaying("a rate that decays to zero comes to rest"),
        ),
        onset=len(values) - len(late) + 1,
        confidence=0.7,
        check="one epoch at a tenth of the rate from the last weights: the swing should go",
        source="AUTOTRAINER, its 0.03 raised to 0.05 and held against sqrt(p(1-p)/n)",
    )


def _turns(values: Sequence[float]) -> float:
    """Share of the inner points where the curve changes direction; 2/3 for pure noise."""
    inner = list(zip(values, values[1:], values[2:], strict=False))
    return sum((b - a) * (c - b) < 0 for a, b, c in inner) / len(inner)


SYMPTOM = Symptom(
    "oscillating",
    "Validation swings more than the size of the validation set explains.",
    find,
    yields_to=(*BROKEN, "lr_too_high"),
)
