import keras
import numpy as np
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.recipe.names import FULL_BATCH, OPTIMIZERS
from tuner.training.optimizers import OptimizerStart, make_optimizer, optimizer_class, optimizer_key
from tuner.training.trainee import Trainee
from tuner.training.variables import value_of

STEPPING = [name for name in OPTIMIZERS if name not in FULL_BATCH]


def head():
    inputs = keras.Input((5,))
    x = keras.layers.Dense(4, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(2))(x))


def batches(count=4):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(8, 5)).astype("float32"), rng.integers(0, 3, 8).astype("int32")) for _ in range(count)]


def trained(model, ones=True):
    for inputs, labels in batches():
        model.train_on_batch(inputs, labels, np.ones(8, "float32") if ones else None)
    return [value_of(v) for v in model.trainable_variables]


def ours(point):
    trainee = Trainee([head()])
    trainee.compile(make_optimizer(optimizer_key(point)), jit_compile=False)
    trainee.optimizer.build(trainee.trainable_variables)
    return trainee


def set_rates(trainee, rate, decay):
    trainee.optimizer.learning_rate = rate
    trainee.optimizer.weight_decay.assign(decay)


@pytest.mark.parametrize("name", STEPPING)
def test_rate_and_decay_in_variables_take_the_steps_of_the_stock_optimizer(name):
    point = Hyperparameters(optimizer=name)
    own = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.9}, "Muon": {"adam_weight_decay": 0.3}}
    stock = head()
    optimizer = optimizer_class(name)(learning_rate=0.01, weight_decay=0.3, **own.get(name, {}))
    optimizer.build(stock.trainable_variables)  # built while tracing, ScheduleFreeAdamW would lose its start
    stock.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    trainee = ours(point)
    set_rates(trainee, 0.01, 0.3)
    for theirs, mine in zip(trained(stock, ones=False), trained(trainee), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", STEPPING)
def test_an_optimizer_that_is_put_back_takes_the_same_steps_again(name):
    trainee = ours(Hyperparameters(optimizer=name, global_clipnorm=1.0))
    start = OptimizerStart.of(trainee.optimizer)
    first = [value_of(v) for v in trainee.trainable_variables]
    runs = []
    for rate in (0.01, 5.0, 0.01):
        for variable, value in zip(trainee.trainable_variables, first, strict=True):
            variable.assign(value)
        start.restore(trainee.optimizer, trainee.trainable_variables)
        set_rates(trainee, rate, 0.1)
        runs.append(trained(trainee))
    for before, after in zip(runs[0], runs[2], strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(ValueError, match="Did you mean AdamW"):
        optimizer_class("AdmaW")


def test_only_structural_arguments_are_in_the_key():
    here = Hyperparameters(optimizer="SGD", learning_rate=1.0, weight_decay=0.1)
    assert optimizer_key(here) == optimizer_key(Hyperparameters(optimizer="SGD"))
    assert optimizer_key(here) != optimizer_key(Hyperparameters(optimizer="SGD", momentum=0.5))
    adam = Hyperparameters(optimizer="Adam", momentum=0.5)
    assert optimizer_key(adam) == optimizer_key(Hyperparameters(optimizer="Adam", momentum=0.9))


def test_novograd_is_saved_and_loaded_with_its_moments(tmp_path):
    model = head()
    model.compile(optimizer_class("NovoGrad")(0.01, weight_decay=0.1), keras.losses.SparseCategoricalCrossentropy(True))
    trained(model, ones=False)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for mine, theirs in zip(trained(again, ones=False), trained(model, ones=False), strict=True):
        np.testing.assert_array_equal(mine, theirs)
