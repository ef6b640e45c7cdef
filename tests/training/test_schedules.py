import math

import keras
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.training.schedules import PLATEAU_PATIENCE, SCHEDULES, plateau, ramp_rate, rate_at
from tuner.training.variables import value_of

STEPS = 40


def rates(name, total=STEPS, per_epoch=10, **settings):
    point = Hyperparameters(learning_rate=0.5, schedule=name, **settings)
    return [rate_at(point, step, total, per_epoch) for step in range(total)]


@pytest.mark.parametrize(
    ("name", "alpha", "theirs"),
    [
        ("CosineDecay", 0.0, keras.optimizers.schedules.CosineDecay(0.5, STEPS)),
        ("CosineDecay", 0.1, keras.optimizers.schedules.CosineDecay(0.5, STEPS, alpha=0.1)),
        ("CosineDecayRestarts", 0.1, keras.optimizers.schedules.CosineDecayRestarts(0.5, STEPS / 7, alpha=0.1)),
        ("ExponentialDecay", 0.05, keras.optimizers.schedules.ExponentialDecay(0.5, STEPS, 0.05)),
        ("InverseTimeDecay", 0.05, keras.optimizers.schedules.InverseTimeDecay(0.5, STEPS, 19.0)),
        ("PolynomialDecay", 0.1, keras.optimizers.schedules.PolynomialDecay(0.5, STEPS, 0.05)),
        ("LinearDecay", 0.0, keras.optimizers.schedules.PolynomialDecay(0.5, STEPS, 0.0)),
        (
            "PiecewiseConstantDecay",
            0.0,
            keras.optimizers.schedules.PiecewiseConstantDecay([19, 29], [0.5, 0.05, 0.005]),
        ),
    ],
)
def test_a_schedule_has_the_values_of_keras(name, alpha, theirs):
    ours = rates(name, alpha=alpha)
    assert ours == pytest.approx([float(theirs(step)) for step in range(STEPS)], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_stays_between_zero_and_the_peak(name):
    assert all(0 < rate <= 0.5 for rate in rates(name, total=1000))


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"none", "PiecewiseConstantDecay", "ReduceLROnPlateau"}))
def test_every_decay_ends_at_alpha(name):
    assert SCHEDULES[name](1.0, 0.05) == pytest.approx(0.05)


def test_warm_up_is_linear_and_the_decay_begins_at_the_peak():
    found = rates("CosineDecay", warmup_epochs=0.5)
    assert found[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert found[5] == 0.5
    assert found[6] < 0.5


def test_a_warm_up_longer_than_the_run_never_divides_by_zero():
    assert rates("CosineDecay", total=4, warmup_epochs=3.0)[-1] == 0.5


def test_the_plateau_factor_is_that_of_keras():
    losses = [1.0, 0.9, 0.9, 0.95, 0.91, 0.92, 0.93, 0.94, 0.5, 0.6]
    layer = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    theirs = keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=PLATEAU_PATIENCE, min_delta=1e-4)
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        rate = float(value_of(model.optimizer.learning_rate))
        assert plateau(losses[: epoch + 1]) == pytest.approx(rate, rel=1e-4)


def test_a_plateau_never_goes_below_alpha():
    point = Hyperparameters(learning_rate=1.0, schedule="ReduceLROnPlateau", alpha=0.05)
    assert rate_at(point, 3, 10, 1, [1.0] * 50) == 0.05


def test_nan_losses_are_no_improvement():
    assert plateau([1.0] + [math.nan] * PLATEAU_PATIENCE) == pytest.approx(0.1)


def test_a_ramp_grows_by_a_constant_ratio_from_the_first_rate_towards_the_second():
    found = [ramp_rate(1e-7, 10, step, 100) for step in range(101)]
    assert found[0] == 1e-7
    assert found[-1] == pytest.approx(10)
    assert found[50] / found[49] == pytest.approx(found[1] / found[0])
