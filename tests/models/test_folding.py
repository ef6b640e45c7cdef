"""Batch norm folds into the layer before it without a change of what is seen, and never where it would change."""

import keras
import numpy as np
import pytest
from keras import layers

from tuner.models import BACKBONES
from tuner.models.calls import Network
from tuner.models.folding import TOLERANCE, agrees, can_fold, folded, in_bfloat16
from tuner.models.head import pool


def shake(model: keras.Model) -> keras.Model:
    """Batch norms that have seen data: new ones are the identity, and folding nothing would go unnoticed."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0.0, 0.5, size))
            layer.moving_variance.assign(rng.uniform(0.3, 3.0, size))
            for variable in layer.trainable_weights:
                variable.assign(rng.uniform(0.5, 1.5, size))
    return model


def norms(network: Network) -> int:
    return sum(isinstance(operation, layers.BatchNormalization) for operation in network.operations)


def backbone(name: str, weights: str = "none") -> keras.Model:
    size = max(64, BACKBONES[name].min_size)
    model = BACKBONES[name].build((size, size, 3), weights)
    return keras.Model(model.inputs[0], pool(model.outputs[0], "avg"))


def tiny(*parts: keras.layers.Layer) -> keras.Model:
    images = x = keras.Input((8, 8, 3))
    for part in (layers.Rescaling(1 / 255), *parts):
        x = part(x)
    return shake(keras.Model(images, x))


def difference(one: keras.Model, other: Network, photos) -> float:
    images = photos(one.input_shape[1], count=3)
    first, second = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (one, other))
    return float(np.abs(first - second).max() / np.abs(first).max())


@pytest.mark.parametrize(
    ("name", "left"),
    [
        *(
            ("MobileNet", 0),
            ("MobileNetV2", 0),
            ("MobileNetV3Small", 0),
            ("EfficientNetB0", 0),
            ("EfficientNetV2B0", 0),
        ),
        *(("ResNet50", 0), ("ResNet50V2", 17), ("DenseNet121", 62), ("Xception", 0), ("InceptionV3", 0)),
        *(("InceptionResNetV2", 0), ("NASNetMobile", 4)),
    ],
)
def test_a_folded_network_of_every_family_sees_the_same_features(name, left, photos) -> None:
    plain = shake(backbone(name))
    copy = folded(plain, compare=False)
    assert norms(plain) > norms(copy) == left
    assert difference(plain, copy, photos) < TOLERANCE


def test_efficientnet_lite_with_its_weights_is_folded_wholly(photos) -> None:
    plain = backbone("EfficientNetLite0", "imagenet")
    copy = folded(plain)
    assert (norms(plain), norms(copy)) == (49, 0)
    assert difference(plain, copy, photos) < TOLERANCE


def test_where_nothing_can_be_folded_the_model_itself_comes_back() -> None:
    model = backbone("VGG16")
    assert folded(model) is model
    assert not can_fold(model)


@pytest.mark.parametrize(
    "parts",
    [
        (layers.Conv2D(4, 3), layers.BatchNormalization()),
        (layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(scale=False)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), layers.BatchNormalization(center=False)),
        (layers.SeparableConv2D(4, 3, depth_multiplier=2), layers.BatchNormalization()),
        (layers.GlobalAveragePooling2D(), layers.Dense(5), layers.BatchNormalization()),
        (layers.Reshape((64, 3)), layers.Conv1D(4, 3), layers.BatchNormalization()),
        (layers.Reshape((8, 8, 3, 1)), layers.Conv3D(4, 2), layers.BatchNormalization()),
    ],
    ids=lambda parts: " ".join(type(part).__name__ for part in parts),
)
def test_every_linear_layer_takes_over_its_norm(parts, photos) -> None:
    plain = tiny(*parts)
    for variable in plain.layers[-2].weights:  # a bias starts at zero, which any scale leaves as it is
        variable.assign(np.random.default_rng(1).normal(0.1, 1.0, variable.shape))
    copy = folded(plain)
    assert norms(copy) == 0
    assert difference(plain, copy, photos) < TOLERANCE


def test_a_norm_stays_where_folding_would_change_what_is_seen() -> None:
    convolution, norm = layers.Conv2D(4, 1), layers.BatchNormalization()
    images = keras.Input((8, 8, 3))
    x = convolution(images)
    read_twice = keras.Model(images, layers.Add()([norm(x), x]))
    shared_norm = keras.Model(images, norm(norm(layers.Conv2D(4, 1)(images))))
    read_outside = keras.Model(images, [norm(x), x])
    bent = tiny(layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization())
    across = tiny(layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(axis=1))
    between = tiny(layers.Conv2D(4, 3), layers.ReLU(), layers.BatchNormalization())
    before = tiny(layers.BatchNormalization(), layers.ReLU(), layers.Conv2D(4, 3))  # as in DenseNet
    for model in (read_twice, shared_norm, read_outside, bent, across, between, before):
        assert folded(model) is model


def test_what_other_models_do_with_the_layers_does_not_count(photos) -> None:
    plain = tiny(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Conv2D(4, 3), layers.BatchNormalization())
    keras.Model(plain.layers[3].output, plain.output)  # as a cut makes: its layers are called once more
    again = keras.Input((8, 8, 3))
    keras.Model(again, plain.layers[2](again))
    copy = folded(plain)
    assert norms(copy) == 0
    assert difference(plain, copy, photos) < TOLERANCE


def test_a_layer_of_somebody_elses_or_in_half_precision_is_not_copied() -> None:
    class Own(layers.Layer):
        def call(self, inputs):
            return inputs + 1.0

    assert not can_fold(tiny(layers.Conv2D(4, 3), layers.BatchNormalization(), Own()))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert not can_fold(tiny(layers.Conv2D(4, 3), layers.BatchNormalization()))
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_copy_that_sees_something_else_is_refused() -> None:
    plain = tiny(layers.Conv2D(4, 3), layers.BatchNormalization())
    assert agrees(plain, folded(plain))
    norm = plain.layers[-1]
    right = folded(plain)
    norm.beta.assign(norm.beta.value + 0.01)
    assert not agrees(plain, right)
    norm.moving_variance.assign(np.full(4, np.nan))
    assert folded(plain) is plain  # what cannot be compared is not used


def test_what_the_backbone_learns_later_is_not_seen(photos) -> None:
    plain = shake(backbone("MobileNetV2"))
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in plain.weights]
    copy, images = folded(plain), photos(64)
    first = keras.ops.convert_to_numpy(copy(images))
    for old, new in zip(before, plain.weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))
    for variable in plain.weights:
        variable.assign(np.zeros(variable.shape))
    np.testing.assert_array_equal(first, keras.ops.convert_to_numpy(copy(images)))


def test_bfloat16_is_for_networks_without_depthwise_convolutions(photos) -> None:
    assert in_bfloat16(shake(backbone("MobileNetV2"))) is None
    plain = tiny(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D())
    copy = in_bfloat16(plain)
    assert copy is not None
    images = photos(8)
    found, wanted = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (copy, plain))
    assert found.dtype == np.float32
    assert 1e-5 < np.abs(found - wanted).max() / np.abs(wanted).max() < 2e-2
