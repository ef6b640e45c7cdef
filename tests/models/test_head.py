import keras
import numpy as np
import pytest

from tuner.models import RateDropout, Structure, build_classifier, head_kernels, set_dropout
from tuner.models.head import build_head, pool

ONES = np.ones((64, 100), "float32")


def test_dropout_keeps_the_mean_and_drops_at_its_rate() -> None:
    out = keras.ops.convert_to_numpy(RateDropout(0.25, seed=1)(ONES, training=True))
    assert set(np.unique(out)) == {0.0, np.float32(1 / 0.75)}
    assert np.mean(out == 0) == pytest.approx(0.25, abs=0.02)
    assert out.mean() == pytest.approx(1.0, abs=0.03)


def test_dropout_does_nothing_in_inference_and_nothing_at_rate_zero() -> None:
    np.testing.assert_array_equal(RateDropout(0.9)(ONES, training=False), ONES)
    np.testing.assert_array_equal(RateDropout(0.0)(ONES, training=True), ONES)


def test_the_same_seed_gives_the_same_masks_and_each_call_another() -> None:
    first, second = RateDropout(0.5, seed=3), RateDropout(0.5, seed=3)
    a, b = (keras.ops.convert_to_numpy(layer(ONES, training=True)) for layer in (first, second))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, first(ONES, training=True))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, float("nan")])
def test_a_rate_outside_0_to_1_is_refused(rate) -> None:
    with pytest.raises(ValueError, match="dropout rate"):
        RateDropout(rate)
    with pytest.raises(ValueError, match="dropout rate"):
        RateDropout(0.0).set_rate(rate)


def test_the_rate_changes_between_steps_of_one_trace() -> None:
    traces = []

    class Counting(keras.layers.Layer):
        def call(self, x):
            traces.append(1)
            return x

    inputs = keras.Input((100,))
    dropout = RateDropout(0.0)
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(dropout(Counting()(inputs))))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    for _ in range(3):  # JAX traces twice until the optimizer's variables have settled
        still = model.train_on_batch(ONES, np.zeros((64, 1)))
    before = len(traces)
    dropout.set_rate(0.5)
    shaken = model.train_on_batch(ONES, np.zeros((64, 1)))
    assert len(traces) == before
    assert still != pytest.approx(shaken)


def test_dropout_survives_saving_with_the_rate_in_force(tmp_path) -> None:
    inputs = keras.Input((100,))
    layer = RateDropout(0.1, seed=5)
    model = keras.Model(inputs, layer(inputs))
    layer.set_rate(0.5)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    rates = [float(keras.ops.convert_to_numpy(v)) for v in again.variables if v.name == "rate"]
    assert rates == [0.5]


def test_a_head_is_hidden_layers_then_dropout_then_float32_logits() -> None:
    head = build_head(8, 3, (5, 4), "zeros", 0.2)
    assert [layer.name for layer in head.layers] == ["features", "hidden1", "hidden2", "dropout", "logits"]
    np.testing.assert_array_equal(head.predict(ONES[:2, :8], verbose=0), np.zeros((2, 3)))  # zeros: knows nothing
    assert keras.ops.convert_to_numpy(head.get_layer("hidden1").kernel).std() > 0  # only the last kernel is zeros


def test_pooling_is_the_one_asked_for_and_features_pass_through(photos) -> None:
    images = photos(8)
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        inputs = keras.Input((8, 8, 3))
        pooled = keras.Model(inputs, pool(inputs, pooling)).predict(images, verbose=0)
        np.testing.assert_allclose(pooled, reduce(images, axis=(1, 2)), rtol=1e-5)
    features = keras.Input((5,))
    assert pool(features, "avg") is features


def test_logits_are_float32_under_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        head = build_head(8, 3, (), "glorot_uniform", 0.0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert head.outputs[0].dtype == "float32"


def test_head_kernels_are_those_of_the_head_alone_and_set_dropout_reaches_it(recipe) -> None:
    structure = Structure(head_units=(6,))
    classifier = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), structure, 0)
    assert [tuple(kernel.shape) for kernel in head_kernels(classifier)] == [(84, 6), (6, 3)]
    set_dropout(classifier, 0.5)
    assert float(keras.ops.convert_to_numpy(classifier.head.get_layer("dropout").rate)) == 0.5
