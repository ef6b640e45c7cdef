"""Are there too few epochs to say anything?

Abstaining is a verdict: with fewer than five points a trend cannot be told from noise. What can be told at once (NaN, a
rise, chance, a very wide gap) has been said before this is asked.

Source: none of the tools compared has it; five points are the fewest of which a jitter can be measured.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import longer
from tuner.symptoms.shape import cost, falls, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom

ENOUGH = 5  # epochs


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
        check="a few epochs more, or the loss of every step",
        source="a jitter needs five points",
    )


SYMPTOM = Symptom(
    "too_short_to_tell",
    "Fewer than five epochs: nothing is claimed.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "lr_too_low", "shuffled_labels", "gap"),
)
