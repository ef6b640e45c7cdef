"""The classic networks train from raw pixels, grey or RGB, can be cut, and take any normalization."""

import keras
import numpy as np
import pytest

from tuner.models import BACKBONES, ModelError, Structure, WeightsError, build_classifier, cut_layer, split_at
from tuner.models.classic.parts import groups_of
from tuner.models.classic.resnet import build_small_resnet
from tuner.models.folding import folded
from tuner.models.inference import save_for_inference
from tuner.probes.depth import longest
from tuner.recipe import names

KINDS = {"batch": "BatchNormalization", "layer": "GroupNormalization", "group": "GroupNormalization"}


def kinds(model: keras.Model) -> set[str]:
    return {type(layer).__name__ for layer in model.layers if "Normalization" in type(layer).__name__}


@pytest.mark.parametrize("name", names.CLASSICS)
def test_they_take_grey_and_rgb_images_of_their_least_size_and_are_flat(name: str, photos) -> None:
    size = BACKBONES[name].min_size
    for channels in (1, 3) if name not in ("AlexNet", "ResNet34", "ResNet56", "PlainNet56") else (1,):
        model = BACKBONES[name].build((size, size, channels), "none")
        features = model(photos(size, channels, 2))
        assert bool(keras.ops.all(keras.ops.isfinite(features)))
        assert not any(isinstance(layer, keras.Model) for layer in model.layers)


@pytest.mark.parametrize("name", ["AlexNet", "GoogLeNet", "ResNet18", "PlainNet20"])
def test_nobody_has_imagenet_weights_for_them(name: str) -> None:
    with pytest.raises(WeightsError, match=rf"no ImageNet weights for {name}.*weights: none"):
        BACKBONES[name].build((67, 67, 3), "imagenet")


@pytest.mark.parametrize("normalization", names.NORMALIZATIONS)
def test_normalization_is_a_choice(normalization: str, photos) -> None:
    lenet = BACKBONES["LeNet5"].build((28, 28, 1), "none", normalization)
    small = build_small_resnet(8, True, (8, 8, 1), "none", normalization)
    wanted = {KINDS.get(normalization, "GroupNormalization")}
    assert kinds(lenet) == (set() if normalization in ("own", "none") else wanted)
    assert kinds(small) == (
        {"BatchNormalization"} if normalization == "own" else set() if normalization == "none" else wanted
    )
    assert lenet(photos(28, 1, 2)).shape == (2, 84)


def test_groups_divide_the_channels() -> None:
    assert [groups_of(channels) for channels in (6, 16, 64, 96, 256, 832)] == [1, 4, 16, 24, 32, 32]


@pytest.mark.parametrize(("normalization", "axes"), [("layer", (1, 2, 3)), ("instance", (1, 2))])
def test_what_is_normalized_over(normalization: str, axes, photos) -> None:
    """Mean 0 and deviation 1 over the axes that the paper's figure colours, image by image."""
    model = build_small_resnet(8, False, (8, 8, 3), "none", normalization)
    inner = keras.Model(model.inputs[0], model.get_layer("conv1_norm").output)
    values = np.asarray(keras.ops.convert_to_numpy(inner(photos(8, 3, 4))))
    np.testing.assert_allclose(values.mean(axes), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axes), 1, atol=1e-2)


def test_instance_norm_of_one_pixel_is_refused() -> None:
    with pytest.raises(ModelError, match=r"one pixel.*normalization: group"):
        BACKBONES["ResNet18"].build((28, 28, 1), "none", "instance")


def test_other_networks_keep_their_normalization() -> None:
    for name in ("MobileNetV3Small", "EfficientNetLite0"):
        with pytest.raises(ModelError, match=f"group is not for {name}.*normalization: own"):
            BACKBONES[name].build((32, 32, 3), "none", "group")


def test_shortcuts_of_small_networks_have_no_parameters_and_pass_the_image_on(photos) -> None:
    plain, residual = (build_small_resnet(8, skips, (8, 8, 3), "none", "own") for skips in (False, True))
    assert plain.count_params() == residual.count_params()
    assert (longest(plain), longest(residual) < 4) == (7, True)
    for layer in residual.layers:  # the last scale of each block at zero: nothing but the shortcuts is left
        if layer.name.endswith("_b_norm"):
            layer.gamma.assign(np.zeros(layer.gamma.shape, "float32"))
    inner = keras.Model(residual.inputs[0], residual.get_layer("conv1_relu").output)
    images = photos(8, 3, 2)
    stem, end = (np.asarray(keras.ops.convert_to_numpy(model(images))) for model in (inner, residual))
    np.testing.assert_array_equal(end[..., :16], stem[:, ::4, ::4])
    assert not end[..., 16:].any()


def test_they_can_be_cut_between_blocks_and_nowhere_inside(photos) -> None:
    model = build_small_resnet(14, True, (8, 8, 1), "none", "own")
    layer = cut_layer(model, "half")
    assert layer is not None
    assert layer.endswith("_relu")
    lower, upper = split_at(model, layer)
    images = photos(8, 1, 2)
    np.testing.assert_allclose(upper(lower(images)), model(images), atol=1e-5)
    with pytest.raises(ModelError, match="a connection goes around it"):
        split_at(model, "stage2_block1_a")


def test_batch_norm_folds_and_the_others_stay(photos) -> None:
    images = photos(8, 1, 2)
    for normalization in ("batch", "group"):
        model = build_small_resnet(8, True, (8, 8, 1), "none", normalization)
        found = folded(model)
        assert (found is model) == (normalization == "group")
        np.testing.assert_allclose(found(images, training=False), model(images, training=False), rtol=1e-3, atol=1e-4)


def test_the_recipe_says_the_normalization_and_freezing_leaves_the_others_alone(recipe) -> None:
    shape, structure = (28, 28, 1), Structure(trainable="all", freeze_batch_norm=True)
    batch, group = (
        build_classifier(recipe("LeNet5", weights=None, normalization=kind), 3, shape, structure, 0).backbone
        for kind in ("batch", "group")
    )
    assert not batch.get_layer("conv1_norm").trainable
    assert group.get_layer("conv1_norm").trainable


def test_a_small_residual_network_is_handed_over_whole(recipe, photos, tmp_path) -> None:
    classifier = build_classifier(recipe("ResNet20", weights=None), 3, (8, 8, 1), Structure(trainable="all"), 0)
    save_for_inference(classifier, tmp_path / "best.keras")
    images = photos(8, 1, 2)
    loaded = keras.models.load_model(tmp_path / "best.keras", safe_mode=True)
    wanted = keras.ops.softmax(classifier.model(images))
    np.testing.assert_allclose(loaded(images), wanted, atol=1e-5)
