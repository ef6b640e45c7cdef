"""Features that are on disk are found without Keras, under the name that the backbone's weights give them, or not."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner import models
from tuner.recipe import load
from tuner.training import families, known
from tuner.training.known import KnownTrunk, backend_name, known_trunk, remember
from tuner.training.views import split_features

PLAIN = models.Structure()


@pytest.fixture
def lenet(make_problem, tmp_path):
    """The smallest of the built-in backbones on grey 28-pixel images."""

    def make(weights="none", **sections):
        found = make_problem(backbone=":LeNet5", **sections)
        text = json.loads(found.recipe.path.read_text())
        text["model"]["weights"] = weights
        path = tmp_path / "lenet.yaml"
        path.write_text(json.dumps(text))
        splits = {
            name: replace(split, images=grey(split.images))
            for name, split in (("train", found.dataset.train), ("validation", found.dataset.validation))
        }
        return replace(found, recipe=load(path), dataset=replace(found.dataset, **splits), cache=tmp_path / "cache")

    return make


def grey(images):
    return np.ascontiguousarray(np.pad(images.mean(axis=-1).astype(np.uint8), ((0, 0), (6, 6), (6, 6)))[..., None])


def test_what_was_computed_is_known(lenet, run) -> None:
    task = lenet()
    assert known_trunk(task, 7) is None
    found = split_features(task, run, 7, PLAIN, "train")
    trunk = families.trunk_of(task, PLAIN, 7)
    assert known_trunk(task, 7) == KnownTrunk(trunk.digest, 84)
    assert known_trunk(task, 8) is None  # other random weights
    assert found.shape == (50, 84)


def test_the_features_are_read_without_keras(lenet, run, tmp_path) -> None:
    task = lenet()
    for split in ("train", "validation"):
        split_features(task, run, 7, PLAIN, split)
    np.savez(tmp_path / "images.npz", train=task.dataset.train.images, validation=task.dataset.validation.images)
    code = """
import sys
from pathlib import Path
import numpy as np
from tuner import recipe as recipes
from tuner.data import Dataset, Problem, Split
from tuner.interrupts import StopFlag
from tuner.models.structure import Structure
from tuner.progress import Silent
from tuner.training.views import split_features
folder = Path(sys.argv[1])
images = np.load(folder / "images.npz")
train, validation = (Split(images[name], np.zeros(len(images[name]), int)) for name in ("train", "validation"))
dataset = Dataset("tiny", "50", train, validation, tuple("abc"), {}, validation)
problem = Problem(recipes.load(folder / "lenet.yaml"), dataset, folder / "cache")
for split in ("train", "validation"):
    print(float(np.abs(split_features(problem, None, 7, Structure(), split)).sum()))
assert not {"keras", "tensorflow", "jax"} & set(sys.modules), "Keras was imported"
"""
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    sums = [float(np.abs(split_features(task, run, 7, PLAIN, split)).sum()) for split in ("train", "validation")]
    np.testing.assert_allclose([float(line) for line in done.stdout.split()], sums, rtol=1e-6)


def test_a_mirror_image_is_a_view_of_its_own(lenet, run) -> None:
    task = lenet()
    plain, flipped = (split_features(task, run, 7, PLAIN, "train", view) for view in ("plain", "flipped"))
    trunk = families.trunk_of(task, PLAIN, 7)
    wanted = trunk.features(np.ascontiguousarray(task.dataset.train.images[:, :, ::-1]))
    np.testing.assert_allclose(flipped, wanted, rtol=1e-5, atol=1e-5)
    assert np.abs(flipped - plain).max() > 0.01
    assert not flipped.flags.writeable
    assert split_features(task, run, 7, PLAIN, "train", "flipped").filename == flipped.filename
    with pytest.raises(ValueError, match="plain, flipped"):
        split_features(task, run, 7, PLAIN, "train", "upside down")


def test_only_what_decides_the_features_names_them(lenet, monkeypatch) -> None:
    remember(lenet(), 7, KnownTrunk("digest", 84))
    same = (
        {"loss": {"label_smoothing": 0.1}},
        {"regularization": {"l2": 0.1}},
        {"runtime": {"jit_compile": False}},
        {"optimizer": {"name": "SGD"}},
    )
    for sections in same:
        assert known_trunk(lenet(**sections), 7) == KnownTrunk("digest", 84), sections
    assert known_trunk(lenet(runtime={"exact": True}), 7) is None
    assert known_trunk(lenet(runtime={"precision": "mixed_bfloat16"}), 7) is None
    with monkeypatch.context() as patch:
        patch.setattr(known, "version", lambda package: "0.0.1")
        assert known_trunk(lenet(), 7) is None
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert known_trunk(lenet(), 7) is None


def test_another_weights_file_is_another_backbone(lenet, run, tmp_path) -> None:
    network = models.BACKBONES["LeNet5"].build((28, 28, 1), "none")
    file = tmp_path / "own.weights.h5"
    network.save_weights(file)
    task = lenet(weights=str(file))
    first = np.array(split_features(task, run, 7, PLAIN, "train"))
    assert known_trunk(task, 8) == known_trunk(task, 7) is not None  # no seed has a say
    for variable in network.weights:
        variable.assign(np.random.default_rng(0).normal(0, 0.1, variable.shape))
    network.save_weights(file)
    os.utime(file, ns=(0, 0))
    families.clear()
    assert known_trunk(task, 7) is None
    assert np.abs(split_features(task, run, 7, PLAIN, "train") - first).max() > 1e-3
    file.unlink()
    assert known_trunk(task, 7) is None


def test_a_users_own_model_is_never_known(make_problem, run) -> None:
    task = make_problem()
    split_features(task, run, 7, PLAIN, "train")
    remember(task, 7, KnownTrunk("digest", 8))
    assert known_trunk(task, 7) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"digest": 1, "width": "many"}', "\x00"])
def test_a_damaged_file_is_no_answer_and_is_written_again(lenet, content) -> None:
    task = lenet()
    remember(task, 7, KnownTrunk("digest", 84))
    (file,) = (task.cache / "features" / "known").iterdir()
    file.write_text(content)
    assert known_trunk(task, 7) is None
    remember(task, 7, KnownTrunk("digest", 84))
    assert known_trunk(task, 7) == KnownTrunk("digest", 84)


def test_the_backend_is_the_one_that_keras_has(monkeypatch, tmp_path) -> None:
    assert backend_name() == keras.backend.backend()
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backend_name() == "tensorflow"
    Path(tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert backend_name() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert backend_name() == "torch"
