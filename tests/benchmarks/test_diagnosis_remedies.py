"""The benchmark of remedies: what counts as better, which faults count, and what a remedy means for a setup."""

from dataclasses import dataclass

import pytest

from benchmarks.diagnosis import remedies
from benchmarks.diagnosis.applied import applied
from benchmarks.diagnosis.keep import Outcome
from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task, load
from tuner.records import Change, passed, warned

RATE = Change("optimizer.learning_rate", 0.1, "x")


def runs(quality: list[float], losses: list[float] | None = None) -> list[Outcome]:
    losses = losses or [1.0, 1.0]
    return [Outcome({"val_loss": losses}, [q + 0.001 * seed for q in quality], 0.5, (9, 9), ()) for seed in range(3)]


def test_better_is_the_best_or_the_end_while_the_other_holds() -> None:
    before = runs([0.5, 0.8, 0.6])
    assert remedies.improved("lr_too_high", before, runs([0.5, 0.9, 0.7]))
    assert remedies.improved("lr_too_high", before, runs([0.7, 0.8, 0.8]))
    assert not remedies.improved("lr_too_high", before, before)
    assert not remedies.improved("lr_too_high", before, runs([0.5, 0.802, 0.6]))  # within the noise
    assert not remedies.improved("lr_too_high", runs([-1.0, -1.0]), runs([-0.4, -0.4]))  # as useless as before
    assert not remedies.improved("lr_too_high", before, runs([0.1, 0.9, 0.1]))  # a peak, and a worse end


def test_after_overfit_a_lower_last_loss_counts_where_losses_are_the_same() -> None:
    before, after = runs([0.8, 0.8], [0.5, 0.9]), runs([0.8, 0.8], [0.5, 0.5])
    assert remedies.improved("overfit", before, after)
    assert not remedies.improved("overfit", before, after, same_loss=False)
    assert not remedies.improved("lr_too_high", before, after)


def test_the_first_remedy_is_all_that_belongs_together() -> None:
    head = Change("head.units", 3, "x"), Change("head.activation", "softmax", "x")
    assert remedies.first_remedy((warned("head_loss_mismatch", "No.", *head),)) == ("head_loss_mismatch", head)
    found = (passed("undertrained", "More.", RATE), warned("lr_too_high", "Fast.", RATE, head[0]))
    assert remedies.first_remedy(found) == ("lr_too_high", (RATE,))
    assert remedies.first_remedy((passed("undertrained", "More.", RATE),)) == ("undertrained", (RATE,))
    assert remedies.first_remedy((passed("healthy", "Well."),)) == ("", ())


@dataclass
class OfTask:
    task: Task


def test_why_nothing_was_changed_is_told() -> None:
    moons, setup = OfTask(load("moons")), Setup("moons")

    def of(*changes: Change) -> tuple[str, Setup]:
        return remedies.changed(changes, setup, moons)

    assert of() == ("no change", setup)
    assert of(Change("loss.name", "look", "x"))[0] == "a person"
    assert of(Change("layers.dense.colour", "red", "x"))[0] == "no knob"
    assert of(Change("data.scale_inputs", "standardize", "x"))[0] == "not"
    assert of(RATE, Change("training.early_stopping", 5, "x"))[1] == Setup("moons", learning_rate=0.1, patience=5)


def test_knobs_that_came_later() -> None:
    moons = load("moons")
    assert applied(Change("regularization.l2", "÷100", "x"), Setup("moons", l2=1.0), moons) == Setup("moons", l2=0.01)
    assert applied(Change("regularization.l2", 0.0, "x"), Setup("moons"), moons) == Setup("moons")
    deeper = applied(Change("model.head_units", [256], "x"), Setup("moons", units=(8,)), moons)
    assert deeper == Setup("moons", units=(8, 256))


def test_only_found_faults_count(capsys: pytest.CaptureFixture[str]) -> None:
    said = [("improved", True), ("improved", False), ("not", True), ("a person", True), ("no knob", True)]
    data = remedies.show([{"cause": "rate_low", "result": result, "found": found} for result, found in said])
    assert data["improves"][:2] == [1, 3]
    assert data["totals"] == {"improved": 1, "not found": 1, "not": 1, "a person": 1, "no knob": 1}
    assert "1/3" in capsys.readouterr().out
