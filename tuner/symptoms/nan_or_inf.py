"""Did a loss or an accuracy leave the finite numbers?

What came before tells the two causes apart: from the first epoch on it is the data, the loss or the rate; after a
climb it is the rate.

Source: all nine tools compared in the reference; lead-up rule: a loss three times its usual value before the end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import ordered, weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import clipped, is_large, scaled, slower, targets_scaled
from tuner.symptoms.shape import median
from tuner.symptoms.symptom import Symptom

CLIMB = 3.0  # the last finite loss, as a multiple of the usual one, that says it climbed before it broke
LARGE_TARGETS = 100.0  # loss of the best constant answer: a variance of targets that a network is not drawn for
GAPS = 0.2  # of the epochs: validation that is missing in no more of them was not measured, or met a bad batch
TOO_LARGE = 1e30  # a loss that a 32-bit float will not hold much longer


@dataclass(frozen=True)
class Lead:
    """What came before the first number that is not finite, and what it says."""

    name: str
    says: str
    check: str
    causes: Mapping[str, float]
    confidence: float


ONLY_VALIDATION, AT_ONCE, CLIMBED = "validation only", "before the first step", "climb"
FIRST_EPOCH, SUDDENLY = "first epoch", "suddenly"
LEADS = {
    lead.name: lead
    for lead in (
        Lead(
            ONLY_VALIDATION,
            "training stays finite, so look at the validation data or at a logarithm of 0.",
            "compute the loss on the validation images one by one and look at the first that is not finite",
            {"val_data": 0.7, "head_loss_mismatch": 0.3},
            0.9,
        ),
        Lead(
            AT_ONCE,
            "before any step was taken, so it is the inputs, the labels or the loss itself.",
            "look for numbers that are not finite in one batch of inputs and labels",
            {"nan_input": 0.6, "head_loss_mismatch": 0.3, "input_scale": 0.1},
            0.9,
        ),
        Lead(
            CLIMBED,
            "the loss climbed before, so the learning rate is too high.",
            "one epoch at a tenth of the rate",
            {"lr_too_high": 0.9, "input_scale": 0.1},
            0.9,
        ),
        Lead(
            FIRST_EPOCH,
            "from the start, so the inputs, the labels, the loss itself or a far too high rate.",
            "the loss of one batch before any step: finite means the rate, not finite means pixels, labels or loss",
            {"lr_too_high": 0.5, "nan_input": 0.25, "head_loss_mismatch": 0.15, "input_scale": 0.1},
            0.7,
        ),
        Lead(
            SUDDENLY,
            "suddenly, so a rate too high, a bad batch, or a logarithm or division of 0.",
            "one epoch at a tenth of the rate; if it breaks at the same batch, look at that batch",
            {"lr_too_high": 0.55, "nan_input": 0.25, "head_loss_mismatch": 0.2},
            0.6,
        ),
    )
}


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where a number is not finite, WARN where it is single ones of validation; `onset` is the first."""
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
    lead = LEADS[_lead_up(trained, step, epoch, before)]
    where = ", ".join(sorted(broken)) or "step_loss"
    causes = _causes(lead, curves, context)
    passing = without_gaps(curves) is not None
    when = f"first in epoch {epoch + 1}, and finite again in the end" if passing else f"from epoch {epoch + 1} on"
    return Verdict(
        "nan_or_inf",
        Outcome.WARN if passing else Outcome.FAIL,
        f"{where} is NaN or infinite {when}: {lead.says}",
        {
            "where": sorted(broken) or ["step_loss"],
            "step": step,
            "lead_up": lead.name,
            "climbed_before": lead.name == CLIMBED,
            "last_finite": before[-1:],
            "causes": causes,
        },
        _remedies(curves, context, causes),
        onset=epoch + 1,
        confidence=lead.confidence,
        check=lead.check,
        source="every monitor compared; lead-up of 3 times the usual loss",
    )


def without_gaps(curves: LearningCurves) -> LearningCurves | None:
    """The curves without the epochs whose validation is not finite, where these are few and the last is not among them.

    None where there is nothing to leave out, or where more is broken than single values of validation.
    """
    validation = [values for values in (curves.val_loss, curves.val_accuracy) if values]
    broken = {i for values in validation for i, value in enumerate(values) if not math.isfinite(value)}
    everything = (*curves.loss, *curves.accuracy, *curves.step_loss)
    if not broken or curves.epochs - 1 in broken or len(broken) > GAPS * curves.epochs:
        return None
    if _first(everything) is not None or any(len(values) != curves.epochs for values in validation):
        return None
    names = ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate")
    kept = {name: tuple(v for i, v in enumerate(getattr(curves, name)) if i not in broken) for name in names}
    return replace(curves, **kept)


def _lead_up(trained: bool, step: int | None, epoch: int, before: Sequence[float]) -> str:
    """Which of the five ways into NaN it was."""
    if not trained:
        return ONLY_VALIDATION
    if step == 0:
        return AT_ONCE
    if len(before) > 1 and before[-1] > CLIMB * median(before[:-1]) > 0:
        return CLIMBED
    return FIRST_EPOCH if epoch == 0 else SUDDENLY


def _causes(lead: Lead, curves: LearningCurves, context: Context) -> dict[str, float]:
    """At a usual rate it is more often the scale of the numbers, and surely that of targets far from one."""
    weights = dict(lead.causes)
    if "lr_too_high" in weights and is_large(curves, context) is False:
        weights |= {"lr_too_high": 0.3, "input_scale": 0.4}
    if "lr_too_high" in weights and not curves.accuracy and (context.baseline_loss or 0.0) > LARGE_TARGETS:
        weights["target_scale"] = 0.8
    return weighed(weights)


def _remedies(curves: LearningCurves, context: Context, causes: Mapping[str, float]) -> tuple[Change, ...]:
    return ordered(
        causes,
        {
            "nan_input": (Change("data.drop_non_finite", True, "one number that is not finite spoils every weight"),),
            "lr_too_high": (
                slower(curves, context, 10, "the loss runs away before it breaks"),
                clipped("a cut gradient cannot throw the weights out"),
            ),
            "input_scale": (scaled("large inputs overflow an exponential"),),
            "target_scale": (targets_scaled("an error of that size makes steps of that size"),),
        },
    )


def _first(values: Sequence[float]) -> int | None:
    return next((i for i, value in enumerate(values) if not math.isfinite(value) or abs(value) > TOO_LARGE), None)


def _epoch_of(step: int, curves: LearningCurves) -> int:
    epochs = max(1, curves.epochs)
    return min(epochs - 1, step * epochs // max(1, len(curves.step_loss)))


SYMPTOM = Symptom("nan_or_inf", "A loss or an accuracy is not a finite number.", find)
