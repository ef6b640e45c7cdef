"""A first step that throws the weights away is seen even where the answers are right in the end."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, first_steps
from tuner.probes.first_steps import FirstSteps
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 4))).argmax(1)
WILD = FirstSteps(ratio=40.0, first=1.4, highest=300.0, now=22.0, learning_rate=10.0)


def trained(rate: float) -> Subject:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([L.Input((8,)), L.Dense(16, "relu"), L.Dense(4, "softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    initial = tuple(np.array(w) for w in model.get_weights())
    model.fit(X[:192], Y[:192], epochs=6, verbose=0)
    return Subject(model, X[:192], Y[:192], X[192:], Y[192:], trained=True, initial=initial)


def test_a_rate_thousands_of_times_too_high() -> None:
    subject = trained(10.0)
    before = [np.array(w) for w in subject.model.get_weights()]
    evidence = first_steps.measure(subject)
    assert evidence is not None
    assert evidence.ratio > 10
    (verdict,) = first_steps.judge(evidence, Context())
    assert (verdict.name, verdict.onset) == ("lr_too_high", 1)
    assert 1e-5 <= float(verdict.changes[0].value) <= 1e-2
    for ours, theirs in zip(before, subject.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_usual_rate_is_quiet() -> None:
    evidence = first_steps.measure(trained(0.01))
    assert evidence is not None
    assert evidence.ratio < 0.2
    assert list(first_steps.judge(evidence, Context())) == []


@pytest.mark.parametrize("changed", [{"ratio": 0.9}, {"highest": 4.0}, {"now": 1.3}, {"ratio": float("nan")}])
def test_all_three_signs_are_needed(changed: dict[str, float]) -> None:
    assert [v.name for v in first_steps.judge(WILD, Context())] == ["lr_too_high"]
    assert list(first_steps.judge(replace(WILD, **changed), Context())) == []


def test_without_first_weights_nobody_knows() -> None:
    subject = trained(0.01)
    assert first_steps.measure(replace(subject, initial=None)) is None
    assert first_steps.measure(replace(subject, trained=None)) is None
