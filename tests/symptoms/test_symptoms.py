"""Each symptom says what it should about a curve whose cause is known, and keeps quiet about the others."""

import dataclasses
import math
import re
from pathlib import Path

import drawn
import pytest

from tuner.hyperparameters import PATHS
from tuner.records import LearningCurves, Outcome
from tuner.symptoms import SYMPTOMS, Context, diagnose

NAN = math.nan
OTHER_PATHS = {  # of a recipe's steps, and of a Keras program
    *("transfer.stage", "steps.change.epochs", "training.early_stopping", "layers.add_batch_normalization"),
    *("data.labels", "data.split", "data.scale_inputs", "data.scale_targets", "data.drop_non_finite"),
    "data.train_examples",
}


def names(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context)]


def alarms(curves: LearningCurves, context: Context | None = None) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context) if verdict.outcome is not Outcome.PASS]


def scaled(curves: LearningCurves, factor: float) -> LearningCurves:
    return dataclasses.replace(
        curves, loss=tuple(v * factor for v in curves.loss), val_loss=tuple(v * factor for v in curves.val_loss)
    )


# --- what the issue asks for


def test_a_hundred_epochs_at_ln_10_are_stuck_at_chance_even_where_nobody_said_ten_classes():
    for context in (Context(), Context(num_classes=10), Context(class_frequencies=(100,) * 10)):
        verdict, *rest = diagnose(drawn.at_chance(), context)
        assert (verdict.name, verdict.outcome, verdict.onset, rest) == ("stuck_at_chance", Outcome.FAIL, 1, [])


@pytest.mark.parametrize("rates", [True, False], ids=["rates recorded", "rates not recorded"])
def test_the_steps_of_a_schedule_are_neither_plateaus_nor_spikes(rates):
    for seed in range(20):
        assert alarms(drawn.healthy(seed, epochs=90, schedule="steps", rates=rates)) == []


def test_dropout_that_lifts_validation_above_training_is_no_leak():
    for seed in range(10):
        curves = drawn.healthy(seed, dropout=True)
        assert curves.val_accuracy[-1] > curves.accuracy[-1] + 0.05
        assert names(curves, Context(num_classes=10, dropout=0.5)) == ["healthy", "val_below_train"]
        assert alarms(curves) == []


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_memorized_random_labels_are_overfitting_with_a_hint_at_the_labels(classes):
    verdicts = {verdict.name: verdict for verdict in diagnose(drawn.memorized(classes=classes))}
    assert "overfit" in verdicts
    assert "labels" in verdicts["overfit"].sentence
    assert "shuffled_labels" in verdicts


@pytest.mark.parametrize("epochs", [0, 1, 2, 3, 4])
def test_fewer_than_five_epochs_are_too_short_to_tell(epochs):
    curves = drawn.prefix(drawn.healthy(), epochs)
    assert names(curves, Context(num_classes=10)) == ["too_short_to_tell"]


# --- one curve a cause


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        (drawn.overfitted(), "overfit"),
        (drawn.creeping(), "lr_too_low"),
        (drawn.bouncing(), "lr_too_high"),
        (drawn.turned_around(), "diverging"),
        (drawn.weak(), "underfit"),
        (LearningCurves(loss=(1.0, 1.3, 1.7, 2.4, 3.1)), "loss_increases_from_start"),
        (LearningCurves(loss=(2.0, 1.5, NAN, NAN)), "nan_or_inf"),
        (drawn.healthy(0, epochs=60, speed=2), "undertrained"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_verdict_names_the_cause(curves, expected):
    assert names(curves)[0] == expected


def test_a_loss_beyond_the_start_is_diverging_at_once():
    assert names(LearningCurves(loss=(2.3, 1.9, 1.7, 1.6, 9.0)))[0] == "diverging"


def test_nan_says_when_and_whether_the_loss_climbed_before():
    climbed = diagnose(LearningCurves(loss=(2.0, 1.5, 1.4, 9.0, math.inf)), Context(learning_rate=0.1))[0]
    assert (climbed.onset, climbed.evidence["climbed_before"]) == (5, True)
    assert (climbed.changes[0].path, climbed.changes[0].value) == ("optimizer.learning_rate", 0.01)
    sudden = diagnose(LearningCurves(loss=(2.0, 1.5, NAN)))[0]
    assert (sudden.onset, sudden.evidence["climbed_before"]) == (3, False)


def test_nan_in_validation_alone_is_no_matter_of_the_rate():
    verdict = diagnose(LearningCurves(loss=(2.0, 1.5, 1.4), val_loss=(2.0, NAN, NAN)))[0]
    assert verdict.evidence["where"] == ["val_loss"]
    assert verdict.changes == ()


def test_nan_within_the_steps_is_seen_before_an_epoch_is_over():
    verdict = diagnose(LearningCurves(step_loss=(2.3, 2.4, NAN)))[0]
    assert (verdict.name, verdict.evidence["step"]) == ("nan_or_inf", 2)


def test_uneven_classes_are_stuck_at_the_entropy_of_their_frequencies():
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    curves = drawn.at_chance(20, loss=entropy, accuracy=0.9)
    assert names(curves, Context(class_frequencies=(90, 10))) == ["stuck_at_chance"]
    assert names(curves) == ["stuck_at_chance"]


def test_a_model_that_answers_always_the_same_is_stuck_even_where_it_learns_the_class_frequencies():
    losses = tuple(1.045 + 0.04 * math.exp(-epoch / 10) for epoch in range(30))
    curves = LearningCurves(losses, losses, (0.4031,) * 30, (0.389,) * 30)
    assert names(curves, Context(num_classes=3)) == ["stuck_at_chance"]


def test_steps_that_climb_tell_a_rate_too_high_within_one_epoch():
    steps = tuple(2.3 + 0.1 * min(step, 40) for step in range(100))
    curves = LearningCurves(loss=(5.0,), step_loss=steps)
    verdict = diagnose(curves, Context(num_classes=10, learning_rate=0.1))[0]
    assert verdict.name == "lr_too_high"
    assert verdict.changes[0].value < 0.1


def test_a_spike_that_returns_is_named_with_its_epoch():
    healthy = drawn.healthy(3)
    loss = tuple(v + 1.5 if epoch in (25, 40) else v for epoch, v in enumerate(healthy.loss, 1))
    verdict = diagnose(dataclasses.replace(healthy, loss=loss))[0]
    assert (verdict.name, verdict.evidence["epochs"]) == ("loss_spikes", [25, 40])


def test_a_rate_that_was_just_raised_explains_its_spike():
    healthy = drawn.healthy(3)
    loss = tuple(v + 1.5 if epoch == 30 else v for epoch, v in enumerate(healthy.loss))
    rates = tuple(0.1 if epoch == 30 else 0.01 for epoch in range(len(loss)))
    assert "loss_spikes" not in names(dataclasses.replace(healthy, loss=loss, learning_rate=rates))


def test_a_swing_that_the_validation_set_explains_is_not_reported():
    def swinging(examples: int, amplitude: float) -> LearningCurves:
        base = drawn.healthy(1)
        swung = [v - amplitude * (epoch % 2) for epoch, v in enumerate(base.val_accuracy)]
        return dataclasses.replace(base, val_accuracy=tuple(round(v * examples) / examples for v in swung))

    assert alarms(swinging(10_000, 0.12), Context(val_examples=10_000)) == ["oscillating"]
    assert alarms(swinging(40, 0.12), Context(val_examples=40)) == []


def test_a_gap_of_a_tenth_is_luck_on_twenty_images_and_a_gap_on_a_thousand():
    curves = LearningCurves(
        loss=tuple(1.5 * 0.8**e + 0.3 for e in range(12)),
        val_loss=tuple(1.5 * 0.8**e + 0.6 for e in range(12)),
        accuracy=tuple(0.88 - 0.5 * 0.7**e for e in range(12)),
        val_accuracy=tuple(0.75 - 0.4 * 0.7**e for e in range(12)),
    )
    assert "gap" in names(curves, Context(val_examples=5000))
    assert "gap" not in names(curves, Context(val_examples=20))


def test_a_training_accuracy_that_stands_still_under_a_falling_loss_disagrees():
    loss = tuple(2.0 * 0.9**epoch for epoch in range(20))
    verdicts = names(LearningCurves(loss, loss, (0.1,) * 20, (0.1,) * 20))
    assert "loss_metric_disagree" in verdicts


def test_a_target_decides_what_is_poor():
    curves = drawn.healthy(0, epochs=40, floor=0.3, schedule="cosine")
    assert alarms(curves, Context(num_classes=10)) == []
    assert alarms(curves, Context(num_classes=10, target=0.97)) == ["underfit"]


def test_mixed_images_make_training_look_poor_and_nothing_else():
    curves = LearningCurves(
        loss=tuple(0.6 + 0.5 * 0.6**e for e in range(20)),
        val_loss=tuple(0.2 + 0.5 * 0.6**e + 0.004 * (e % 2) for e in range(20)),
        accuracy=tuple(0.83 - 0.4 * 0.6**e for e in range(20)),
        val_accuracy=tuple(0.985 - 0.4 * 0.6**e for e in range(20)),
    )
    whole, mixed = (Context(num_classes=10, val_examples=359, target=0.99, labels_mixed=m) for m in (False, True))
    assert alarms(curves, whole) == ["underfit"]
    assert alarms(curves, dataclasses.replace(mixed, augmented=True)) == []
    assert alarms(curves, dataclasses.replace(mixed, target=1.0, val_examples=50_000)) == ["underfit"]


def test_a_flat_stretch_is_a_plateau_at_a_constant_rate_only():
    loss = tuple(1.6 + 0.7 * math.exp(-epoch / 2) for epoch in range(30))
    assert names(LearningCurves(loss=loss), Context(num_classes=10)) == ["plateau"]
    assert alarms(LearningCurves(loss=loss), Context(num_classes=10, rate_is_scheduled=True)) == []


def test_epochs_after_everything_was_reached_are_noted_not_blamed():
    verdicts = diagnose(drawn.healthy(0, epochs=100, speed=60, schedule="cosine"))
    assert [verdict.name for verdict in verdicts][:2] == ["healthy", "overtrained_budget"]
    assert verdicts[1].outcome is Outcome.PASS


def test_accuracy_alone_can_be_judged():
    curves = drawn.overfitted()
    only = LearningCurves(accuracy=tuple(v for v in curves.accuracy), val_accuracy=tuple(0.8 for _ in curves.accuracy))
    assert (names(only)[0], alarms(only)) == ("gap", [])
    assert alarms(LearningCurves(accuracy=(0.1,) * 20, val_accuracy=(0.1,) * 20), Context(num_classes=10)) == [
        "stuck_at_chance"
    ]


def test_a_score_for_which_higher_is_better_is_judged_upside_down():
    overfitted = drawn.overfitted()
    score = dataclasses.replace(
        LearningCurves(), loss=tuple(-v for v in overfitted.loss), val_loss=tuple(-v for v in overfitted.val_loss)
    )
    assert names(score, Context(higher_is_better=True))[0] == "overfit"


# --- laws of all symptoms


CAUSES = {
    "overfitted": drawn.overfitted(),
    "bouncing": drawn.bouncing(),
    "turned around": drawn.turned_around(),
    "regression": drawn.HEALTHY["regression"],
    "rising": LearningCurves(loss=(1.0, 1.3, 1.7, 2.4, 3.1)),
    "creeping": drawn.creeping(),
}


@pytest.mark.parametrize("factor", [1e-6, 0.37, 1e3, 1e6])
@pytest.mark.parametrize("cause", CAUSES)
def test_multiplying_a_regression_loss_changes_nothing(cause, factor):
    curves = dataclasses.replace(CAUSES[cause], accuracy=(), val_accuracy=())
    before, after = diagnose(curves), diagnose(scaled(curves, factor))
    assert [(v.name, v.onset, v.outcome) for v in before] == [(v.name, v.onset, v.outcome) for v in after]


def test_every_symptom_yields_to_symptoms_that_stand_above_it():
    order = list(SYMPTOMS)
    for place, symptom in enumerate(SYMPTOMS.values()):
        assert all(order.index(cause) < place for cause in symptom.yields_to), symptom.name


def test_every_file_of_a_symptom_is_in_the_table():
    folder = Path(diagnose.__code__.co_filename).parent
    files = {path.stem for path in folder.glob("*.py") if "SYMPTOM = Symptom(" in path.read_text()}
    assert files == set(SYMPTOMS)


def test_the_table_of_verdicts_in_the_docs_is_the_table_of_symptoms():
    text = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text().split("\n## From the model")[0]
    rows = re.findall(r"^\| `(\w+)` \| \S+ \| ([^|]+) \|", text, re.MULTILINE)
    assert rows == [(symptom.name, symptom.says) for symptom in SYMPTOMS.values()]


def all_sick() -> dict[str, LearningCurves]:
    return {**CAUSES, "stuck": drawn.at_chance(), "memorized": drawn.memorized(), "weak": drawn.weak()}


@pytest.mark.parametrize("cause", all_sick())
def test_every_verdict_carries_evidence_confidence_check_and_source(cause):
    for verdict in diagnose(all_sick()[cause], Context(learning_rate=1e-2)):
        assert verdict.name in SYMPTOMS
        assert verdict.evidence
        assert 0 < (verdict.confidence or 0) <= 1
        assert verdict.source
        assert verdict.outcome is Outcome.PASS or verdict.check
        for change in verdict.changes:
            assert change.path in PATHS or change.path in OTHER_PATHS
            assert change.because


@pytest.mark.parametrize("cause", all_sick())
def test_a_remedy_is_a_number_where_the_setting_is_known_and_a_factor_where_it_is_not(cause):
    for known in (True, False):
        for verdict in diagnose(all_sick()[cause], Context(learning_rate=1e-2 if known else None)):
            for change in verdict.changes:
                if change.path == "optimizer.learning_rate":
                    assert isinstance(change.value, float) if known else change.value[0] in "÷×"


# --- few epochs


def test_a_few_epochs_of_many_steps_show_shuffled_labels_where_all_yardsticks_are_told():
    early = LearningCurves((2.3, 1.9, 1.4), (2.31, 2.4, 2.6), (0.1, 0.3, 0.5), (0.1, 0.11, 0.09))
    told = Context(num_classes=10, val_examples=1000, steps_per_epoch=100)
    assert "shuffled_labels" in names(early, told)
    assert "shuffled_labels" not in names(early, dataclasses.replace(told, steps_per_epoch=99))
    assert "shuffled_labels" not in names(early, dataclasses.replace(told, val_examples=None))
    lagging = dataclasses.replace(early, val_loss=(2.31, 2.3, 2.2))  # batch normalization that catches up
    assert "shuffled_labels" not in names(lagging, told)


def test_where_validation_is_surely_guessing_a_tenth_of_the_way_is_enough():
    slow = LearningCurves(
        (2.3, 2.25, 2.2, 2.1, 2.05, 2.0), (2.31, 2.32, 2.32, 2.34, 2.35, 2.36), (0.1, 0.12, 0.15, 0.2, 0.25, 0.28),
        (0.1, 0.11, 0.09, 0.1, 0.11, 0.1),
    )  # fmt: skip
    assert "shuffled_labels" in names(slow, Context(num_classes=10, val_examples=1000))
    assert "shuffled_labels" not in names(slow)
