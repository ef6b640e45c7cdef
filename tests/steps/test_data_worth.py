"""Errors with a part of the training images, of heads and of whole trainings, and what is made of them."""

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import Outcome, TrialSpec
from tuner.search.more_data import DataCurve
from tuner.steps import data_worth
from tuner.steps.situation import situation
from tuner.training import fit
from tuner.training.less_data import errors_by_examples, most_examples

POINT = Hyperparameters(learning_rate=0.01, weight_decay=0.0)


@pytest.fixture
def best(make_problem, run):
    """A problem, and a trial of two epochs on it."""
    problem = make_problem()
    return problem, fit(problem, run, TrialSpec(POINT, 2, 0, "short_runs", 1, "head", keep=True))


def test_fewer_images_make_a_head_worse(best, run):
    problem, trial = best
    assert most_examples(problem, run, trial.spec) == 600
    errors = errors_by_examples(problem, run, trial.spec, (40, 150, 600))
    assert errors[0] > max(errors[1:])
    assert errors == errors_by_examples(problem, run, trial.spec, (40, 150, 600))


def test_a_network_from_random_weights_is_trained_on_fewer_images_for_as_many_steps(best, run):
    problem, trial = best
    curve = data_worth.measure(problem, run, situation(problem, run), trial, "learning_curves")
    assert curve is not None
    assert curve.examples == (150, 300, 600)
    assert [(t.spec.examples, t.spec.epochs) for t in run.trials[1:]] == [(150, 8), (300, 4)]
    assert curve.errors == tuple(1 - t.val_accuracy for t in (*run.trials[1:], trial))
    assert curve == data_worth.measure(problem, run, situation(problem, run), trial, "learning_curves")
    assert len(run.trials) == 3  # asked again, nothing is trained again


def test_it_is_left_out_where_trials_time_or_images_are_short(make_problem, run, best, monkeypatch):
    _, trial = best
    for problem in (make_problem(budget={"max_trials": 2}), best[0]):
        assert data_worth.measure(problem, run, situation(problem, run), trial, "change") is None
        monkeypatch.setattr(data_worth, "MOST_SECONDS", 0.0)
    assert len(run.trials) == 1


@pytest.mark.parametrize(("errors", "pays"), [((0.4, 0.28, 0.2), True), ((0.21, 0.2, 0.2), False)])
def test_the_note_says_whether_it_pays_and_asks_for_nothing_by_itself(errors, pays):
    verdict = data_worth.worth_of_data(DataCurve((100, 200, 400), errors, 2000))
    assert (verdict.name, verdict.outcome, verdict.changes) == ("more_data", Outcome.PASS, ())
    assert verdict.evidence["pays"] is pays
    assert ("hardly help" in verdict.sentence) is not pays
