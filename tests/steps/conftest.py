"""Small real problems for the steps: scikit-learn's digits (8x8, ten classes) on models that train in a second."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tuner import recipe as recipes
from tuner.data.dataset import Dataset, Problem, Split
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.store import Store

SMALL_NETS = '''
import keras
from keras import layers


def backbone(input_shape):
    """A plain feature: the pixels."""
    images = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255.0)(images)
    return keras.Model(images, layers.Dense(64, activation="relu")(layers.Flatten()(x)))


def loud(input_shape):
    """Features of a large norm, as some pretrained backbones have."""
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Rescaling(1 / 10.0)(layers.Flatten()(images)))


def probabilities(input_shape, num_classes):
    """A whole classifier that ends in a softmax."""
    images = keras.Input(input_shape)
    x = layers.Flatten()(layers.Rescaling(1 / 255.0)(images))
    return keras.Model(images, layers.Dense(num_classes, activation="softmax")(x))


def scores(input_shape, num_classes):
    """A whole classifier that ends in scores."""
    images = keras.Input(input_shape)
    x = layers.Flatten()(layers.Rescaling(1 / 255.0)(images))
    return keras.Model(images, layers.Dense(num_classes)(x))


def weightless(input_shape, num_classes):
    """A whole classifier without a weight: ten pixels are the scores."""
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Flatten()(layers.Cropping2D(((0, 3), (0, 6)))(images)))


def blind(input_shape, num_classes):
    """A classifier whose images never reach the output."""
    images = keras.Input(input_shape)
    x = layers.Flatten()(layers.Rescaling(0.0)(images))
    return keras.Model(images, layers.Dense(num_classes)(x))
'''


def digits() -> Dataset:
    """600 training images, 100 for validation, 100 for the test; 0..255, one channel."""
    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))[:800]
    images = np.rint(found.images[order, :, :, None] * 255 / 16).astype(np.uint8)
    labels = found.target[order].astype(np.int64)
    parts = [Split(images[rows], labels[rows]) for rows in (slice(600), slice(600, 700), slice(700, 800))]
    return Dataset("digits", "digits-800", parts[0], parts[1], tuple("0123456789"), {}, parts[2])


@pytest.fixture
def make_problem(tmp_path: Path) -> Callable[..., Problem]:
    """Digits on one of `SMALL_NETS`; `sections` go into the recipe."""

    def make(net: str = "backbone", **sections: object) -> Problem:
        (tmp_path / "small_nets.py").write_text(SMALL_NETS)
        text = {
            "version": 1,
            "name": "small",
            "data": {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale"},
            "model": {"backbone": f"python:small_nets:{net}"},
            **sections,
        }
        path = tmp_path / "small.yaml"
        path.write_text(json.dumps(text))
        return Problem(recipes.load(path), digits(), tmp_path / "cache")

    return make


@pytest.fixture
def new_run(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes new, empty runs."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store.create(tmp_path / "reports", "small", {}, "", {}, Silent(), StopFlag()))
        return opened[-1]

    yield make
    for run in opened:
        run.close()


@pytest.fixture
def run(new_run: Callable[[], Store]) -> Store:
    """A new, empty run."""
    return new_run()
