"""Has the training loss come to a halt, far from good, at a rate that does not change?

A step or cosine schedule makes flat stretches on purpose; with one, known or recognized by an earlier sudden drop,
nothing is said.

Source: losslint and runmedic (less than 1 to 2 % of the progress in the last quarter to third); Google's playbook.
"""

from collections.abc import Sequence

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import ordered, weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import (
    USUAL_RATE,
    adaptive,
    decaying,
    enlarged,
    look_at_labels,
    normalized,
    slower,
    woken,
)
from tuner.symptoms.shape import cost, drops, median, noise, tail, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import POOR_LOSS, POOR_UNKNOWN, chance, rate, scheduled, start

LEAST_EPOCHS = 15
WINDOW = 0.3  # the last so much of the run
GAIN = 0.02  # of all progress
JITTERS = 0.005  # of the level: the rate may be what keeps the loss there
GOOD = 0.7  # training accuracy above which a halt is an end


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the last third gained nothing, the loss is still high and the rate is constant."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS or scheduled(curves, context) or drops(values):
        return None
    begin = start(curves, context)
    late = values[-round(WINDOW * len(values)) :]
    third = max(2, len(late) // 3)
    gain = median(late[:third]) - median(late[-third:])
    known = [v for v in (values, val_cost(curves)) if v]
    measured = chance(curves, context) or curves.accuracy or context.baseline_loss  # else nothing tells what is good
    poor = POOR_LOSS if measured else POOR_UNKNOWN
    far = (
        min(median(tail(v)) for v in known) > poor * begin
    )  # dropout lifts the training loss, so the better one counts
    far &= not (curves.accuracy and median(tail(curves.accuracy)) > GOOD)
    if not far or gain > max(GAIN * max(begin - min(values), 0.02 * abs(begin)), noise(late)):
        return None
    onset = len(values) - len(late) + 1
    causes = _causes(late, rate(curves, context))
    return Verdict(
        "plateau",
        Outcome.WARN if measured else Outcome.PASS,
        f"The training loss has not moved since epoch {onset} and stands at {median(tail(values)):.4g}, "
        f"{median(tail(values)) / begin:.0%} of where it began.",
        {"gain": gain, "level": median(tail(values)), "loss_at_start": begin, "window": len(late), "causes": causes},
        _remedies(curves, context, causes),
        onset=onset,
        confidence=0.5,
        check="one epoch at a tenth of the rate: a fall means decay the rate; none means capacity or labels",
        source="losslint and runmedic, 1 to 2 % of the progress; Google tuning playbook",
    )


def _causes(late: Sequence[float], now: float | None) -> dict[str, float]:
    """A level that jitters is walked around in too large steps; one that is still is an end, or no steps at all."""
    if now is not None and 10 * now < USUAL_RATE:
        return weighed({"lr_too_low": 0.5, "underfit": 0.2, "label_noise": 0.15, "dead_relu": 0.15})
    if noise(late) > JITTERS * abs(median(late)):
        return weighed({"lr_too_high": 0.6, "underfit": 0.2, "label_noise": 0.2})
    return weighed({"underfit": 0.4, "lr_too_low": 0.2, "label_noise": 0.2, "dead_relu": 0.2})


def _remedies(curves: LearningCurves, context: Context, causes: dict[str, float]) -> tuple[Change, ...]:
    decays = decaying("a rate that decays gets past where a constant one comes to a halt")
    adapts = adaptive(context, "a step of its own for each weight leaves a valley that is flat one way only")
    return ordered(
        causes,
        {
            "lr_too_high": (slower(curves, context, 3, "smaller steps reach lower"), decays),
            "lr_too_low": (woken(curves, context, "larger steps leave a flat place"), *adapts, decays),
            "underfit": enlarged(context),
            "label_noise": (look_at_labels("wrong labels are a floor that no model gets below"),),
            "dead_relu": normalized(context, "units that never answer learn nothing; normalized inputs wake them"),
        },
    )


SYMPTOM = Symptom(
    "plateau",
    "The training loss came to a halt far from good, at a constant rate.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "lr_too_low", "loss_metric_disagree", "overfit", "underfit", "gap"),
)
