"""The moving average of the weights is what is validated and kept; training goes on from the weights themselves."""

import keras
import numpy as np
import pytest

from tuner.training import fit, predict
from tuner.training.averages import averaged
from tuner.training.checkpoints import read
from tuner.training.optimizers import make_optimizer, optimizer_key, set_numbers
from tuner.training.scores import loss_and_accuracy
from tuner.training.trainee import Trainee
from tuner.training.variables import value_of

EMA = 0.75


def test_the_average_is_that_of_the_formula(spec):
    point = spec(optimizer="SGD", ema_momentum=EMA).hyperparameters
    trainee = Trainee([keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])])
    trainee.compile(make_optimizer(optimizer_key(point)), jit_compile=False)
    trainee.optimizer.build(trainee.trainable_variables)
    set_numbers(trainee.optimizer, point)
    trainee.optimizer.learning_rate = 0.5
    rng = np.random.default_rng(0)
    average, steps = None, []
    for _ in range(5):
        x, y = rng.normal(size=(8, 5)).astype("float32"), rng.integers(0, 3, 8).astype("int32")
        trainee.train_on_batch(x, y, np.ones(8, "float32"))
        steps.append(value_of(trainee.trainable_variables[0]).astype(np.float64))
        average = steps[-1] if average is None else EMA * average + (1 - EMA) * steps[-1]
    with averaged(trainee.optimizer):
        np.testing.assert_allclose(value_of(trainee.trainable_variables[0]), average, atol=1e-6)
    np.testing.assert_array_equal(value_of(trainee.trainable_variables[0]), steps[-1])
    assert np.abs(average - steps[-1]).max() > 0.01


@pytest.fixture(scope="module")
def settings():
    """A trial whose weights still move when it ends."""
    return {"optimizer": "SGD", "learning_rate": 0.3, "ema_momentum": 0.9, "keep": True}


def test_validation_and_the_kept_weights_are_the_average(problem, run, spec, settings):
    trial, plain = fit(problem, run, spec(**settings)), fit(problem, run, spec(**settings | {"ema_momentum": None}))
    assert (trial.engine, plain.engine) == ("head", "heads")  # the bank of heads keeps no averages
    np.testing.assert_allclose(trial.curves.step_loss, plain.curves.step_loss, atol=1e-5)  # it trains on alike
    assert trial.curves.val_loss != pytest.approx(plain.curves.val_loss, abs=1e-3)
    validation = problem.dataset.validation
    found = loss_and_accuracy(predict(problem, run, trial, validation.images), validation.labels, from_logits=False)
    assert found[0] == pytest.approx(trial.val_loss, abs=1e-5)
    kept = read(run.weights_path(trial))
    assert np.abs(kept.best["head"][-2] - kept.last["head"][-2]).max() > 1e-3


def test_a_continued_trial_carries_the_average(problem, run, spec, settings):
    whole = fit(problem, run, spec(**settings, epochs=3))
    first = fit(problem, run, spec(**settings, epochs=2))
    rest = fit(problem, run, spec(**settings, epochs=1, parent=first.number, continued=True))
    assert first.curves.joined(rest.curves).val_loss == whole.curves.val_loss
