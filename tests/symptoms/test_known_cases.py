"""Cases that published tools got wrong, by name: what must be said of them, and what must not."""

import dataclasses
import math
import random

import drawn
import pytest

from tuner.records import LearningCurves, Outcome
from tuner.symptoms import Context, diagnose

LN_10 = math.log(10)


def names(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context)]


def alarms(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context) if verdict.outcome is not Outcome.PASS]


def flat(epochs: int = 100, loss: float = 2.302, accuracy: float | None = 0.11, jitter: float = 0.0) -> LearningCurves:
    """Training that stands still, with the accuracy jittering as much as the loss."""
    rng = random.Random(4)
    losses = tuple(loss + rng.gauss(0, jitter) for _ in range(epochs))
    shares = tuple(accuracy + rng.gauss(0, jitter) for _ in range(epochs)) if accuracy is not None else ()
    return LearningCurves(loss=losses, accuracy=shares)


# --- 100 epochs at a loss of 2.302 and an accuracy of 0.11 are no training (AUTOTRAINER's "no issue now")


@pytest.mark.parametrize("jitter", [0.0, 1e-4, 1e-3], ids=["exact", "tiny jitter", "jitter"])
@pytest.mark.parametrize("context", [Context(), Context(num_classes=10)], ids=["classes not told", "told"])
def test_a_hundred_epochs_at_2302_and_011_are_stuck_at_chance(context, jitter):
    assert names(flat(jitter=jitter), context)[0] == "stuck_at_chance"


def test_a_loss_at_ln_10_alone_is_stuck_where_ten_classes_are_told():
    assert names(flat(accuracy=None, jitter=1e-4), Context(num_classes=10))[0] == "stuck_at_chance"


def test_a_loss_that_came_down_to_chance_and_stays_there_is_stuck_too():
    falling = tuple(LN_10 + 40 * math.exp(-epoch) for epoch in range(30))
    curves = LearningCurves(loss=falling, accuracy=(0.2,) * 4 + (0.11,) * 26)
    for context in (Context(), Context(num_classes=10)):
        verdict = next(v for v in diagnose(curves, context) if v.name == "stuck_at_chance")
        assert next(iter(verdict.evidence["causes"])) == "reg_overwhelming"


def test_standing_still_names_the_likelier_causes_first_and_the_remedy_goes_with_them():
    for rate, cause, value in ((1e-6, "lr_too_low", 1e-3), (0.5, "lr_too_high", 0.05)):
        verdict = diagnose(flat(jitter=1e-5), Context(num_classes=10, learning_rate=rate))[0]
        assert next(iter(verdict.evidence["causes"])) == cause
        assert verdict.changes[0].value == pytest.approx(value)
        assert sum(verdict.evidence["causes"].values()) == pytest.approx(1, abs=0.03)


# --- a step schedule is no fault


def stepped(seed: int, epochs: int = 90) -> LearningCurves:
    """A tenth of the rate at epochs 30 and 60: flat, a fall, flat, a fall, flat."""
    rng = random.Random(seed)
    levels = [(1.2, 0.55, 0.4)[epoch // 30] + 1.1 * math.exp(-epoch / 4) for epoch in range(epochs)]
    loss = tuple(level * (1 + rng.gauss(0, 0.008)) for level in levels)
    val = tuple((level + 0.1) * (1 + rng.gauss(0, 0.02)) for level in levels)
    accuracy = tuple(0.92 - 0.35 * level for level in levels)
    rates = tuple(0.1 * 0.1 ** (epoch // 30) for epoch in range(epochs))
    return LearningCurves(loss, val, accuracy, tuple(v - 0.02 for v in accuracy), rates)


@pytest.mark.parametrize("recorded", [True, False], ids=["rate recorded", "rate not recorded"])
def test_steps_of_the_rate_at_30_and_60_raise_no_alarm_on_any_prefix(recorded):
    for seed in range(5):
        curves = stepped(seed)
        curves = curves if recorded else dataclasses.replace(curves, learning_rate=())
        for epochs in range(1, 91):
            assert alarms(drawn.prefix(curves, epochs)) == []


def test_the_falls_of_a_step_schedule_are_noted_and_explained():
    note = next(v for v in diagnose(stepped(0)) if v.name == "plateau_then_drop")
    assert note.outcome is Outcome.PASS
    assert note.evidence["epochs"] == note.evidence["rate_lowered_at"] == [31, 61]
    unknown = next(v for v in diagnose(dataclasses.replace(stepped(0), learning_rate=())) if v.name == note.name)
    assert unknown.confidence < note.confidence


# --- dropout lifts validation above training


@pytest.mark.parametrize("context", [Context(), Context(dropout=0.5)], ids=["curves alone", "dropout told"])
def test_dropout_that_lifts_validation_above_training_is_no_leak(context):
    for seed in range(10):
        curves = drawn.healthy(seed, dropout=True)
        assert curves.val_accuracy[-1] > curves.accuracy[-1] + 0.05
        assert alarms(curves, context) == []


# --- random labels that are learned by heart


@pytest.mark.parametrize("told", [True, False], ids=["classes told", "curves alone"])
def test_random_labels_learned_by_heart_are_overfitting_with_a_hint_at_the_labels(told):
    for seed in range(5):
        curves = drawn.memorized(seed)
        assert curves.accuracy[-1] > 0.99
        assert curves.val_loss[-1] > 2 * LN_10
        verdicts = {v.name: v for v in diagnose(curves, Context(num_classes=10) if told else None)}
        assert "labels" in verdicts["overfit"].sentence
        assert verdicts["overfit"].changes[0].path == "data.labels"


# --- three epochs


THREE = {
    "healthy": drawn.prefix(drawn.healthy(), 3),
    "at chance": flat(3),
    "rising": LearningCurves((1.0, 2.0, 4.0), (1.0, 2.0, 4.0)),
    "far above chance": LearningCurves((900.0, 800.0, 700.0), accuracy=(0.1, 0.1, 0.1)),
    "gap": LearningCurves((2.0, 0.5, 0.01), (2.0, 3.0, 5.0), (0.2, 0.8, 1.0), (0.1, 0.1, 0.1)),
}


@pytest.mark.parametrize("context", [Context(), Context(num_classes=10, val_examples=1000)], ids=["alone", "told"])
@pytest.mark.parametrize("shape", THREE)
def test_three_epochs_are_too_short_to_tell_whatever_their_shape(shape, context):
    assert names(THREE[shape], context) == ["too_short_to_tell"]


def test_a_loss_that_is_not_finite_is_said_after_one_epoch():
    assert names(LearningCurves((math.nan,))) == ["nan_or_inf"]


# --- other shapes that have a name


def test_a_loss_that_falls_below_zero_while_accuracy_goes_is_a_wrong_sign():
    loss = tuple(-2.5 - 0.5 * epoch for epoch in range(20))
    accuracy = tuple(0.1 * 0.8**epoch for epoch in range(20))
    assert names(LearningCurves(loss, loss, accuracy, accuracy))[0] == "loss_metric_disagree"


def test_a_training_loss_far_above_what_its_accuracy_allows_is_sure_of_what_is_wrong():
    loss = tuple(7.0 + 4 * math.exp(-epoch / 3) for epoch in range(30))
    accuracy = tuple(0.56 - 0.3 * math.exp(-epoch / 3) for epoch in range(30))
    verdict = diagnose(LearningCurves(loss, loss, accuracy, accuracy))[0]
    assert (verdict.name, "sure of what is wrong" in verdict.sentence) == ("lr_too_high", True)


def test_a_first_batch_far_above_guessing_is_the_initialization_and_not_the_rate():
    steps = tuple(30 * math.exp(-step / 900) for step in range(600))
    means = tuple(sum(steps[i : i + 100]) / 100 for i in range(0, 600, 100))
    curves = LearningCurves(means, means, (0.1, 0.11, 0.12, 0.13, 0.14, 0.15), step_loss=steps)
    verdicts = diagnose(curves, Context(num_classes=10))
    assert verdicts[0].name == "init_loss_wrong"
    assert verdicts[0].evidence["ratio"] == pytest.approx(30 / LN_10)
    assert "lr_too_high" not in {v.name for v in verdicts}
    recovered = LearningCurves((5.0, 0.5, 0.3, 0.2, 0.15, 0.1), step_loss=(30.0, *steps[1:]))
    assert "init_loss_wrong" not in names(recovered, Context(num_classes=10))


def test_a_first_epoch_that_only_undid_the_start_is_a_hockey_stick_and_no_alarm():
    loss = (5000.0, *(100.0 + 20 * math.exp(-epoch / 5) for epoch in range(30)))
    verdicts = diagnose(LearningCurves(loss, loss), Context(baseline_loss=130.0))
    note = next(v for v in verdicts if v.name == "hockey_stick")
    assert note.outcome is Outcome.PASS
    assert note.changes[0].path == "data.scale_targets"
    gentle = tuple(130 * math.exp(-epoch / 5) for epoch in range(30))
    assert "hockey_stick" not in names(LearningCurves(gentle, gentle), Context(baseline_loss=130.0))


@pytest.mark.parametrize(
    ("curves", "lead_up", "first"),
    [
        (LearningCurves((math.nan,) * 3, step_loss=(math.nan,) * 9), "before the first step", "data.drop_non_finite"),
        (LearningCurves((math.nan,) * 3, step_loss=(2.3, 2.4, 9.0, math.inf)), "climb", "optimizer.learning_rate"),
        (LearningCurves((2.0, 1.5, 9.0, math.nan)), "climb", "optimizer.learning_rate"),
        (LearningCurves((2.0, 1.5, 1.4, math.nan)), "suddenly", "optimizer.learning_rate"),
        (LearningCurves((math.nan,) * 3), "first epoch", "optimizer.learning_rate"),
    ],
)
def test_what_came_before_nan_tells_its_cause(curves, lead_up, first):
    verdict = diagnose(curves)[0]
    assert verdict.evidence["lead_up"] == lead_up
    assert verdict.changes[0].path == first
    assert verdict.evidence["causes"]


def test_overfitting_that_early_stopping_has_undone_is_a_note() -> None:
    curves = drawn.overfitted()
    assert "overfit" in alarms(curves)
    context = Context(keeps_best=True, stops_early=True)
    (note,) = (verdict for verdict in diagnose(curves, context) if verdict.name == "overfit")
    assert note.outcome is Outcome.PASS
    assert "put the best epoch back" in note.sentence
