"""On what is trained? Fifteen small tasks that need no network, each split three ways, eight of them held out.

Held out means: no threshold was ever chosen by looking at a run of these tasks. The first list was written before the
first run; `FRESH` was added when the thresholds stood, because by then the rates of the others had been read many
times. `rates` are found by a sweep (`python -m benchmarks.diagnosis.collect --rates`), the same way for all tasks.

Source: scikit-learn's tables and generators; Fashion-MNIST (Debian's dataset-fashion-mnist), averaged to 14 x 14.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

FRESH = ("swiss", "hastie", "phase")
HELD_OUT = ("fashion", "moons", "blobs", "friedman", "tokens", *FRESH)
FASHION = Path("/usr/share/datasets/fashion-mnist")
SPLIT_SEED = 11
MOST_TRAIN = 1000  # examples; each run has to take a second


@dataclass(frozen=True)
class Task:
    """A data set as it is before any scaling, and the network that suits it.

    `train`, `val`, `test` are pairs (x, y): x (N, ...) floats or token numbers, y (N,) class numbers, or floats.
    """

    name: str
    train: tuple[np.ndarray, np.ndarray]
    val: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: int  # 0 for a regression
    network: str  # mlp | cnn | conv1d | lstm
    units: tuple[int, ...]
    epochs: int
    nonlinear: bool  # whether a linear model is clearly worse
    vocabulary: int = 0  # of token numbers

    @property
    def held_out(self) -> bool:
        """Whether no threshold may be chosen by it."""
        return self.name in HELD_OUT


def _fashion() -> tuple[np.ndarray, np.ndarray]:
    """3,000 images of the test file, 14 x 14 x 1, values 0 to 255."""
    with gzip.open(FASHION / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:3000]
    with gzip.open(FASHION / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)[:3000]
    return images.reshape(-1, 14, 2, 14, 2).mean((2, 4))[..., None], labels.astype(int)


def _waves() -> tuple[np.ndarray, np.ndarray]:
    """Sine, square and sawtooth of any phase and of three to five periods, in noise: (1500, 48, 1)."""
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 3, 1500)
    phase = rng.random((1500, 1)) + rng.uniform(3, 5, (1500, 1)) * np.linspace(0, 1, 48)
    sine = np.sin(2 * np.pi * phase)
    saw = 2 * (phase % 1) - 1
    clean = np.choose(kind[:, None], [sine, np.sign(sine), saw])
    return (clean + rng.normal(0, 0.45, clean.shape))[..., None], kind


def _tokens() -> tuple[np.ndarray, np.ndarray]:
    """Which of three marker words comes first in a sentence of 16 out of 40 words? One label in twenty is wrong."""
    rng = np.random.default_rng(5)
    words = rng.integers(3, 40, (1800, 16))
    order = np.argsort(rng.random((1800, 3)), axis=1)
    places = np.sort(np.argsort(rng.random((1800, 16)), axis=1)[:, :3], axis=1)
    np.put_along_axis(words, places, order, axis=1)
    labels = order[:, 0].copy()
    wrong = rng.random(1800) < 0.05
    labels[wrong] = rng.integers(0, 3, wrong.sum())
    return words, labels


def _blobs() -> tuple[np.ndarray, np.ndarray]:
    """Six clusters in ten dimensions that overlap."""
    return datasets.make_blobs(1600, 10, centers=6, cluster_std=6.0, random_state=4)[:2]


def _swiss() -> tuple[np.ndarray, np.ndarray]:
    """Which quarter of a rolled-up sheet, in three dimensions? One label in thirty is wrong."""
    points, along = datasets.make_swiss_roll(1600, noise=0.6, random_state=7)
    labels = np.digitize(along, np.quantile(along, (0.25, 0.5, 0.75)))
    rng = np.random.default_rng(7)
    wrong = rng.random(1600) < 1 / 30
    labels[wrong] = rng.integers(0, 4, wrong.sum())
    return points, labels


def _hastie() -> tuple[np.ndarray, np.ndarray]:
    """Whether a point in ten dimensions lies far out: class numbers 0 and 1."""
    points, sign = datasets.make_hastie_10_2(1800, random_state=5)
    return points, (sign > 0).astype(int)


def _digits(images: bool) -> tuple[np.ndarray, np.ndarray]:
    bunch = datasets.load_digits()
    return (bunch.images[..., None] if images else bunch.data), bunch.target


def _table(loader: Callable[[], Any]) -> tuple[np.ndarray, np.ndarray]:
    bunch = loader()
    return bunch.data, bunch.target


# name -> source, classes, network, units, epochs, nonlinear
_TASKS: dict[str, tuple[Callable[[], tuple[np.ndarray, np.ndarray]], int, str, tuple[int, ...], int, bool]] = {
    "digits": (lambda: _digits(False), 10, "mlp", (64,), 30, False),
    "digits_cnn": (lambda: _digits(True), 10, "cnn", (8, 16), 20, False),
    "wine": (lambda: _table(datasets.load_wine), 3, "mlp", (32,), 40, False),
    "breast_cancer": (lambda: _table(datasets.load_breast_cancer), 2, "mlp", (32,), 30, False),
    "diabetes": (lambda: _table(datasets.load_diabetes), 0, "mlp", (32,), 30, False),
    "circles": (lambda: datasets.make_circles(1500, noise=0.12, factor=0.5, random_state=2), 2, "mlp", (32,), 40, True),
    "waves": (_waves, 3, "conv1d", (16, 16), 20, True),
    "fashion": (_fashion, 10, "cnn", (8, 16), 20, False),
    "moons": (lambda: datasets.make_moons(1500, noise=0.22, random_state=1), 2, "mlp", (32, 16), 40, True),
    "blobs": (_blobs, 6, "mlp", (48,), 25, False),
    "friedman": (lambda: datasets.make_friedman1(1500, noise=1.0, random_state=6), 0, "mlp", (64,), 40, True),
    "tokens": (_tokens, 3, "lstm", (16,), 20, True),
    "swiss": (_swiss, 4, "mlp", (48,), 40, True),
    "hastie": (_hastie, 2, "mlp", (64,), 30, True),
    "phase": (lambda: datasets.make_friedman3(1500, noise=0.1, random_state=7), 0, "mlp", (48,), 40, True),
}
NAMES = tuple(_TASKS)


@lru_cache(maxsize=2)
def load(name: str) -> Task:
    """A task, split 60 to 20 to 20 with a fixed seed, at most 1,000 examples to train on and 400 in either other."""
    source, classes, network, units, epochs, nonlinear = _TASKS[name]
    x, y = source()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    first, second = int(0.6 * len(x)), int(0.8 * len(x))
    x = x.astype(np.int32 if network == "lstm" else np.float32)
    y = y.astype(np.float32 if classes == 0 else np.int32)
    parts = (order[:first][:MOST_TRAIN], order[first:second][:400], order[second:][:400])
    train, val, test = ((x[part], y[part]) for part in parts)
    words = int(x.max()) + 1 if network == "lstm" else 0
    return Task(name, train, val, test, classes, network, units, epochs, nonlinear, words)
