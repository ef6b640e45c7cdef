"""Is there a sudden fall after a flat stretch, as a step of the learning rate leaves it?

That is what a step schedule is for. It is said so that nobody looks for a fault in the flat stretch before it.

Source: the lecture's step 6 (decay of the rate); He et al. 2015, figure 4 (the error falls where the rate is divided).
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import cost, drops
from tuner.symptoms.symptom import BROKEN, Symptom

LEAST_EPOCHS = 10
LOWERED = 0.7  # rate after over rate before, at a step


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, as a note, where the training loss falls suddenly to a lower level and stays there."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS:
        return None
    epochs = [place + 1 for place in drops(values)]
    if not epochs:
        return None
    lowered = [epoch for epoch in epochs if _lowered(curves, epoch - 1)]
    known = bool(lowered) or context.rate_is_scheduled is True
    why = "there the rate was lowered" if lowered else "a step of the learning rate does that, or a slow start"
    return Verdict(
        "plateau_then_drop",
        Outcome.PASS,
        f"The training loss falls suddenly at epoch {', '.join(map(str, epochs[:5]))}: {why}, and the flat stretch "
        "before it is no fault.",
        {"epochs": epochs, "rate_lowered_at": lowered},
        onset=epochs[0],
        confidence=0.95 if known else 0.6,
        check="the recorded learning rate at that epoch",
        source="He et al. 2015, figure 4; eight times the jitter and a tenth of the value",
    )


def _lowered(curves: LearningCurves, place: int) -> bool:
    rates = curves.learning_rate[max(0, place - 2) : place + 1]
    return len(rates) > 1 and min(rates) < LOWERED * max(rates)


SYMPTOM = Symptom(
    "plateau_then_drop",
    "The training loss falls suddenly after a flat stretch, as after a step of the rate.",
    find,
    yields_to=BROKEN,
    note=True,
)
