"""The features of a frozen backbone are computed once, and a stale file is never taken for a fresh one."""

import keras
import numpy as np
import pytest

from tuner.interrupts import Interrupted, StopFlag
from tuner.progress import Silent
from tuner.training import fit
from tuner.training.features import Trunk, at_once, cached_features, digest_of, features_file
from tuner.training.variables import value_of


@pytest.fixture
def trunk():
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(5, 3, kernel_initializer=keras.initializers.GlorotUniform(3))(images)
    x = keras.layers.BatchNormalization()(x)
    backbone = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))
    return Trunk(backbone, digest_of(backbone, {"backbone": "tiny"}))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (11, 16, 16, 3)).astype(np.uint8)


def compute(path, images, trunk, stop=None):
    return cached_features(path, images, trunk, Silent(), stop or StopFlag())


def test_features_are_those_of_the_backbone_in_inference_mode(trunk, images, tmp_path):
    found = compute(tmp_path / "f" / "x.npy", images, trunk)
    direct = keras.ops.convert_to_numpy(trunk.backbone(images.astype("float32"), training=False))
    np.testing.assert_allclose(found, direct, rtol=1e-5, atol=1e-5)
    assert found.dtype == np.float32
    assert not found.flags.writeable


def test_what_is_on_disk_is_not_computed_again(trunk, images, tmp_path):
    path = tmp_path / "x.npy"
    compute(path, images, trunk)
    written = path.stat().st_mtime_ns
    other = Trunk(keras.Sequential([keras.Input((16, 16, 3)), keras.layers.GlobalAveragePooling2D()]), "")
    other.backbone.predict_on_batch = None  # would fail
    assert other.width == 3
    compute(path, images, trunk)
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"nothing of the kind"])
def test_a_damaged_file_is_computed_again(trunk, images, tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    assert compute(path, images, trunk).shape == (11, 5)


def test_a_cut_off_file_is_computed_again(trunk, images, tmp_path):
    path = tmp_path / "x.npy"
    whole = np.array(compute(path, images, trunk))
    path.write_bytes(path.read_bytes()[:-8])
    np.testing.assert_array_equal(compute(path, images, trunk), whole)


def test_an_interrupted_extraction_leaves_nothing(trunk, images, tmp_path):
    stop = StopFlag()
    stop.signal_number = 2
    with pytest.raises(Interrupted):
        compute(tmp_path / "f" / "x.npy", images, trunk, stop)
    assert list((tmp_path / "f").iterdir()) == []


def test_the_name_depends_on_data_split_and_weights(trunk, tmp_path):
    backbone = trunk.backbone
    names = {
        features_file(tmp_path, "a", "train", trunk),
        features_file(tmp_path, "b", "train", trunk),
        features_file(tmp_path, "a", "validation", trunk),
        features_file(tmp_path, "a", "train", Trunk(backbone, digest_of(backbone, {"pooling": "max"}))),
    }
    variable = backbone.weights[0]
    variable.assign(value_of(variable) + 1e-6)
    names.add(features_file(tmp_path, "a", "train", Trunk(backbone, digest_of(backbone, {"backbone": "tiny"}))))
    assert len(names) == 5


def test_two_backbones_with_random_weights_have_features_of_their_own(make_problem, run, spec):
    problem = make_problem(train=30)
    before = len(list(problem.cache.glob("features/*")))
    fit(problem, run, spec(seed=21, epochs=1))
    fit(problem, run, spec(seed=22, epochs=1))
    fit(problem, run, spec(seed=21, epochs=1, learning_rate=0.5))
    assert len(list(problem.cache.glob("features/*"))) == before + 4  # two seeds, two splits


def test_a_forward_pass_has_one_size_for_all_splits_and_is_bounded_by_its_pixels():
    assert at_once((10_000, 64, 64, 3)) == at_once((10, 64, 64, 3)) == 64
    assert at_once((10_000, 16, 16, 3)) == 64
    assert at_once((10_000, 224, 224, 3)) == 16
