import inspect
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.models import BACKBONES, ModelError, WeightsError, find_backbone
from tuner.models.applications import _second_division
from tuner.models.backbones import check_size
from tuner.models.pixels import CENTERED_BGR, IMAGENET_MEAN, IMAGENET_STD, STANDARDIZED, SYMMETRIC, enter

CONSTRUCTORS = {n: f for n, f in vars(keras.applications).items() if inspect.isfunction(f)}


def test_every_application_of_keras_is_in_the_table() -> None:
    assert {name for name, backbone in BACKBONES.items() if backbone.weights == "keras"} == set(CONSTRUCTORS)


def test_the_recipe_knows_the_same_backbones() -> None:
    from tuner.recipe import names

    assert set(BACKBONES) == set(names.BACKBONES)


def test_an_unknown_backbone_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(ModelError, match=r"no backbone 'efficientnetlite'.*EfficientNetLite0"):
        find_backbone("efficientnetlite")


def test_images_that_are_too_small_or_of_other_channels_are_refused_with_the_law() -> None:
    with pytest.raises(ModelError, match=r"Xception takes images of at least 71 x 71 pixels, these are 64 x 96"):
        check_size(BACKBONES["Xception"], (64, 96, 3))
    with pytest.raises(ModelError, match="4 channels"):
        check_size(BACKBONES["LeNet5"], (32, 32, 4))


@pytest.mark.parametrize(
    ("constructor", "pixels"),
    [("ResNet50", CENTERED_BGR), ("DenseNet121", STANDARDIZED), ("MobileNetV2", SYMMETRIC), ("VGG16", CENTERED_BGR)],
)
def test_preprocessing_is_that_of_the_backbones_own_module(constructor, pixels, photos) -> None:
    images = photos(8)
    wanted = sys.modules[CONSTRUCTORS[constructor].__module__].preprocess_input(images.copy())
    got = keras.Model(*enter((8, 8, 3), pixels)).predict(images, verbose=0)
    np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_every_row_preprocesses_exactly_where_keras_has_not() -> None:
    """The table's preprocessing, row by row, is the `mode` that stands in the module's `preprocess_input`."""
    ours = {CENTERED_BGR: "caffe", STANDARDIZED: "torch", SYMMETRIC: "tf", None: None}
    for name, function in CONSTRUCTORS.items():
        source = inspect.getsource(sys.modules[function.__module__].preprocess_input)
        mode = next((m for m in ("caffe", "torch", "tf") if f'mode="{m}"' in source), None)
        closure = inspect.getclosurevars(BACKBONES[name].build).nonlocals
        assert ours[closure["pixels"]] == mode, name


@pytest.mark.parametrize(("name", "channels"), [("MobileNetV3Small", 3), ("MobileNet", 1)])
def test_a_backbone_takes_grey_and_rgb_images_and_is_flat(name, channels, photos) -> None:
    model = BACKBONES[name].build((32, 32, channels), "none")
    assert model.predict(photos(32, channels, 2), verbose=0).shape[:1] == (2,)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)


def test_grey_images_are_seen_as_the_same_grey_in_rgb(photos) -> None:
    grey, rgb = enter((8, 8, 1), STANDARDIZED), enter((8, 8, 3), STANDARDIZED)
    images = photos(8, 1)
    np.testing.assert_array_equal(
        keras.Model(*grey).predict(images, verbose=0),
        keras.Model(*rgb).predict(np.repeat(images, 3, axis=-1), verbose=0),
    )


def test_a_download_that_fails_says_what_else_can_be_done(monkeypatch, tmp_path) -> None:
    from keras.src.applications import mobilenet

    def unreachable(*_args, **_kwargs):
        raise Exception("URL fetch failure on https://example.org: None -- [Errno -2] Name or service not known")

    monkeypatch.setattr(mobilenet.file_utils, "get_file", unreachable)
    with pytest.raises(WeightsError, match=r"MobileNet could not be downloaded.*weights: none.*EfficientNetLite0"):
        BACKBONES["MobileNet"].build((32, 32, 3), "imagenet")


def test_a_bug_while_building_is_not_taken_for_a_failed_download(monkeypatch) -> None:
    from keras.src.applications import mobilenet

    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(mobilenet.file_utils, "get_file", broken)
    with pytest.raises(ZeroDivisionError):
        BACKBONES["MobileNet"].build((32, 32, 3), "imagenet")


def test_weights_come_back_from_a_file(tmp_path: Path) -> None:
    first = BACKBONES["LeNet5"].build((28, 28, 1), "none")
    first.save_weights(tmp_path / "a.weights.h5")
    second = BACKBONES["LeNet5"].build((28, 28, 1), str(tmp_path / "a.weights.h5"))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_are_missing_or_belong_elsewhere_are_refused_by_name(tmp_path: Path) -> None:
    build = BACKBONES["LeNet5"].build
    with pytest.raises(WeightsError, match=r"no file .*b.weights.h5"):
        build((28, 28, 1), str(tmp_path / "b.weights.h5"))
    with pytest.raises(WeightsError, match=r"neither imagenet, none, nor a file"):
        build((28, 28, 1), "imagnet")
    (tmp_path / "c.weights.h5").write_bytes(b"not HDF5")
    with pytest.raises(WeightsError, match=r"c.weights.h5 does not fit lenet5"):
        build((28, 28, 1), str(tmp_path / "c.weights.h5"))
    build((28, 28, 1), "none").save_weights(tmp_path / "d.weights.h5")
    with pytest.raises(WeightsError, match=r"d.weights.h5 does not fit lenet5"):
        build((64, 64, 1), str(tmp_path / "d.weights.h5"))


def test_efficientnet_weights_from_a_file_see_the_pixels_that_a_download_sees(photos) -> None:
    images = keras.Input((4, 4, 3))
    normalization = keras.layers.Normalization()
    model = keras.Model(images, normalization(keras.layers.Rescaling(1 / 255)(images)))
    std = np.array(IMAGENET_STD)
    normalization.set_weights([np.array(IMAGENET_MEAN), std**2, np.array(0)])
    normalization.finalize_state()
    _second_division("EfficientNetB0", model)
    wanted = (photos(4) / 255 - IMAGENET_MEAN) / std / np.sqrt(std)
    np.testing.assert_allclose(model.predict(photos(4), verbose=0), wanted, rtol=1e-4, atol=1e-5)
    before = normalization.get_weights()[1]
    _second_division("EfficientNetB0", model)  # only ImageNet's own deviations are changed
    np.testing.assert_array_equal(normalization.get_weights()[1], before)
