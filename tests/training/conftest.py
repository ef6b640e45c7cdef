"""Tiny problems and real stores for the tests of training."""

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tuner import recipe as recipes
from tuner.data import Dataset, Problem, Split
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import TrialSpec
from tuner.store import Store

CLASSES = 3
SIZE = 16  # pixels

TINY_NETS = '''
import keras
from keras import layers


def backbone(input_shape):
    """Convolution, batch norm, dropout: all that can go wrong between training and inference."""
    images = x = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, -1.0)(x)
    for place, width in enumerate((6, 8)):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name=f"conv{place}")(x)
        x = layers.BatchNormalization(name=f"norm{place}")(x)
        x = layers.ReLU()(x)
    x = layers.SpatialDropout2D(0.2)(x)
    return keras.Model(images, x)


def classifier(input_shape, num_classes):
    """A whole classifier that ends in probabilities."""
    images = x = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(num_classes, activation="softmax")(x))
'''


def split(seed: int, count: int) -> Split:
    """Noise with a bright stripe whose place tells the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    rng.shuffle(labels)
    images = rng.integers(0, 120, (count, SIZE, SIZE, 3))
    for image, label in zip(images, labels, strict=True):
        image[4 * label + 1 : 4 * label + 5] += 90
    return Split(images.astype(np.uint8), labels.astype(np.int64))


@pytest.fixture(scope="session", autouse=True)
def what_stays() -> None:
    """What the imports made is no garbage: looking through it took 0.2 s whenever compiled models were forgotten."""
    import tuner.training.families  # noqa: F401

    gc.freeze()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny networks, recipes and features are: one for all tests, so that they share compiled models."""
    path = tmp_path_factory.mktemp("tiny")
    (path / "tiny_nets.py").write_text(TINY_NETS)
    return path


@pytest.fixture
def make_problem(folder: Path) -> Callable[..., Problem]:
    """A problem with `train` training images on a tiny backbone; `sections` go into its recipe."""

    def make(train: int = 50, backbone: str = "backbone", **sections: object) -> Problem:
        model = {"backbone": f"python:tiny_nets:{backbone}"} if ":" not in backbone else {"backbone": backbone[1:]}
        data = {"source": "digits", "image_size": [SIZE, SIZE], **dict(sections.pop("data", {}))}  # type: ignore[call-overload]
        text = {"version": 1, "name": "tiny", "data": data, "model": model, **sections}
        path = folder / "tiny.yaml"
        path.write_text(json.dumps(text))
        parts = [split(seed, count) for seed, count in ((1, train), (2, 20), (3, 20))]
        names = tuple("abc")
        dataset = Dataset("tiny", f"{train}", parts[0], parts[1], names, {}, parts[2])
        return Problem(recipes.load(path), dataset, folder / "cache")

    return make


@pytest.fixture
def problem(make_problem: Callable[..., Problem]) -> Problem:
    """The tiny problem with 50 training images: at batch size 8, the last batch is not full."""
    return make_problem()


@pytest.fixture
def new_run(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes new, empty runs."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store.create(tmp_path / "reports", "tiny", {}, "", {}, Silent(), StopFlag()))
        return opened[-1]

    yield make
    for run in opened:
        run.close()


@pytest.fixture
def run(new_run: Callable[[], Store]) -> Store:
    """A new, empty run."""
    return new_run()


@pytest.fixture
def spec() -> Callable[..., TrialSpec]:
    """Makes specs; what is no field of a spec is a hyperparameter."""
    fields = set(TrialSpec.__dataclass_fields__)

    def make(**settings: object) -> TrialSpec:
        point = {"batch_size": 8, "learning_rate": 0.01} | {k: v for k, v in settings.items() if k not in fields}
        ours = {"epochs": 2, "seed": 0, "step": "test"} | {k: v for k, v in settings.items() if k in fields}
        return TrialSpec(hyperparameters=Hyperparameters(**point), **ours)  # type: ignore[arg-type]

    return make
