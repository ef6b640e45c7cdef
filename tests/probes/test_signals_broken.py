"""A planted fault of signals is named, and its remedy goes the right way."""

import keras
import numpy as np
import pytest
import signal_models as signals
from keras import layers

from tuner.probes import (
    activations,
    depth,
    gradients,
    initialisation,
    mismatch,
    rate,
    unchanged,
    update_ratio,
    variance,
)
from tuner.records import Outcome
from tuner.symptoms import Context

X, Y = signals.digits()
normal, constant = keras.initializers.RandomNormal, keras.initializers.Constant


@pytest.mark.parametrize(("optimizer", "too_high"), [("SGD", 10.0), ("Adam", 1.0)])
def test_a_rate_that_is_too_high_loses_against_a_lower_one(optimizer: str, too_high: float) -> None:
    made = getattr(keras.optimizers, optimizer)(too_high)
    (verdict,) = signals.said(signals.trained(signals.dense(), made, X, Y, epochs=4), rate)
    assert verdict.name == "lr_too_high"
    assert verdict.confidence is not None
    assert verdict.confidence >= 0.7
    assert verdict.changes[0].value < too_high / 5


@pytest.mark.parametrize(("optimizer", "too_low"), [("SGD", 1e-5), ("Adam", 1e-6)])
def test_a_rate_that_is_too_low_loses_against_a_higher_one(optimizer: str, too_low: float) -> None:
    made = getattr(keras.optimizers, optimizer)(too_low)
    found = signals.said(signals.trained(signals.dense(), made, X, Y, epochs=2), rate, update_ratio)
    assert [verdict.name for verdict in found] == ["lr_too_low", "lr_too_low"]
    assert all(verdict.changes[0].value > 5 * too_low for verdict in found)


def test_a_loss_that_was_lost_is_nan_and_the_rate_is_its_cause() -> None:
    y = X[:, :1] + X[:, 20:21]
    model = keras.Sequential([keras.Input((64,)), layers.Dense(32, "relu"), layers.Dense(1)])
    subject = signals.trained(model, keras.optimizers.SGD(50.0), X, y, "mse", 2)
    assert {"nan_or_inf", "lr_too_high"} <= signals.names(subject, gradients, rate)


def test_a_rate_of_zero_and_frozen_layers_change_nothing() -> None:
    still = signals.trained(signals.dense(), keras.optimizers.SGD(0.0), X, Y, epochs=1)
    model = signals.dense()
    for layer in model.layers:
        layer.trainable = False
    model.compile("sgd", signals.SPARSE)
    for subject in (still, signals.Subject(model, X, Y)):
        (verdict,) = signals.said(subject, unchanged)
        assert (verdict.name, verdict.outcome) == ("unchanged_weights", Outcome.FAIL)
        assert verdict.changes


@pytest.mark.parametrize("initializer", ["zeros", "ones"])
def test_units_that_start_alike_stay_one_unit(initializer: str) -> None:
    (verdict,) = signals.said(
        signals.fresh(signals.dense(kernel_initializer=initializer), "adam", X, Y), initialisation
    )
    assert (verdict.name, verdict.outcome) == ("bad_init", Outcome.FAIL)
    assert verdict.changes[0].path.endswith("kernel_initializer")


@pytest.mark.parametrize("size", [1.0, 1e-4])
def test_weights_far_from_their_layer_s_size_are_named_before_training(size: float) -> None:
    model = signals.dense(5, kernel_initializer=normal(stddev=size))
    found = signals.said(signals.fresh(model, keras.optimizers.SGD(0.01), X, Y), initialisation, variance)
    assert [verdict.name for verdict in found] == ["bad_init", "bad_init"]


def test_gradients_vanish_through_ten_sigmoids() -> None:
    subject = signals.trained(signals.dense(10, "sigmoid"), "adam", X, Y, epochs=3)
    (verdict,) = signals.said(subject, gradients)
    assert verdict.name == "vanishing_gradient"
    assert verdict.changes[0].path.endswith(".activation")
    assert verdict.changes[0].value == "relu"


def test_units_that_never_answer_are_dead_where_nothing_was_learned() -> None:
    subject = signals.trained(signals.dense(bias_initializer=constant(-10.0)), "sgd", X, Y, epochs=2)
    (verdict,) = signals.said(subject, activations)
    assert verdict.name == "dead_relu"
    assert any(change.value == "leaky_relu" for change in verdict.changes)


def test_tanh_under_huge_weights_is_saturated() -> None:
    model = signals.dense(2, "tanh", kernel_initializer=normal(stddev=5.0))
    (verdict,) = signals.said(signals.fresh(model, "sgd", X, Y), activations)
    assert verdict.name == "saturated"


def test_moving_averages_that_have_not_arrived_are_told_from_dropout() -> None:
    keras.utils.set_random_seed(0)
    body = (layers.Dense(64), layers.BatchNormalization(momentum=0.9999), layers.ReLU(), layers.Dropout(0.3))
    model = keras.Sequential([keras.Input((64,)), *body, layers.Dense(10, "softmax")])
    (verdict,) = signals.said(signals.trained(model, "adam", 50 * X, Y, epochs=5), mismatch)
    assert verdict.name == "train_eval_mismatch"
    assert verdict.evidence["moving"] > verdict.evidence["sample"]


@pytest.mark.parametrize(
    ("momentum", "steps", "outcome"),
    [(0.99, 350, Outcome.PASS), (0.99, 2000, Outcome.WARN), (0.9999, 200, Outcome.PASS), (0.9999, 350, Outcome.WARN)],
)
def test_averages_of_a_short_run_are_a_note(momentum: float, steps: int, outcome: Outcome) -> None:
    evidence = mismatch.Mismatch(2.1, 0.24, 2.3, momentum, steps, ("norm",), 32)
    assert [v.outcome for v in mismatch.judge(evidence, Context())] == [outcome]


def test_a_deep_plain_network_that_did_not_learn_is_offered_a_way_around() -> None:
    subject = signals.trained(signals.dense(20), keras.optimizers.SGD(0.01), X, Y, epochs=1)
    (verdict,) = signals.said(subject, depth)
    assert verdict.name in ("vanishing_gradient", "underfit")
    assert verdict.changes[0].path == "layers.add_skip_connections"


def test_sums_around_the_layers_end_a_row() -> None:
    inputs = keras.Input((8,))
    x = layers.Dense(8)(inputs)
    for _ in range(20):
        x = layers.Add()([x, layers.Dense(8, "relu")(x)])
    assert depth.longest(keras.Model(inputs, x)) < 3
    plain = keras.Sequential([keras.Input((8,)), *(layers.Dense(8) for _ in range(20))])
    assert depth.longest(plain) == 20


def test_a_kernel_that_the_loss_does_not_reach_is_unmoved() -> None:
    inputs = keras.Input((64,))
    stopped = layers.Lambda(keras.ops.stop_gradient)(layers.Dense(32, "relu", name="cut")(inputs))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(stopped))
    found = signals.said(signals.fresh(model, "adam", X, Y), unchanged)
    assert [verdict.name for verdict in found] == ["unchanged_weights"]
    assert found[0].evidence["layers"] == ("cut",)


def test_a_model_that_cannot_take_its_data_is_left_to_others() -> None:
    model = signals.dense()
    model.compile("sgd", signals.SPARSE)
    assert signals.said(signals.Subject(model, np.zeros((40, 3), "float32"), np.zeros(40, int), trained=False)) == []
    assert signals.said(signals.Subject(model, None, None)) == []


def test_a_small_hidden_layer_that_is_frozen_as_it_was_drawn_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(400, 6)).astype("float32")
    y = ((x[:, 0] * x[:, 1] > 0) ^ (x[:, 2] > 0)).astype(int)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(20, "relu", name="frozen", trainable=False), layers.Dense(2, "softmax")]
    )
    subject = signals.trained(model, keras.optimizers.Adam(0.01), x, y, signals.SPARSE, 5)
    (verdict,) = signals.said(subject, unchanged)
    assert verdict.name == "unchanged_weights"
    assert [(change.path, change.value) for change in verdict.changes] == [("layers.frozen.trainable", True)]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="another backend has no tf.Variable")
@pytest.mark.parametrize("tracked", [False, True])
def test_a_variable_that_keras_does_not_know_is_named(tracked: bool) -> None:
    import tensorflow as tf

    class Shifted(layers.Layer):
        def build(self, shape):
            drawn = tf.zeros((shape[-1],))
            self.shift = self.add_weight(shape=(shape[-1],)) if tracked else tf.Variable(drawn, name="shift")

        def call(self, x):
            return x + self.shift

    model = keras.Sequential([keras.Input((64,)), Shifted(name="own"), layers.Dense(10, "softmax")])
    found = signals.said(signals.fresh(model, "adam", X, np.random.default_rng(0).integers(0, 10, len(X))), unchanged)
    assert found == []  # untrained: nothing is known of what it does
    subject = signals.trained(model, keras.optimizers.Adam(1e-4), X, Y, epochs=1)
    found = signals.said(subject, unchanged)
    assert [verdict.evidence["variables"] for verdict in found] == ([] if tracked else [("own.shift",)])
