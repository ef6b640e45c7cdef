"""What the steps and the end of a run ask for besides trials."""

import keras
import numpy as np
import pytest

from tuner.store import StoreError
from tuner.training import export, fit, fit_many, initial_losses, predict, trace_count

SETTINGS = pytest.mark.parametrize("settings", [{}, {"trainable": "all"}], ids=["head", "net"])


@SETTINGS
def test_an_untrained_model_is_near_chance_and_the_penalty_comes_on_top(problem, spec, settings):
    point = spec(**settings).hyperparameters
    plain = initial_losses(problem, point, seed=0, examples=20)
    assert plain.data_loss == plain.total_loss == pytest.approx(np.log(3), abs=0.5)
    penalized = initial_losses(problem, spec(l2=0.1, **settings).hyperparameters, seed=0, examples=20)
    assert penalized.data_loss == plain.data_loss
    assert penalized.total_loss > plain.total_loss
    doubled = initial_losses(problem, spec(l2=0.2, **settings).hyperparameters, seed=0, examples=20)
    gained = penalized.total_loss - penalized.data_loss
    assert doubled.total_loss - doubled.data_loss == pytest.approx(2 * gained, rel=1e-5)


@SETTINGS
def test_an_untrained_head_of_zeros_is_exactly_at_chance(problem, spec, settings):
    point = spec(head_initializer="zeros", **settings).hyperparameters
    assert initial_losses(problem, point, 0, 20).data_loss == pytest.approx(np.log(3), rel=1e-6)


@SETTINGS
def test_measuring_the_start_neither_learns_nor_traces(problem, run, new_run, spec, settings):
    asked = spec(epochs=1, **settings)
    alone = fit(problem, run, asked).curves
    traced = trace_count()
    first, second = (initial_losses(problem, asked.hyperparameters, seed=0, examples=30) for _ in range(2))
    assert first == second
    assert trace_count() == traced
    assert fit(problem, new_run(), asked).curves == alone


def test_the_seeds_start_differently(problem, spec):
    found = {initial_losses(problem, spec().hyperparameters, seed, 16).data_loss for seed in range(3)}
    assert len(found) == 3


@SETTINGS
def test_predictions_are_probabilities_that_give_the_recorded_accuracy(problem, run, spec, settings):
    trial = fit(problem, run, spec(epochs=4, keep=True, **settings))
    images, labels = problem.dataset.validation.images, problem.dataset.validation.labels
    found = predict(problem, run, trial, images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    assert (found.argmax(axis=1) == labels).mean() == trial.val_accuracy
    np.testing.assert_allclose(predict(problem, run, trial, images.copy()), found, atol=1e-5)


def test_images_that_are_no_split_can_be_predicted_one_by_one(problem, run, spec):
    trial = fit(problem, run, spec(epochs=1, keep=True))
    images = problem.dataset.sealed_test.images
    together = predict(problem, run, trial, images)
    np.testing.assert_allclose(predict(problem, run, trial, images[:1]), together[:1], atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "settings"), [("backbone", {}), ("backbone", {"trainable": "all"}), ("classifier", {})]
)
def test_the_exported_model_says_what_predict_says(make_problem, run, spec, tmp_path, backbone, settings):
    problem = make_problem(backbone=backbone)
    trial = fit(problem, run, spec(epochs=3, keep=True, dropout=0.2, **settings))
    export(problem, run, trial, tmp_path / "best.keras")
    model = keras.saving.load_model(tmp_path / "best.keras", safe_mode=True)
    images = problem.dataset.validation.images
    exported = model.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(exported, predict(problem, run, trial, images), atol=1e-5)


def test_without_kept_weights_there_is_nothing_to_predict_with(problem, run, spec, tmp_path):
    trial = fit(problem, run, spec(epochs=1))
    with pytest.raises(StoreError):
        predict(problem, run, trial, problem.dataset.validation.images)
    with pytest.raises(StoreError):
        export(problem, run, trial, tmp_path / "best.keras")


def test_trials_are_numbered_alike_whichever_of_them_a_resumed_run_already_had(problem, new_run, spec):
    asked = [spec(epochs=1, optimizer=name, seed=seed) for seed in (0, 1) for name in ("SGD", "Nadam")]
    whole, resumed = new_run(), new_run()
    fit_many(problem, whole, asked)
    fit(problem, resumed, whole.trials[0].spec)
    fit_many(problem, resumed, asked)
    assert [trial.spec for trial in resumed.trials] == [trial.spec for trial in whole.trials]
    assert [trial.curves for trial in resumed.trials] == [trial.curves for trial in whole.trials]
