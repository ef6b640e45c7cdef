"""Does the training loss jump up for an epoch and come back?

Source: runmedic (robust z above 8 and 1.5 times the trend); here the jump must also be a tenth of the way that
training went, so that wiggles near zero are no spikes, and a rate that was just raised explains its own.
"""

from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import clipped, slower
from tuner.symptoms.shape import cost, median, noise
from tuner.symptoms.symptom import BROKEN, Symptom

LEAST_EPOCHS = 8
ABOVE_NOISE = 8.0
ABOVE_TREND = 1.5
OF_THE_WAY = 0.10
BEGINNING = 2  # epochs that are not judged


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where single epochs lie far above their neighbors on both sides."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS:
        return None
    floor = max(ABOVE_NOISE * noise(values), OF_THE_WAY * (values[0] - min(values)))
    spikes = [i for i in range(BEGINNING, len(values) - 1) if _spike(values, i, floor) and not _rate_rose(curves, i)]
    if not spikes:
        return None
    epochs = [i + 1 for i in spikes]
    return Verdict(
        "loss_spikes",
        Outcome.WARN,
        f"The training loss jumps up and comes back at epoch {', '.join(map(str, epochs[:5]))}"
        + (f" and {len(epochs) - 5} more." if len(epochs) > 5 else "."),
        {"epochs": epochs, "heights": [values[i] for i in spikes]},
        (clipped("a cut gradient cannot jump"), slower(curves, context, 3, "smaller steps jump less")),
        onset=epochs[0],
        confidence=0.6 if len(spikes) == 1 else 0.85,
        check="log the gradient norm around the spike; if the same batch does it again, look at that batch",
        source="runmedic's z of 8 and 1.5 times the trend, plus a tenth of the way",
    )


def _spike(values: Sequence[float], i: int, floor: float) -> bool:
    around = [*values[max(0, i - 4) : i], *values[i + 1 : i + 5]]
    trend = median(around)
    stands_out = values[i] - max(values[i - 1], values[i + 1]) > 0.5 * (values[i] - trend)
    return stands_out and values[i] - trend > floor and values[i] > trend + (ABOVE_TREND - 1) * abs(trend)


def _rate_rose(curves: LearningCurves, i: int) -> bool:
    rates = curves.learning_rate
    return len(rates) > i and rates[i] > 1.05 * rates[i - 1]


SYMPTOM = Symptom(
    "loss_spikes", "The training loss jumps up for an epoch and comes back.", find, yields_to=(*BROKEN, "lr_too_high")
)
