"""Histories of other people's programs: odd units, missing values, uneven classes, a wrong sign, two softmaxes."""

import math
import random

import drawn
import pytest

from tuner.records import LearningCurves, Outcome
from tuner.symptoms import Context, diagnose


def names(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context)]


def alarms(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context) if verdict.outcome is not Outcome.PASS]


def falling(epochs: int = 60, start: float = 2.3, floor: float = 0.25, seed: int = 0) -> tuple[float, ...]:
    rng = random.Random(seed)
    return tuple((start * math.exp(-epoch / 10) + floor) * (1 + rng.gauss(0, 0.01)) for epoch in range(epochs))


def rising(epochs: int = 60, end: float = 0.95) -> tuple[float, ...]:
    return tuple(0.1 + (end - 0.1) * (1 - math.exp(-epoch / 8)) for epoch in range(epochs))


def test_a_loss_that_is_a_sum_over_all_examples_is_no_rate_too_high():
    sums, val_sums = (tuple(60_000 * v for v in falling(seed=s)) for s in (0, 1))
    assert alarms(LearningCurves(sums, val_sums, rising(), rising(end=0.93))) == []


def test_single_missing_values_of_validation_are_said_and_the_rest_is_judged_all_the_same():
    sick = drawn.overfitted(epochs=60)
    gaps = tuple(math.nan if epoch in (7, 23, 40) else v for epoch, v in enumerate(sick.val_loss))
    verdicts = diagnose(LearningCurves(sick.loss, gaps, sick.accuracy, sick.val_accuracy))
    assert [(v.name, v.outcome) for v in verdicts][:2] == [("nan_or_inf", Outcome.WARN), ("overfit", Outcome.WARN)]
    broken = (*sick.val_loss[:40], *(math.nan,) * 20)
    assert diagnose(LearningCurves(sick.loss, broken))[0].outcome is Outcome.FAIL


def test_a_floor_without_any_yardstick_is_a_note():
    loss = tuple(6.2 - 0.9 * (1 - math.exp(-epoch / 10)) for epoch in range(200))
    assert (names(LearningCurves(loss=loss))[0], alarms(LearningCurves(loss=loss))) == ("plateau", [])


def test_a_spike_that_costs_nothing_is_a_note_and_one_that_undoes_half_is_an_alarm():
    healthy = drawn.healthy(3)
    for height, outcome in ((0.5, Outcome.PASS), (1.5, Outcome.WARN)):
        loss = tuple(v + height if epoch == 40 else v for epoch, v in enumerate(healthy.loss))
        curves = LearningCurves(loss, healthy.val_loss, healthy.accuracy, healthy.val_accuracy)
        assert [v.outcome for v in diagnose(curves) if v.name == "loss_spikes"] == [outcome]


def test_a_squared_error_below_zero_and_a_loss_that_falls_ever_faster_have_a_wrong_sign():
    below = tuple(-1.0 - 0.02 * epoch for epoch in range(12))
    assert names(LearningCurves(below, below), Context(baseline_loss=1.0))[0] == "diverging"
    faster = tuple(-math.exp(0.12 * epoch) for epoch in range(30))
    assert names(LearningCurves(faster, faster))[0] == "diverging"
    likelihood = tuple(-3 * (1 - math.exp(-epoch / 10)) for epoch in range(30))
    assert alarms(LearningCurves(likelihood, likelihood)) == []


@pytest.mark.parametrize("classes", [2, 10])
def test_a_loss_on_the_floor_of_two_softmaxes_disagrees_with_its_accuracy(classes):
    accuracy = rising(end=0.97)
    twice = tuple(
        math.log(math.e + classes - 1) - a
        if classes > 2
        else a * (math.log(2) + math.log1p(math.exp(-1))) / 2 + (1 - a) * (math.log(2) + math.log1p(math.e)) / 2
        for a in accuracy
    )
    curves = LearningCurves(twice, twice, accuracy, accuracy)
    verdict = diagnose(curves, Context(num_classes=classes))[0]
    assert (verdict.name, next(iter(verdict.evidence["causes"]))) == ("loss_metric_disagree", "double_softmax")
    assert alarms(curves, Context(num_classes=classes, label_smoothing=0.1)) == []


def test_a_loss_that_climbs_while_both_accuracies_rise_is_no_divergence():
    loss = tuple(7 + 0.12 * epoch for epoch in range(30))
    accuracy = tuple(0.15 + 0.01 * epoch for epoch in range(30))
    said = names(LearningCurves(loss, loss, accuracy, accuracy))
    assert "loss_metric_disagree" in said
    assert not {"diverging", "loss_increases_from_start"} & set(said)
    worse = tuple(reversed(accuracy))
    assert names(LearningCurves(loss, loss, worse, worse))[0] in ("loss_increases_from_start", "diverging")


def test_the_frequencies_of_uneven_classes_are_learned_before_accuracy_moves():
    entropy = -(0.86 * math.log(0.86) + 0.14 * math.log(0.14))
    loss = tuple(entropy + 0.3 * math.exp(-epoch / 2) for epoch in range(10))
    curves = LearningCurves(loss, loss, (0.86,) * 10, (0.86,) * 10)
    assert "loss_metric_disagree" not in names(curves)


def test_uneven_classes_are_a_note_where_their_counts_are_told():
    curves = drawn.healthy(0, classes=2, floor=0.2)
    told = names(curves, Context(class_frequencies=(950, 50)))
    assert "class_imbalance" in told
    assert "class_imbalance" not in names(curves, Context(class_frequencies=(800, 200)))


def test_one_answer_to_all_that_is_far_too_sure_was_thrown_there_and_is_stuck():
    curves = LearningCurves((5.6,) * 30, (5.31,) * 30, (0.65,) * 30, (0.667,) * 30)
    for context in (None, Context(num_classes=2), Context(class_frequencies=(65, 35))):
        assert set(names(curves, context)[:2]) == {"stuck_at_chance", "lr_too_high"}
    stuck = next(v for v in diagnose(curves) if v.name == "stuck_at_chance")
    assert next(iter(stuck.evidence["causes"])) == "bad_init"
    assert names(drawn.at_chance(), Context(num_classes=10)) == ["stuck_at_chance"]


def test_most_of_a_run_at_chance_is_said_though_it_falls_in_the_end():
    loss = (*(1.099 + 0.001 * (epoch % 2) for epoch in range(32)), 1.0, 0.9, 0.8, 0.75, 0.7, 0.68)
    accuracy = (*(0.34,) * 32, 0.5, 0.6, 0.65, 0.65, 0.66, 0.67)
    verdict = diagnose(LearningCurves(loss, loss, accuracy, accuracy), Context(num_classes=3))[0]
    assert (verdict.name, verdict.outcome) == ("stuck_at_chance", Outcome.WARN)


# --- regressions whose constant answer has a known loss


def test_a_regression_that_never_gets_below_the_constant_answer_is_stuck():
    rng = random.Random(1)
    loss = (1.3, 1.05, *(1.0 + rng.gauss(0, 0.006) for _ in range(28)))
    assert names(LearningCurves(loss, loss), Context(baseline_loss=1.0))[0] == "stuck_at_chance"
    weak = (1.0, 0.97, *(0.93 + rng.gauss(0, 0.002) for _ in range(28)))
    assert "stuck_at_chance" not in names(LearningCurves(weak, weak), Context(baseline_loss=1.0))


def test_a_regression_far_above_the_constant_answer_is_a_penalty_where_both_losses_coincide_else_its_start():
    loss = tuple(150 * math.exp(-epoch / 15) + 1 for epoch in range(30))
    told = Context(baseline_loss=1.0)
    assert names(LearningCurves(loss, tuple(0.98 * v for v in loss)), told)[0] == "reg_overwhelming"
    assert names(LearningCurves(loss, tuple(1.4 * v for v in loss)), told)[0] == "init_loss_wrong"
    assert alarms(LearningCurves(falling(), falling(seed=1)), told) == []


# --- a hard start is no low rate


def test_a_loss_that_takes_off_slowly_is_no_rate_too_low():
    loss = tuple(0.69 - 0.1 * (epoch / 14) ** 2 for epoch in range(15))
    assert alarms(LearningCurves(loss, loss)) == []


def test_a_rate_too_low_is_seen_in_validation_where_training_is_too_noisy():
    rng = random.Random(2)
    loss = tuple(1 - 0.001 * epoch + rng.gauss(0, 0.02) for epoch in range(40))
    val_loss = tuple(1.4 - 0.002 * epoch for epoch in range(40))
    assert names(LearningCurves(loss, val_loss))[0] == "lr_too_low"


def test_a_wide_gap_is_a_note_as_long_as_validation_holds():
    loss, val_loss = falling(), falling(floor=0.8, seed=1)
    curves = LearningCurves(loss, val_loss, rising(end=0.99), rising(end=0.75))
    assert (names(curves)[0], alarms(curves)) == ("gap", [])
