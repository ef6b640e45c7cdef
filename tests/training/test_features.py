"""The features of a frozen backbone are computed once, and a stale file is never taken for a fresh one."""

import os
import re
import subprocess
import sys

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


def test_progress_shows_the_images_a_second_after_the_first_pass(trunk, tmp_path):
    heard = []

    class Ear(Silent):
        def advance(self, by=1, note=""):
            heard.append((by, note))

    images = np.zeros((130, 16, 16, 3), np.uint8)
    cached_features(tmp_path / "x.npy", images, trunk, Ear(), StopFlag())
    assert [by for by, _ in heard] == [64, 64, 2]
    assert heard[0][1] == ""  # it took part in compiling
    assert re.fullmatch(r"[1-9][\d,]* images/s", heard[-1][1])


def test_what_dead_processes_left_is_swept_after_a_day(trunk, images, tmp_path):
    old, fresh, other = tmp_path / ".train-a.tmp", tmp_path / ".train-b.tmp", tmp_path / "train-c.npy"
    for path in (old, fresh, other):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    os.utime(fresh)
    compute(tmp_path / "x.npy", images, trunk)
    assert {path.name for path in tmp_path.iterdir()} == {"x.npy", fresh.name, other.name}


def test_opening_features_does_not_import_keras():
    code = "import sys, tuner.training.features, tuner.training.known, tuner.training.views; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "jax"} & set(done.stdout.split())


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
    assert at_once((10_000, 224, 224, 3)) == 32
    assert at_once((10_000, 1024, 1024, 3)) == 4
    assert at_once((256, 224, 224, 3), 320) == 8
    assert at_once((2_000, 224, 224, 3), 2_500) == 32
