"""Zeros at the end of sequences are named where nothing masks them and the model is poor; else they are quiet."""

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, padding
from tuner.records import Outcome
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(5, 12, 200)
X = np.where(np.arange(40) < LENGTHS[:, None], RNG.integers(1, 30, (200, 40)), 0)
Y = (X == 7).any(1).astype("int64")


def model(*layers: L.Layer, mask: bool = False) -> keras.Model:
    net = keras.Sequential([L.Input((40,)), L.Embedding(30, 4, mask_zero=mask, name="words"), *layers])
    net.compile("sgd", "binary_crossentropy")
    return net


def said(net: keras.Model, x: np.ndarray = X, trained: bool = True) -> list[tuple[str, Outcome]]:
    evidence = padding.measure(Subject(net, x, Y, trained=trained))
    return [] if evidence is None else [(v.name, v.outcome) for v in padding.judge(evidence, Context())]


def plain(**settings: object) -> keras.Model:
    return model(L.LSTM(4, name="reads", **settings), L.Dense(1, "sigmoid"))


def test_a_poor_model_that_reads_the_filling_is_told() -> None:
    (verdict,) = padding.judge(padding.measure(Subject(plain(), X, Y, trained=True)), Context())
    assert (verdict.name, verdict.outcome) == ("unmasked_padding", Outcome.WARN)
    assert verdict.changes[0].path == "layers.words.mask_zero"
    assert f"{1 - LENGTHS.mean() / 40:.0%}" in verdict.sentence
    assert said(plain(), trained=False) == [("unmasked_padding", Outcome.PASS)]


@pytest.mark.parametrize(
    "net",
    [
        model(L.LSTM(4), L.Dense(1, "sigmoid"), mask=True),
        plain(go_backwards=True),
        model(L.LSTM(4, return_sequences=True), L.GlobalMaxPooling1D(), L.Dense(1, "sigmoid")),
        model(L.Bidirectional(L.LSTM(4)), L.Dense(1, "sigmoid")),
        model(L.GlobalAveragePooling1D(), L.Dense(1, "sigmoid")),
    ],
    ids=["masked", "backwards", "all states", "both ways", "averaged"],
)
def test_models_that_do_not_end_in_the_filling_are_quiet(net: keras.Model) -> None:
    assert said(net) == []


def test_zeros_at_the_beginning_or_few_of_them_are_quiet() -> None:
    assert said(plain(), X[:, ::-1]) == []
    assert said(plain(), np.maximum(X, 1)) == []
