"""Small models on seeded data, healthy and broken, for the tests of the probes on signals."""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from tuner.probes import (
    activations,
    depth,
    gradients,
    initialisation,
    mismatch,
    rate,
    unchanged,
    update_ratio,
    variance,
)
from tuner.probes.subject import Subject
from tuner.records import Verdict, to_json
from tuner.symptoms import Context

SIGNALS = (initialisation, variance, rate, update_ratio, unchanged, gradients, activations, mismatch, depth)
SPARSE = "sparse_categorical_crossentropy"


def digits(images: bool = False) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """1,280 digits in [0, 1], flat or as images."""
    data = load_digits()
    x = (data.data / 16).astype("float32")[:1280]
    return (x.reshape(-1, 8, 8, 1) if images else x), data.target[:1280]


def dense(hidden: int = 2, activation: str = "relu", width: int = 32, **initializers: object) -> keras.Model:
    """A dense classifier of the digits."""
    keras.utils.set_random_seed(0)
    body = [layers.Dense(width, activation, **initializers) for _ in range(hidden)]
    return keras.Sequential([keras.Input((64,)), *body, layers.Dense(10, "softmax")])


def weights_of(model: keras.Model) -> tuple[NDArray[np.float32], ...]:
    """Copies of all weights."""
    return tuple(np.array(weight) for weight in model.get_weights())


def trained(
    model: keras.Model, optimizer: object, x: object, y: object, loss: str = SPARSE, epochs: int = 8
) -> Subject:
    """The model after training, with its weights from before."""
    model.compile(optimizer, loss)
    if not model.built:
        model(x[:2])  # type: ignore[index]
    initial = weights_of(model)
    model.fit(x, y, epochs=epochs, verbose=0)
    return Subject(model, x, y, trained=True, initial=initial)  # type: ignore[arg-type]


def fresh(model: keras.Model, optimizer: object, x: object, y: object, loss: str = SPARSE) -> Subject:
    """The model before training."""
    model.compile(optimizer, loss)
    return Subject(model, x, y, trained=False)  # type: ignore[arg-type]


def said(subject: Subject, *probes: object) -> list[Verdict]:
    """What the probes (all on signals if none is named) say; every evidence is JSON."""
    return list(_said(subject, probes or SIGNALS))


def names(subject: Subject, *probes: object) -> set[str]:
    """Names of what they say."""
    return {verdict.name for verdict in said(subject, *probes)}


def _said(subject: Subject, probes: tuple[object, ...]) -> Iterator[Verdict]:
    for module in probes:
        evidence = module.PROBE.measure(subject)  # type: ignore[attr-defined]
        if evidence is not None:
            assert isinstance(to_json(evidence), dict)
            yield from module.PROBE.judge(evidence, Context())  # type: ignore[attr-defined]
