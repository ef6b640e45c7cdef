"""A short run that was trained in rungs is drawn whole: its onset is counted from the first rung's first epoch."""

import dataclasses

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import Finding, LearningCurves, Run, Trial, TrialSpec, TrialState
from tuner.report.panels import learning_curves, short_runs
from tuner.report.view import View

FIRST = LearningCurves((0.9, 0.8), (1.0, 0.9), (0.5, 0.6), (0.4, 0.5), (0.1, 0.1))
THEN = LearningCurves((0.7, 0.6, 0.5), (0.7, 0.75, 0.8), (0.7, 0.8, 0.9), (0.6, 0.55, 0.5), (0.1, 0.1, 0.1))


@pytest.fixture
def view() -> View:
    spec = TrialSpec(Hyperparameters(), 2, 0, "short_runs", round=1)
    first = Trial(1, spec, TrialState.COMPLETED, FIRST, 1.0, "net", best_epoch=2)
    longer = dataclasses.replace(spec, epochs=3, parent=1, continued=True)
    then = Trial(2, longer, TrialState.COMPLETED, THEN, 1.0, "net", best_epoch=1)
    return View(Run("n", 1, "", "", "finished", {}, "", {}, (), (first, then)), lambda name: None)


def test_curves_are_joined_and_the_best_epoch_is_counted_from_the_first(view) -> None:
    whole = view.whole(view.trials[2])
    assert whole.curves.val_loss == (1.0, 0.9, 0.7, 0.75, 0.8)
    assert whole.best_epoch == 3
    assert (whole.val_loss, whole.val_accuracy) == (view.trials[2].val_loss, view.trials[2].val_accuracy)


def test_the_mark_of_an_onset_stands_where_the_reading_counts_it(view) -> None:
    reading = {"trial": 2, "symptom": "overfit", "outcome": "warn", "sentence": "It is.", "onset": 4}
    found = Finding("learning_curves", 1, "", "", {"readings": [reading]}, ())
    charts = next(iter(learning_curves.panel(view, found)))
    assert "epoch 4" in charts.cells[0][2].body


def test_a_short_run_has_all_its_epochs(view) -> None:
    found = Finding("short_runs", 1, "", "", {"trials": [2], "best": 2}, (), trials=(2,))
    figure = next(iter(short_runs.panel(view, found)))
    assert [row[0] for row in figure.table.rows] == ["1", "2", "3", "4", "5"]
