"""The drawing of the learning rate: the recorded rates, the right axis, the warm-up; nothing where nothing is known."""

import dataclasses
import math

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import Finding, LearningCurves, Run, Trial, TrialSpec, TrialState
from tuner.report.panels.schedule import points_of, rates_figure, steps_per_epoch
from tuner.report.view import View

SHORT = LearningCurves(
    loss=(1.0, 0.9), learning_rate=(0.1, 0.1), step_learning_rate=(0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1)
)
LONG = LearningCurves(
    loss=(0.8, 0.7, 0.6), learning_rate=(0.1, 0.01, 0.001), step_learning_rate=(0.1, 0.1, 0.1, 0.1, 0.01)
)


def trial(number, curves, schedule, parent=None):
    point = Hyperparameters(batch_size=8, schedule=schedule, warmup_epochs=1.0, learning_rate=0.1)
    spec = TrialSpec(point, curves.epochs, 0, "change", parent=parent, continued=parent is not None)
    return Trial(number, spec, TrialState.COMPLETED, curves, 1.0, "heads")


def view_of(*trials, counts=(10, 15, 7)):
    data = Finding("data", 0, "", "", {"counts": {"train": counts}}, ())
    run = Run("n", 1, "", "", "finished", {}, "", {}, (data,), trials)
    return View(run, lambda name: None)


def test_the_rates_of_a_way_are_the_recorded_ones_from_its_first_step_on():
    short, long = trial(1, SHORT, "none"), trial(2, LONG, "StepDecay", parent=1)
    view = view_of(short, long)
    assert steps_per_epoch(view, long) == 4
    assert view.way(long) == [short, long]
    points = points_of(view, [short, long])
    assert points[:4] == ((0.25, 0.025), (0.5, 0.05), (0.75, 0.075), (1.0, 0.1))
    assert points[8:13] == ((2.25, 0.1), (2.5, 0.1), (2.75, 0.1), (3.0, 0.1), (3.25, 0.01))
    assert points[13:] == ((3.25, 0.01), (4.0, 0.01), (4.0, 0.001), (5.0, 0.001))  # it fell at once


@pytest.mark.parametrize(("schedule", "ticks"), [("StepDecay", (True, False)), ("CosineDecay", (False, True))])
def test_factors_stand_on_a_log_axis_and_lines_on_a_linear_one(schedule, ticks):
    short, long = trial(1, SHORT, "none"), trial(2, LONG, schedule, parent=1)
    figure = rates_figure(view_of(short, long), long)
    assert (">0.001<" in figure.wide.body, ">0.05<" in figure.wide.body) == ticks
    for drawing in (figure.wide, figure.narrow):
        assert "warm-up ends" in drawing.body
        assert "trained on" in drawing.body
    assert figure.message.startswith(f"Trial 2: {schedule} after a warm-up of 1 epoch, as it was recorded.")
    assert figure.table.rows == tuple(zip("12345", ("0.1", "0.1", "0.1", "0.01", "0.001"), strict=True))


def test_peaks_far_apart_need_a_log_axis():
    low = dataclasses.replace(SHORT, learning_rate=(1e-4, 1e-4), step_learning_rate=())
    near, far = trial(1, SHORT, "none"), trial(2, low, "none")
    view = view_of(near, far)
    assert "1e-4<" not in rates_figure(view, near).wide.body
    assert "1e-4<" in rates_figure(view, near, [far]).wide.body


@pytest.mark.parametrize("counts", [(), (0,), ("nan",), None, (math.inf,)])
def test_without_the_number_of_images_epochs_are_drawn(counts):
    long = trial(1, LONG, "CosineDecay")
    view = view_of(long, counts=counts)
    assert points_of(view, [long]) == ((1.0, 0.1), (2.0, 0.01), (3.0, 0.001))
    assert rates_figure(view, long) is not None


def test_where_no_rate_was_recorded_nothing_is_drawn():
    view = view_of(trial(1, LearningCurves(loss=(1.0,)), "none"))
    assert rates_figure(view, view.trials[1]) is None
    assert rates_figure(view, None) is None


def test_a_parent_that_is_missing_or_a_circle_does_not_hang_the_page():
    lost, circle = trial(1, LONG, "none", parent=7), trial(2, LONG, "none", parent=2)
    assert view_of(lost).way(lost) == [lost]
    assert view_of(lost, circle).way(circle) == [circle]
