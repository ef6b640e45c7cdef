"""Every remedy that this tool claims to apply is applied to a real network, which can then be built and trained."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from tuner.diagnosis import surgery
from tuner.diagnosis.remedies import APPLIERS, applied, remedies_of
from tuner.diagnosis.setups import CannotApply, loss_parts, make_loss, setup_of, targets_for
from tuner.diagnosis.training import Training
from tuner.records import Change, warned

RANDOM = np.random.default_rng(0)
X = (100 + 20 * RANDOM.normal(size=(64, 6))).astype("float32")
Y = RANDOM.integers(0, 3, 64)
PICTURES = RANDOM.normal(size=(16, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def setup():
    model = keras.Sequential(
        [
            keras.layers.Dense(8, activation="sigmoid", name="first", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(8, activation="sigmoid", name="second"),
            keras.layers.Dropout(0.5, name="drop"),
            keras.layers.Dense(3, activation="softmax", name="head"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    return setup_of(Training(model, X, Y, X[:16], Y[:16]))


@pytest.fixture(scope="module")
def pictures():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, padding="same"),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    return setup_of(Training(model, PICTURES, np.zeros((16, 8, 8, 2), "float32")))


def layer(setup, name):
    return next(layer for layer in setup.network.layers if layer.name == name)


def changed(setup, path, value):
    return applied(setup, (Change(path, value, "because"),))


def rates(setup):
    return [float(setup.optimizer[1]["learning_rate"](step)) for step in range(4)]


CHECKS = {
    "optimizer.learning_rate": ("÷4", lambda s: s.optimizer[1]["learning_rate"] == pytest.approx(2.5e-4)),
    "optimizer.name": ("SGD", lambda s: s.optimizer[0] is keras.optimizers.SGD),
    "optimizer.global_clipnorm": (1.0, lambda s: s.optimizer[1]["global_clipnorm"] == 1.0),
    "schedule.name": ("CosineDecay", lambda s: type(s.optimizer[1]["learning_rate"]).__name__ == "CosineDecay"),
    "schedule.warmup_epochs": (1.0, lambda s: rates(s) == pytest.approx([0.0, 5e-4, 1e-3, 1e-3])),
    "optimizer.weight_decay": (0.01, lambda s: s.optimizer[1]["weight_decay"] == 0.01),
    "loss.name": ("categorical_crossentropy", lambda s: s.y.shape == (64, 3) and s.val_y.shape == (16, 3)),
    "loss.from_logits": (True, lambda s: s.loss.get_config()["from_logits"]),
    "loss.label_smoothing": (0.1, lambda s: s.loss.get_config()["label_smoothing"] == 0.1 and s.y.shape == (64, 3)),
    "head.activation": ("linear", lambda s: layer(s, "head").activation is keras.activations.linear),
    "head.units": (5, lambda s: s.network.output_shape == (None, 5) and "head" in s.fresh),
    "head.kernel_initializer": ("zeros", lambda s: not layer(s, "head").get_weights()[0].any()),
    "model.head_initializer": ("zeros", lambda s: not layer(s, "head").get_weights()[0].any()),
    "model.dropout": (0.1, lambda s: layer(s, "drop").rate == 0.1),
    "model.units": ("x4", lambda s: layer(s, "second").units == 32 and layer(s, "head").units == 3),
    "model.head_units": ([7], lambda s: any(getattr(one, "units", 0) == 7 for one in s.network.layers)),
    "layers.kernel_initializer": ("zeros", lambda s: not layer(s, "second").get_weights()[0].any()),
    "layers.trainable": (False, lambda s: not any(one.trainable for one in s.network.layers if one.weights)),
    "layers.batch_normalization.momentum": (0.9, lambda s: layer(s, "norm").momentum == 0.9),
    "layers.add_batch_normalization": (
        True,
        lambda s: sum(type(one).__name__ == "BatchNormalization" for one in s.network.layers) == 3,
    ),
    "layers.add_skip_connections": (True, lambda s: any(type(one).__name__ == "Add" for one in s.network.layers)),
    "regularization.l2": ("÷100", lambda s: float(layer(s, "first").kernel_regularizer.l2) == pytest.approx(1e-4)),
    "data.batch_size": (16, lambda s: s.batch_size == 16),
    "data.class_weight": ("balanced", lambda s: sum(s.class_weight[y] for y in Y.tolist()) == pytest.approx(64)),
    "data.drop_non_finite": (True, lambda s: len(s.x) == 63),
    "data.scale_inputs": ("standardize", lambda s: np.allclose(s.x[1:].std(axis=0), 1, atol=0.1)),
    "data.scale_targets": ("standardize", lambda s: s.y.std() == pytest.approx(1, abs=1e-3) and not s.same_loss),
}
OF_PICTURES = {"augmentation": [["RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1}]]}
OF_PICTURES |= {"layers.add_flatten": True}


def test_every_remedy_of_the_table_is_tested():
    assert set(CHECKS) | set(OF_PICTURES) | {"head.axis", "schedule.length"} == set(APPLIERS)


def test_a_schedule_that_there_is_gets_another_length():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 2)), "sparse_categorical_crossentropy"
    )
    scheduled = setup_of(Training(model, X, Y))
    kind, settings = changed(scheduled, "schedule.length", 6).optimizer
    rate = settings["learning_rate"]
    assert (rate.decay_steps, rate.initial_learning_rate) == (6, pytest.approx(0.1))
    assert kind.from_config(dict(settings)).get_config()["learning_rate"]["config"]["decay_steps"] == 6


def test_a_constant_rate_has_no_length(setup):
    with pytest.raises(CannotApply, match="no schedule"):
        changed(setup, "schedule.length", 6)


def test_a_penalty_is_put_on_every_kernel_where_it_is_to_be_larger(setup):
    found = changed(setup, "regularization.l2", 1e-3)
    kernels = [layer(found, name).kernel_regularizer for name in ("first", "second", "head")]
    assert [float(one.l2) for one in kernels] == pytest.approx([1e-3] * 3)
    assert not found.same_loss


def test_the_axis_of_the_last_softmax_is_changed(setup):
    inputs = keras.Input((6,))
    across = keras.layers.Softmax(axis=0)(keras.layers.Dense(3)(keras.layers.BatchNormalization()(inputs)))
    found = changed(replace(setup, network=keras.Model(inputs, across)), "head.axis", -1)
    assert [one.axis for one in found.network.layers if type(one).__name__ == "Softmax"] == [-1]
    with pytest.raises(CannotApply, match="no softmax layer"):
        changed(setup, "head.axis", -1)


@pytest.mark.parametrize("path", CHECKS)
def test_a_remedy_changes_what_it_says_and_leaves_the_run_as_it_was_alone(setup, path):
    value, holds = CHECKS[path]
    if path == "data.drop_non_finite":
        x = X.copy()
        x[0, 0] = np.nan
        setup = replace(setup, x=x)
    before = [weight.copy() for weight in setup.network.get_weights()]
    found = changed(setup, path, value)
    assert holds(found)
    assert found.network(found.x[:2]).shape[0] == 2
    assert all(np.array_equal(a, b) for a, b in zip(before, setup.network.get_weights(), strict=True))


@pytest.mark.parametrize("path", OF_PICTURES)
def test_remedies_for_pictures(pictures, path):
    found = changed(pictures, path, OF_PICTURES[path])
    assert found.network(PICTURES[:2]).shape == ((2, 8, 8, 2) if path == "augmentation" else (2, 2))


def test_one_layer_is_changed_by_its_name(setup):
    assert layer(changed(setup, "layers.first.activation", "relu"), "first").activation is keras.activations.relu
    assert not layer(changed(setup, "layers.first.trainable", False), "first").trainable
    assert changed(setup, "layers.second.kernel_initializer", "he_normal").fresh == {"second"}
    assert "drop" not in [one.name for one in changed(setup, "layers.drop", "remove").network.layers]
    assert layer(changed(setup, "layers.drop.rate", 0.0), "drop").rate == 0.0


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("data.labels", "look", "a person has to look"),
        ("steps.change.epochs", 40, "longer than a duel"),
        ("training.early_stopping", 5, "only in a whole run"),
        ("schedule.name", "step", "a constant rate can be made a cosine"),
        ("layers.third.activation", "relu", "no layer 'third'"),
        ("loss.name", "sum_of_all_fears", "no loss 'sum_of_all_fears'"),
        ("optimizer.name", "gradient", "no optimizer 'gradient'"),
        ("augmentation", OF_PICTURES["augmentation"], "no pictures"),
        ("something.else", 1, "change it by hand"),
    ],
)
def test_what_cannot_be_applied_is_said_with_path_and_reason(setup, path, value, said):
    with pytest.raises(CannotApply, match=f"{path} = .*{said}"):
        changed(setup, path, value)


def test_the_activation_behind_the_head_is_the_heads(setup):
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), keras.layers.Softmax()])
    copy = surgery.with_head_activation(keras.Model(network.inputs[0], network.outputs[0]), "linear")
    assert [type(one).__name__ for one in copy.layers] == ["InputLayer", "Dense", "Activation"]


def test_the_same_change_to_several_layers_is_one_remedy_and_a_heads_changes_belong_together():
    first, second = (Change(f"layers.{name}.activation", "relu", "why") for name in "ab")
    other = Change("optimizer.learning_rate", 0.1, "why")
    assert remedies_of(warned("dead_relu", "Dead.", other, first, second)) == [(other,), (first, second)]
    loss, units = Change("loss.name", "mse", "why"), Change("head.units", 1, "why")
    assert remedies_of(warned("head_loss_mismatch", "No.", loss, units)) == [(loss, units)]


def test_losses_are_known_by_all_their_names():
    for given in ("mse", "MeanSquaredError", keras.losses.MeanSquaredError(), keras.losses.mean_squared_error):
        assert loss_parts(given)[0] == "mean_squared_error"
    logits = loss_parts(keras.losses.BinaryCrossentropy(from_logits=True))[1]
    assert make_loss("bce", logits).get_config()["from_logits"]
    with pytest.raises(CannotApply, match="none of Keras's"):
        loss_parts(lambda y, p: p)
    assert targets_for("sparse_categorical_crossentropy", np.eye(3), 3).tolist() == [0, 1, 2]
