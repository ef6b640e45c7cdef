"""Is training simply not over yet?

The best epoch lies in the last quarter and the curve still gains: more epochs will help. That is no fault, and on any
prefix of a healthy run it is true, so it is a note and no alarm.

Source: Google's tuning playbook (best step in the last quarter: train longer).
"""

from collections.abc import Sequence

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import faster, longer, step_up
from tuner.symptoms.shape import cost, lowest, median, noise, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import chance, scheduled, start

LEAST_EPOCHS = 5
LAST = 0.75  # the best epoch lies after this share of the run
GAIN = 0.02  # of all progress, within the last quarter
ABOVE_NOISE = 2.0
SHORT_WAY = 0.3  # of the way from guessing to zero: who has come so far needs time before larger steps
NOT_YET = "it is not as good as guessing yet"
STRAIGHT = 0.45  # fall of the second half, as a share of that of the first half; 1 is a straight line


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS with a longer run proposed, where validation (else training) still gains at the end."""
    values = val_cost(curves) or cost(curves)
    if len(values) < LEAST_EPOCHS:
        return None
    quarter = max(2, len(values) // 4)
    before, last = median(values[-2 * quarter : -quarter]), median(values[-quarter:])
    progress = _way(values, curves, context)
    if lowest(values) + 1 <= LAST * len(values) or before - last <= max(GAIN * progress, ABOVE_NOISE * noise(values)):
        return None
    gained = f"the last {quarter} brought {(before - last) / progress:.0%} of all progress" if progress else NOT_YET
    return Verdict(
        "undertrained",
        Outcome.PASS,
        f"Still improving after {len(values)} epochs: {gained}.",
        {"best_epoch": lowest(values) + 1, "late_gain": before - last, "progress": progress},
        _remedies(curves, context, len(values)),
        onset=len(values) - quarter + 1,
        confidence=0.8,
        check="continue for as many epochs again",
        source="Google tuning playbook, best step in the last quarter",
    )


def _way(values: Sequence[float], curves: LearningCurves, context: Context) -> float:
    """What was gained, of all that can be learned: the way down to guessing undoes the start, and is no part of it."""
    high, low = max(values), min(values)
    known = start(curves, context) if chance(curves, context) or context.baseline_loss else high
    return max(0.0, min(high, known) - low)


def _remedies(curves: LearningCurves, context: Context, epochs: int) -> tuple[Change, ...]:
    """More epochs; a higher rate before them where the loss went in a straight line and has not come far."""
    more = longer(context, epochs, "the best epoch is one of the last")
    values = cost(curves)
    middle, begin = len(values) // 2, start(curves, context)
    first, second = values[0] - values[middle], values[middle] - values[-1]
    covered = (begin - values[-1]) / begin if begin > 0 else 1.0
    if covered > SHORT_WAY or second < STRAIGHT * first or scheduled(curves, context):
        return (more,)
    return (faster(curves, context, step_up(max(covered, 0.0)), "the loss falls in a straight line"), more)


SYMPTOM = Symptom(
    "undertrained",
    "The run ends while it still improves.",
    find,
    yields_to=(
        *BROKEN,
        "lr_too_high",
        "lr_too_low",
        "loss_metric_disagree",
        "shuffled_labels",
        "overfit",
        "underfit",
        "plateau",
    ),
)
