"""What do learning curves say? Each symptom is one file; this table is their order, causes before consequences.

    >>> diagnose(LearningCurves(loss=(2.302,) * 9, accuracy=(0.11,) * 9), Context())[0].name
    'stuck_at_chance'

A symptom is a function from curves to a verdict or None. Where one it `yields_to` was found it is not even asked: a
plateau behind a rate too high is no second fault. To add one: a file here, a line in the table, a row in
docs/verdicts.md.
"""

from dataclasses import replace

from tuner.records import LearningCurves, Verdict
from tuner.symptoms import (
    class_imbalance,
    diverging,
    gap,
    healthy,
    hockey_stick,
    init_loss_wrong,
    loss_increases_from_start,
    loss_metric_disagree,
    loss_spikes,
    lr_too_high,
    lr_too_low,
    nan_or_inf,
    oscillating,
    overfit,
    overtrained_budget,
    plateau,
    plateau_then_drop,
    reg_overwhelming,
    shuffled_labels,
    stuck_at_chance,
    too_short_to_tell,
    train_eval_mismatch,
    underfit,
    undertrained,
    val_below_train,
    val_suspiciously_good,
)
from tuner.symptoms.context import Context, for_trial
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.too_short_to_tell import nothing_to_go_by

__all__ = ["SYMPTOMS", "Context", "Symptom", "diagnose", "for_trial"]

SYMPTOMS: dict[str, Symptom] = {
    module.SYMPTOM.name: module.SYMPTOM
    for module in (
        nan_or_inf,
        loss_increases_from_start,
        diverging,
        stuck_at_chance,
        reg_overwhelming,
        init_loss_wrong,
        lr_too_high,
        lr_too_low,
        loss_metric_disagree,
        shuffled_labels,
        overfit,
        gap,
        val_suspiciously_good,
        train_eval_mismatch,
        oscillating,
        loss_spikes,
        underfit,
        plateau,
        undertrained,
        too_short_to_tell,
        healthy,
        overtrained_budget,
        plateau_then_drop,
        hockey_stick,
        class_imbalance,
        val_below_train,
    )
}

SAID_AT_ONCE = ("nan_or_inf", "too_short_to_tell")  # whatever the number of epochs


def diagnose(curves: LearningCurves, context: Context | None = None) -> tuple[Verdict, ...]:
    """Every verdict on one training run, the most important first; never empty.

    `healthy` comes where nothing else was found, besides notes such as `val_below_train`. The findings do not change
    when all losses of a regression are multiplied by a constant.
    """
    context = context or Context()
    if context.higher_is_better:
        context = replace(context, num_classes=None, class_frequencies=None, baseline_loss=None)
        curves = replace(curves, loss=tuple(-v for v in curves.loss), val_loss=tuple(-v for v in curves.val_loss))
    whole = nan_or_inf.without_gaps(curves)
    if whole is not None:  # single values are missing: said, and the rest is judged without them
        gaps = nan_or_inf.SYMPTOM.find(curves, context)
        return (*([gaps] if gaps else []), *(v for v in diagnose(whole, context) if v.name != "healthy"))
    found: dict[str, Verdict] = {}
    blind = nothing_to_go_by(curves, context)
    for symptom in SYMPTOMS.values():
        if blind and symptom.name not in SAID_AT_ONCE:
            continue
        if any(cause in found for cause in symptom.yields_to) or (symptom.name == "healthy" and found):
            continue
        verdict = symptom.find(curves, context)
        if verdict is not None:
            found[symptom.name] = verdict
    return _causes_first(found)


def _causes_first(found: dict[str, Verdict]) -> tuple[Verdict, ...]:
    """One answer to all at a loss far above guessing was thrown there: what threw it comes before that it is stuck."""
    stuck, thrown = found.get("stuck_at_chance"), found.get("lr_too_high")
    if not stuck or not thrown or not stuck.evidence["far_above"]:
        return tuple(found.values())
    return (thrown, *(verdict for verdict in found.values() if verdict is not thrown))
