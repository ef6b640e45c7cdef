"""Does the training loss jump up for an epoch and come back?

A single jump that comes back has cost one epoch: a note. An alarm is a jump that threw away half of what had been
learned, or the third one of a run that still jumps.

Source: runmedic (robust z above 8 and 1.5 times the trend); here the jump must also be a tenth of the way that
training went, so that wiggles near zero are no spikes, and a rate that was just raised explains its own.
"""

from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import clipped, slower
from tuner.symptoms.shape import cost, median, noise
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import start

LEAST_EPOCHS = 8
ABOVE_NOISE = 8.0
ABOVE_TREND = 1.5
OF_THE_WAY = 0.10
BEGINNING = 2  # epochs that are not judged
THROWN_BACK = 0.5  # of the way from the loss of guessing to the trend: what a jump must undo to matter by itself
OFTEN, STILL = 3, 0.25  # so many jumps, one of them in this last share of the run, matter together


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where epochs far above their neighbors threw the run back or go on; PASS where they cost nothing."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS:
        return None
    floor = max(ABOVE_NOISE * noise(values), OF_THE_WAY * (values[0] - min(values)))
    spikes = [i for i in range(BEGINNING, len(values) - 1) if _spike(values, i, floor) and not _rate_rose(curves, i)]
    if not spikes:
        return None
    epochs = [i + 1 for i in spikes]
    begin = max(start(curves, context), values[0])
    thrown_back = any(values[i] - _trend(values, i) > THROWN_BACK * (begin - _trend(values, i)) for i in spikes)
    matters = thrown_back or (len(spikes) >= OFTEN and spikes[-1] >= (1 - STILL) * len(values))
    more = f" and {len(epochs) - 5} more" if len(epochs) > 5 else ""
    return Verdict(
        "loss_spikes",
        Outcome.WARN if matters else Outcome.PASS,
        f"The training loss jumps up and comes back at epoch {', '.join(map(str, epochs[:5]))}{more}"
        + ("." if matters else ": the run is none the worse for it."),
        {"epochs": epochs, "heights": [values[i] for i in spikes]},
        (clipped("a cut gradient cannot jump"), slower(curves, context, 3, "smaller steps jump less")),
        onset=epochs[0],
        confidence=0.6 if len(spikes) == 1 else 0.85,
        check="log the gradient norm around the spike; if the same batch does it again, look at that batch",
        source="runmedic's z of 8 and 1.5 times the trend, plus a tenth of the way",
    )


def _spike(values: Sequence[float], i: int, floor: float) -> bool:
    trend = _trend(values, i)
    stands_out = values[i] - max(values[i - 1], values[i + 1]) > 0.5 * (values[i] - trend)
    return stands_out and values[i] - trend > floor and values[i] > trend + (ABOVE_TREND - 1) * abs(trend)


def _trend(values: Sequence[float], i: int) -> float:
    return median([*values[max(0, i - 4) : i], *values[i + 1 : i + 5]])


def _rate_rose(curves: LearningCurves, i: int) -> bool:
    rates = curves.learning_rate
    return len(rates) > i and rates[i] > 1.05 * rates[i - 1]


SYMPTOM = Symptom(
    "loss_spikes", "The training loss jumps up for an epoch and comes back.", find, yields_to=(*BROKEN, "lr_too_high")
)
