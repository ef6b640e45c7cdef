"""Were most of the epochs for nothing?

Source: Google's tuning playbook (best step in the first tenth: far too many steps).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median_of_three, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom

LEAST_EPOCHS = 20
FIRST = 0.10  # all was reached within this share of the run
REACHED = 0.02  # of the way that validation went


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS with fewer epochs proposed, where validation had all it would get within the first tenth of the run."""
    values = median_of_three(val_cost(curves))
    if len(values) < LEAST_EPOCHS:
        return None
    way = values[0] - min(values)
    reached = (
        next(i for i, value in enumerate(values) if value <= min(values) + REACHED * max(way, abs(min(values)))) + 1
    )
    if reached > FIRST * len(values):
        return None
    fewer = max(5, 2 * reached)
    return Verdict(
        "overtrained_budget",
        Outcome.PASS,
        f"Validation had all it would get at epoch {reached} of {len(values)}: the rest was for nothing.",
        {"reached_epoch": reached, "epochs": len(values)},
        (Change("steps.change.epochs", fewer, "the epochs after it gained nothing", context.epochs_planned),),
        onset=reached + 1,
        confidence=0.7,
        check=f"{fewer} epochs with the schedule shortened to match",
        source="Google tuning playbook, best step in the first tenth",
    )


SYMPTOM = Symptom(
    "overtrained_budget",
    "Validation had all it would get within the first tenth of the run.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "shuffled_labels", "overfit", "gap", "oscillating", "underfit", "plateau"),
    note=True,
)
