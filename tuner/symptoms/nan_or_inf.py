"""Did a loss or an accuracy leave the finite numbers?

What came before tells the two causes apart: from the first epoch on it is the data, the loss or the rate; after a
climb it is the rate.

Source: all nine tools compared in the reference; lead-up rule: a loss three times its usual value before the end.
"""

import math
from collections.abc import Sequence

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import clipped, slower
from tuner.symptoms.shape import median
from tuner.symptoms.symptom import Symptom

CLIMB = 3.0  # the last finite loss, as a multiple of the usual one, that says it climbed before it broke
TOO_LARGE = 1e30  # a loss that a 32-bit float will not hold much longer


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where any recorded number is not finite; `onset` is the first epoch of it."""
    named = {
        "loss": curves.loss,
        "val_loss": curves.val_loss,
        "accuracy": curves.accuracy,
        "val_accuracy": curves.val_accuracy,
    }
    broken = {name: place for name, values in named.items() if (place := _first(values)) is not None}
    step = _first(curves.step_loss)
    if not broken and step is None:
        return None
    epoch = min(broken.values()) if broken else _epoch_of(step or 0, curves)
    trained = "loss" in broken or step is not None or not {"val_loss", "val_accuracy"} & set(broken)
    before = [v for v in curves.loss[:epoch] if math.isfinite(v)] or [
        v for v in curves.step_loss[:step] if math.isfinite(v)
    ]
    climbed = len(before) > 1 and before[-1] > CLIMB * median(before[:-1]) > 0
    cause, check, changes, sure = _cause(curves, context, trained, climbed, epoch)
    where = ", ".join(sorted(broken)) or "step_loss"
    return Verdict(
        "nan_or_inf",
        Outcome.FAIL,
        f"{where} is NaN or infinite from epoch {epoch + 1} on: {cause}",
        {"where": sorted(broken) or ["step_loss"], "step": step, "climbed_before": climbed, "last_finite": before[-1:]},
        changes,
        onset=epoch + 1,
        confidence=sure,
        check=check,
        source="every monitor compared; lead-up of 3 times the usual loss",
    )


def _cause(
    curves: LearningCurves, context: Context, trained: bool, climbed: bool, epoch: int
) -> tuple[str, str, tuple[Change, ...], float]:
    rate_first = (
        slower(curves, context, 10, "the loss ran away before it broke"),
        clipped("a cut gradient cannot throw the weights out"),
    )
    if not trained:
        look = "compute the loss on the validation images one by one and look at the first that is not finite"
        return "training stays finite, so look at the validation data or at a logarithm of 0.", look, (), 0.9
    if climbed:
        return (
            "the loss climbed before, so the learning rate is too high.",
            "one epoch at a tenth of the rate",
            rate_first,
            0.9,
        )
    if epoch == 0:
        look = "the loss of one batch before any step: finite means the rate, not finite means pixels, labels or loss"
        return (
            "from the start, so the inputs, the labels, the loss itself or a far too high rate.",
            look,
            rate_first,
            0.7,
        )
    look = "one epoch at a tenth of the rate; if it breaks at the same batch, look at that batch"
    return "suddenly, so a rate too high, a bad batch, or a logarithm or division of 0.", look, rate_first, 0.6


def _first(values: Sequence[float]) -> int | None:
    return next((i for i, value in enumerate(values) if not math.isfinite(value) or abs(value) > TOO_LARGE), None)


def _epoch_of(step: int, curves: LearningCurves) -> int:
    epochs = max(1, curves.epochs)
    return min(epochs - 1, step * epochs // max(1, len(curves.step_loss)))


SYMPTOM = Symptom("nan_or_inf", "A loss or an accuracy is not a finite number.", find)
