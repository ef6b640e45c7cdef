"""Real features: the pixels of scikit-learn's digits, and a wide random map of them with more features than images."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tuner.heads.threads import one_thread


class Features(NamedTuple):
    """Training and validation features with their labels."""

    train: np.ndarray
    labels: np.ndarray
    val: np.ndarray
    val_labels: np.ndarray


@pytest.fixture(autouse=True)
def one_thread_each() -> Iterator[None]:
    """For scikit-learn's sake: threads that wait for each other take many times as long on a busy machine."""
    with one_thread():
        yield


@pytest.fixture(scope="session")
def pixels() -> Features:
    """600 + 300 images, 64 features, all of them non-negative and far from centered."""
    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    x, y = (found.data[order] / 16).astype(np.float32), found.target[order].astype(np.int64)
    return Features(x[:600], y[:600], x[600:900], y[600:900])


@pytest.fixture(scope="session")
def wide(pixels: Features) -> Features:
    """120 + 300 images, 200 features: a random layer on the pixels."""
    layer = np.random.default_rng(1).normal(size=(64, 200)).astype(np.float32)
    train, val = (np.maximum(x @ layer, 0) for x in (pixels.train[:120], pixels.val))
    return Features(train, pixels.labels[:120], val, pixels.val_labels)
