"""Are there too few epochs to say anything?

Abstaining is a verdict: with fewer than five points a trend cannot be told from noise, so that of a history of three
epochs only a number that is not finite is said. Where many steps stand behind the few epochs (they were recorded one by
one, or their number is told) there is more to go by, and what is plain then is said besides.

Source: none of the tools compared has it; five points are the fewest of which a jitter can be measured.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import longer
from tuner.symptoms.shape import cost, falls, val_cost
from tuner.symptoms.symptom import Symptom

ENOUGH = 5  # epochs
STEPS_RECORDED, STEPS_TOLD = 100, 300  # that make up for epochs; the means over epochs show less than each step's loss


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, abstaining, below five epochs."""
    if curves.epochs >= ENOUGH:
        return None
    training = cost(curves)
    falling = len(training) > 1 and falls(training) == 1
    so_far = " So far the training loss falls." if falling else ""
    epochs = f"{curves.epochs} epoch" + ("" if curves.epochs == 1 else "s")
    return Verdict(
        "too_short_to_tell",
        Outcome.PASS,
        f"{epochs}: too short to tell, at least {ENOUGH} are needed.{so_far}",
        {"epochs": curves.epochs, "train_loss_falls": falling, "val_loss_falls": falls(val_cost(curves)) == 1},
        (longer(context, curves.epochs, f"{curves.epochs} points are no trend"),),
        confidence=0.9,
        check="a few epochs more, or the loss of every step",
        source="a jitter needs five points",
    )


def nothing_to_go_by(curves: LearningCurves, context: Context) -> bool:
    """Whether there are neither epochs nor steps enough for any claim but that a number is not finite."""
    steps = curves.epochs * (context.steps_per_epoch or 0)
    return curves.epochs < ENOUGH and len(curves.step_loss) < STEPS_RECORDED and steps < STEPS_TOLD


SYMPTOM = Symptom(
    "too_short_to_tell",
    "Fewer than five epochs: nothing is claimed.",
    find,
    yields_to=("nan_or_inf",),
)
