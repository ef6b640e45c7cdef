"""Remedies: the size of a step comes from the curve, the order from the likelier cause, and nothing is asked twice."""

import ast
from pathlib import Path

import drawn
import pytest

from tuner.records import LearningCurves
from tuner.symptoms import SYMPTOMS, Context, diagnose, remedies
from tuner.symptoms.causes import OF_NO_VERDICT

ROOT = Path(__file__).parents[2]
NAN = float("nan")


def first(curves: LearningCurves, context: Context) -> tuple[str, str, object]:
    verdict = diagnose(curves, context)[0]
    return verdict.name, verdict.changes[0].path, verdict.changes[0].value


@pytest.mark.parametrize(("covered", "factor"), [(0.0, 30), (0.02, 30), (0.08, 10), (0.2, 3), (0.9, 3)])
def test_a_rate_is_raised_as_far_as_the_way_that_is_left(covered, factor):
    assert remedies.step_up(covered) == factor


def test_a_straight_fall_that_has_not_come_far_wants_larger_steps_and_a_bent_one_more_epochs():
    straight = LearningCurves(
        tuple(2.3 - 0.03 * epoch for epoch in range(20)), tuple(2.3 - 0.03 * e for e in range(20))
    )
    (verdict,) = (v for v in diagnose(straight, Context(num_classes=10)) if v.name == "undertrained")
    assert [change.path for change in verdict.changes] == ["optimizer.learning_rate", "steps.change.epochs"]
    assert verdict.changes[0].value == "×3"
    bent = LearningCurves(*2 * (tuple(0.5 + 1.8 * 0.85**epoch for epoch in range(14)),))
    (verdict,) = (v for v in diagnose(bent, Context(num_classes=10)) if v.name == "undertrained")
    assert [change.path for change in verdict.changes] == ["steps.change.epochs"]


def test_thrown_out_at_a_usual_rate_it_is_the_inputs_and_at_a_large_one_the_rate():
    curves = LearningCurves(tuple(30.0 - epoch / 10 for epoch in range(12)))
    for rate, path in (
        (1e-3, "data.scale_inputs"),
        (0.5, "optimizer.learning_rate"),
        (None, "optimizer.learning_rate"),
    ):
        assert first(curves, Context(num_classes=10, learning_rate=rate))[:2] == ("lr_too_high", path)


def test_nan_at_once_follows_the_size_of_the_targets_and_of_the_rate():
    curves = LearningCurves((NAN, NAN), (NAN, NAN))
    assert first(curves, Context(learning_rate=1e-3, baseline_loss=1e5))[1] == "data.scale_targets"
    assert first(curves, Context(learning_rate=1e-3, baseline_loss=1.0))[1] == "data.scale_inputs"
    assert first(curves, Context(learning_rate=1.0, baseline_loss=1.0))[1:] == ("optimizer.learning_rate", 0.1)


def test_a_rate_that_moves_nothing_is_made_a_usual_one():
    assert remedies.woken(LearningCurves((1.0,)), Context(learning_rate=1e-7), "x").value == remedies.USUAL_RATE
    assert remedies.woken(LearningCurves((1.0,)), Context(learning_rate=1e-2), "x").value == pytest.approx(0.1)
    assert remedies.woken(LearningCurves((1.0,)), Context(), "x").value == "×10"


def test_an_overfitted_run_is_ended_earlier_unless_the_best_weights_are_kept_anyway():
    curves = drawn.overfitted()
    assert first(curves, Context()) == ("overfit", "training.early_stopping", remedies.PATIENCE)
    assert "training.early_stopping" not in [c.path for c in diagnose(curves, Context(keeps_best=True))[0].changes]


def shares(source: str) -> set[str]:
    """The words of every table of shares of belief in a file: words with numbers between 0 and 1."""
    tables = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict)]
    pairs = [list(zip(table.keys, table.values, strict=True)) for table in tables]
    return {
        str(key.value)
        for table in pairs
        if all(isinstance(v, ast.Constant) and isinstance(v.value, float) and 0 < v.value < 1 for _, v in table)
        for key, _ in table
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def test_weighed_causes_are_verdicts_or_explained():
    lines = (ROOT / "docs/verdicts.md").read_text().splitlines()
    known = {line.split("`")[1] for line in lines if line.startswith("| `")} | set(SYMPTOMS) | set(OF_NO_VERDICT)
    files = [file for file in (ROOT / "tuner" / "symptoms").glob("*.py") if file.stem != "remedies"]
    told = {file.stem: shares(file.read_text()) for file in files}
    assert {name: words - known for name, words in told.items() if words - known} == {}
    assert {"stuck_at_chance", "nan_or_inf", "underfit"} <= {name for name, words in told.items() if words}
