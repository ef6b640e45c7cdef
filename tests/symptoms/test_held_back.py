"""What holds a run back shows in both losses; what is told of it decides what it is called."""

import math
import random

import pytest

from tuner.records import LearningCurves, Outcome
from tuner.symptoms import Context, diagnose, healthy

SIX = Context(num_classes=6, train_examples=960, val_examples=320)
GUESS = math.log(6)
RNG = random.Random(0)


def names(curves: LearningCurves, context: Context) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context)]


def alarms(curves: LearningCurves, context: Context) -> list[str]:
    return [verdict.name for verdict in diagnose(curves, context) if verdict.outcome is not Outcome.PASS]


def way(first: float, last: float, epochs: int, pace: float, jitter: float = 0.003) -> tuple[float, ...]:
    return tuple(
        (last + (first - last) * math.exp(-epoch / pace)) * (1 + RNG.gauss(0, jitter)) for epoch in range(epochs)
    )


def test_a_loss_that_its_accuracy_does_not_need_is_a_penalty() -> None:
    loss = way(4.1, 1.53, 25, 4)
    curves = LearningCurves(loss, tuple(v * 1.01 for v in loss), way(0.3, 0.79, 25, 3), way(0.4, 0.77, 25, 3))
    assert alarms(curves, SIX) == ["reg_overwhelming"]
    assert "reg_overwhelming" not in names(curves, Context(num_classes=6, val_examples=320, l2=0.0))  # told: none


def test_above_guessing_it_was_thrown_there() -> None:
    loss = way(7.0, 5.2, 25, 4)
    curves = LearningCurves(loss, tuple(v * 1.01 for v in loss), way(0.3, 0.7, 25, 3), way(0.4, 0.7, 25, 3))
    assert "reg_overwhelming" not in names(curves, SIX)
    assert "lr_too_high" in alarms(curves, SIX)


def test_a_penalty_that_falls_down_to_guessing() -> None:
    loss = tuple(GUESS + 200 * math.exp(-epoch / 2.5) for epoch in range(25))
    validation = tuple(GUESS + 200 * math.exp(-(epoch + 0.6) / 2.5) for epoch in range(25))
    still = tuple(0.17 + RNG.uniform(-0.01, 0.01) for _ in range(25))
    assert alarms(LearningCurves(loss, validation, still, still), SIX)[0] in ("reg_overwhelming", "stuck_at_chance")
    assert "lr_too_high" not in alarms(LearningCurves(loss, validation, still, still), SIX)


@pytest.mark.parametrize(("dropout", "said"), [(0.95, True), (0.5, False), (None, False)])
def test_dropout_of_nearly_all_units_is_named_where_it_is_told(dropout: float | None, said: bool) -> None:
    curves = LearningCurves(way(3.0, 1.45, 25, 6), way(1.8, 1.1, 25, 6), way(0.2, 0.35, 25, 5), way(0.4, 0.83, 25, 5))
    context = Context(num_classes=6, train_examples=960, val_examples=320, dropout=dropout)
    assert ("reg_overwhelming" in alarms(curves, context)) is said


def test_validation_that_turns_away_from_guessing_while_training_learns() -> None:
    loss, validation = way(1.80, 1.65, 50, 25, 0.001), tuple(GUESS * 1.01 + 0.0015 * epoch for epoch in range(50))
    curves = LearningCurves(loss, validation, way(0.17, 0.32, 50, 20), tuple([0.15, 0.17, 0.18, 0.17, 0.16] * 10))
    assert "shuffled_labels" in alarms(curves, SIX)
    few = Context(num_classes=6, train_examples=960, val_examples=40)
    assert "shuffled_labels" not in alarms(curves, few)  # luck may look so


def test_validation_far_worse_than_guessing_is_another_matter_than_the_labels() -> None:
    curves = LearningCurves(way(1.6, 0.2, 20, 4), way(12.0, 30.0, 20, 5), way(0.4, 0.95, 20, 4), (0.1,) * 20)
    said = {verdict.name: verdict.sentence for verdict in diagnose(curves, SIX)}
    assert "prepared in another way" in said["shuffled_labels"]


@pytest.mark.parametrize(("context", "said"), [({"dropout": 0.0}, True), ({}, False), ({"dropout": 0.3}, False)])
def test_training_that_is_worse_than_use_without_dropout(context: dict[str, float], said: bool) -> None:
    curves = LearningCurves(way(1.5, 1.15, 25, 3), way(0.9, 0.65, 25, 3), way(0.4, 0.6, 25, 3), way(0.6, 0.77, 25, 3))
    told = Context(num_classes=6, train_examples=960, val_examples=320, **context)
    assert ("train_eval_mismatch" in alarms(curves, told)) is said


def test_a_model_that_learns_fast_is_no_mismatch() -> None:
    loss = tuple(1.7 * 0.7**epoch for epoch in range(12))
    validation = tuple(1.7 * 0.7 ** (epoch + 0.9) for epoch in range(12))
    accuracy = way(0.4, 0.99, 12, 3)
    told = Context(num_classes=6, train_examples=960, val_examples=320, dropout=0.0)
    assert alarms(LearningCurves(loss, validation, accuracy, tuple(min(1.0, a + 0.1) for a in accuracy)), told) == []


def test_a_regression_above_its_constant_answer_is_not_healthy() -> None:
    base = Context(baseline_loss=1.0, train_examples=900, val_examples=300)
    noisy = tuple(1.25 + RNG.uniform(-0.05, 0.05) for _ in range(34))
    assert "stuck_at_chance" in alarms(
        LearningCurves((3e4, 400, 20, 5, 2, 1.5, *noisy), (640, 25, 9, *noisy, 1, 2, 1)), base
    )
    falling = tuple(1 + 2000 * math.exp(-epoch / 4) + 2 * math.exp(-epoch / 20) for epoch in range(40))
    assert "undertrained" in names(LearningCurves(falling, tuple(1.1 * v for v in falling)), base)


def test_the_minimum_is_the_one_that_is_recorded() -> None:
    validation = (1.0, 0.8, 0.66, 0.645, 0.69, 0.75, 0.82, 0.9, 0.98, 1.06, 1.15)
    training = tuple(0.9 * 0.75**epoch for epoch in range(11))
    accuracy = (0.6, 0.7, 0.75, 0.76, 0.76, 0.75, 0.75, 0.74, 0.74, 0.73, 0.73)
    (overfit,) = (v for v in diagnose(LearningCurves(training, validation, accuracy, accuracy)) if v.name == "overfit")
    assert (overfit.evidence["best_epoch"], overfit.evidence["best_val_loss"]) == (4, 0.645)


def test_a_low_accuracy_is_not_called_good_where_nothing_tells() -> None:
    loss, accuracy = way(2.3, 1.5, 30, 4, 0.001), way(0.1, 0.3, 30, 4, 0.001)
    verdict = healthy.find(LearningCurves(loss, loss, accuracy, accuracy), Context())
    assert verdict is not None
    assert (verdict.confidence, "is another matter" in verdict.sentence) == (0.5, True)
