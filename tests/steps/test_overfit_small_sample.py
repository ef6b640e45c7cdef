"""Step 2: a few mini-batches are learned by heart, or the shape of the failure says why not."""

import dataclasses
import math
from collections.abc import Callable

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, LearningCurves, Outcome, Trial, TrialSpec, TrialState, Verdict, to_json
from tuner.steps.overfit_small_sample import (
    Attempt,
    SmallSample,
    attempt_of,
    fitting,
    judge,
    measure,
)
from tuner.store import Store

DROPPED = {"backbone": "python:small_nets:backbone", "dropout": 0.5}

SMALL = {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale", "batch_size": 16}


def attempt(shape: str, best: float = 0.4, rate: float = 1e-3, optimizer: str = "AdamW", epochs: int = 10) -> Attempt:
    changes = (Change("optimizer.learning_rate", rate, "only this learns a small sample by heart", 1.0),)
    if optimizer != "AdamW":
        changes = (Change("optimizer.name", optimizer, "only this learns a small sample by heart", "AdamW"), *changes)
    loss = tuple(2.3 - 0.2 * epoch for epoch in range(epochs))
    return Attempt(optimizer, rate, loss, (*[0.1] * (epochs - 1), best), "completed", "", shape, changes)


FITS, BLANK = attempt("fits", 1.0), attempt("stuck", 0.12)
GOOD = SmallSample(160, 5, 1.0, 0.1, (FITS,), BLANK, 0)


def only(evidence: SmallSample) -> Verdict:
    (verdict,) = judge(evidence)
    return verdict


def failing(*attempts: Attempt, blank: Attempt | None = None) -> SmallSample:
    return SmallSample(160, 5, 1.0, 0.1, attempts, blank, None)


def test_learning_by_heart_passes_with_the_epochs_it_took() -> None:
    verdict = only(GOOD)
    assert (verdict.name, verdict.outcome, verdict.changes) == ("overfits_small_sample", Outcome.PASS, ())
    assert "160 images are learned by heart in 10 epochs" in verdict.sentence
    assert "blank images: 0.12" in verdict.sentence


@pytest.mark.parametrize(
    ("shape", "tried", "working", "cause"),
    [
        ("nan", 10.0, 1e-3, "too high"),
        ("oscillating", 1.0, 1e-2, "too high"),
        ("flat", 1e-9, 1e-3, "too low"),
        ("stuck", 1e-5, 1e-3, "too low"),
        ("stuck", 1e-1, 1e-3, "too high"),
    ],
)
def test_only_another_rate_warns_with_the_rate_that_works(shape: str, tried: float, working: float, cause: str) -> None:
    first, other = attempt(shape, rate=tried), attempt("fits", 1.0, rate=working)
    verdict = only(dataclasses.replace(GOOD, attempts=(first, other), chosen=1))
    assert (verdict.name, verdict.outcome) == ("rate_changed", Outcome.WARN)
    assert cause in verdict.sentence
    (change,) = verdict.changes
    assert (change.path, change.value) == ("optimizer.learning_rate", working)
    assert cause in change.because


def test_only_another_optimizer_changes_both() -> None:
    attempts = (attempt("stuck"), attempt("stuck", rate=1e-2), attempt("fits", 1.0, 1e-2, "SGD"))
    verdict = only(dataclasses.replace(GOOD, attempts=attempts, chosen=2))
    assert {change.path: change.value for change in verdict.changes} == {
        "optimizer.name": "SGD",
        "optimizer.learning_rate": 1e-2,
    }


@pytest.mark.parametrize("shape", ["flat", "nan", "oscillating", "stuck", "rising"])
def test_what_never_fits_fails_with_the_cause_of_its_shape(shape: str) -> None:
    blank = None if shape == "nan" else BLANK
    verdict = only(failing(attempt(shape, 0.6), blank=blank))
    assert (verdict.name, verdict.outcome) == ("cannot_overfit_tiny", Outcome.FAIL)
    assert verdict.evidence["shape"] == shape
    assert "Tried: AdamW at 0.001" in verdict.sentence
    assert verdict.check


@pytest.mark.parametrize(("real", "blank"), [(0.12, 0.11), (0.4, 0.4), (0.13, 0.0)])
def test_no_better_than_blank_images_or_guessing_ignores_the_input(real: float, blank: float) -> None:
    verdict = only(failing(attempt("stuck", real), blank=attempt("stuck", blank)))
    assert (verdict.name, verdict.outcome) == ("ignores_input", Outcome.FAIL)


def test_a_fit_that_blank_images_reach_too_is_none() -> None:
    assert only(dataclasses.replace(GOOD, blank=attempt("fits", 1.0))).name == "ignores_input"


def test_guessing_the_frequent_class_is_no_fit() -> None:
    wanted = dataclasses.replace(GOOD, target_accuracy=0.9, majority=0.9, attempts=(attempt("fits", 0.9),))
    assert only(dataclasses.replace(wanted, blank=attempt("fits", 0.9))).name == "ignores_input"


def test_the_first_attempt_is_preferred_then_the_fastest() -> None:
    slow, fast = attempt("fits", 1.0, epochs=50), attempt("fits", 1.0, epochs=5)
    assert fitting([slow, fast]) == 0
    assert fitting([attempt("stuck"), slow, fast]) == 2
    other = attempt("fits", 1.0, optimizer="SGD", epochs=2)
    assert fitting([attempt("stuck"), other, slow]) == 2
    assert fitting([attempt("stuck"), other]) == 1
    assert fitting([attempt("nan")]) is None


def test_an_attempt_keeps_what_changed_from_the_setting() -> None:
    base = TrialSpec(Hyperparameters(), 200, 0, "overfit_small_sample", stop_at_accuracy=1.0)
    point = Hyperparameters(optimizer="SGD", learning_rate=1e-2)
    spec = dataclasses.replace(base, hyperparameters=point)
    curves = LearningCurves(loss=(2.3, 0.1), accuracy=(0.1, 1.0))
    made = attempt_of(Trial(1, spec, TrialState.COMPLETED, curves, 1.0, "keras"), base)
    assert made.shape == "fits"
    assert [change.path for change in made.changes] == ["optimizer.name", "optimizer.learning_rate"]
    lost = attempt_of(Trial(2, spec, TrialState.DIVERGED, LearningCurves(), 1.0, "keras", "NaN at step 1"), base)
    assert (lost.shape, lost.reason) == ("nan", "NaN at step 1")
    assert math.isnan(lost.best_accuracy)


def test_evidence_has_the_keys_that_the_report_reads() -> None:
    data = to_json(GOOD)
    assert set(data) >= {"examples", "batches", "target_accuracy", "attempts", "blank", "chosen"}
    keys = {"optimizer", "learning_rate", "loss", "accuracy", "state", "reason", "shape"}
    assert set(data["attempts"][0]) >= keys
    assert set(data["blank"]) >= keys


def plan(**settings: object) -> dict[str, object]:
    return {"overfit_small_sample": {"max_epochs": 60, **settings}}


def test_a_real_model_learns_by_heart_and_a_blank_control_does_not(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(steps=plan(), optimizer={"learning_rate": 3e-3, "weight_decay": 0.1}, model=DROPPED)
    seen = measure(problem, run)
    verdict = only(seen)
    assert (verdict.name, seen.examples, seen.batches, seen.chosen) == ("overfits_small_sample", 160, 5, 0)
    assert seen.blank is not None
    assert seen.blank.best_accuracy < 0.3
    assert all(t.hyperparameters.dropout == t.hyperparameters.weight_decay == 0 for t in run.trials)
    assert [t.spec.blank_images for t in run.trials] == [False, True]


@pytest.mark.parametrize(("rate", "cause"), [(100.0, "too high"), (1e-9, "too low")])
def test_a_real_wrong_rate_is_named_and_replaced(
    rate: float, cause: str, make_problem: Callable[..., Problem], run: Store
) -> None:
    verdict = only(measure(make_problem(steps=plan(), data=SMALL, optimizer={"learning_rate": rate}), run))
    assert verdict.name == "rate_changed"
    assert cause in verdict.sentence
    assert verdict.changes[-1].path == "optimizer.learning_rate"
    assert 1e-4 < verdict.changes[-1].value < 0.1


def test_a_real_model_that_sees_nothing_is_found_out(make_problem: Callable[..., Problem], run: Store) -> None:
    assert only(measure(make_problem("blind", steps=plan(max_epochs=10)), run)).name == "ignores_input"


def test_measuring_again_trains_nothing_again(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(steps=plan(max_epochs=5, target_accuracy=0.2))
    first = measure(problem, run)
    trained = len(run.trials)
    assert measure(problem, run) == first
    assert len(run.trials) == trained
