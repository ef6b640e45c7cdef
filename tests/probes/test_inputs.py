import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, inputs
from tuner.records import Outcome
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(80, 4)).astype("float32")
PICTURES = RNG.integers(0, 256, (40, 6, 6, 3))
WORDS = RNG.integers(0, 20, (40, 5))


def dense(*before: keras.layers.Layer, after: tuple[keras.layers.Layer, ...] = ()) -> keras.Model:
    return keras.Sequential([*before, L.Flatten(), L.Dense(4), *after, L.Activation("relu"), L.Dense(1)])


def alarms(x: np.ndarray, model: keras.Model) -> list[tuple[str, Outcome]]:
    model(np.nan_to_num(x[:1]))
    evidence = inputs.measure(Subject(model, x, trained=False))
    assert evidence is not None
    return [(v.name, v.outcome) for v in inputs.judge(evidence, Context())]


@pytest.mark.parametrize(
    "x",
    [TABLE, TABLE * 0.05, TABLE * 3 + 2, RNG.random((80, 4)), (TABLE > 0).astype("float32"), PICTURES / 255.0],
    ids=["z", "small", "iris", "unit", "zeros and ones", "pictures"],
)
def test_usual_sizes_are_quiet(x: np.ndarray) -> None:
    assert alarms(x.astype("float32"), dense()) == []


@pytest.mark.parametrize(
    "x",
    [PICTURES.astype("float32"), TABLE * [1, 1, 1, 500], TABLE + 1000, TABLE / 255 / 255],
    ids=["0 to 255", "one large column", "years", "divided twice"],
)
def test_unusual_sizes_are_named(x: np.ndarray) -> None:
    assert alarms(x.astype("float32"), dense()) == [("input_scale", Outcome.WARN)]


@pytest.mark.parametrize(
    "model",
    [
        dense(L.Rescaling(1 / 255)),
        dense(L.BatchNormalization()),
        dense(L.LayerNormalization()),
        dense(after=(L.BatchNormalization(),)),
        dense(L.Lambda(lambda x: x / 255, output_shape=lambda s: s)),
    ],
    ids=["rescaled", "batch norm", "layer norm", "batch norm behind", "of one's own"],
)
def test_what_the_model_sees_to_itself_is_quiet(model: keras.Model) -> None:
    assert alarms(PICTURES.astype("float32"), model) == []


def test_a_frozen_first_layer_knows_its_inputs() -> None:
    model = dense()
    model(PICTURES.astype("float32"))
    model.layers[1].trainable = False
    assert alarms(PICTURES.astype("float32"), model) == []


def test_a_model_that_copes_is_left_alone() -> None:
    x = RNG.normal(size=(200, 2)).astype("float32") * 20
    model = keras.Sequential([L.Input((2,)), L.Dense(1)])
    model.set_weights([np.ones((2, 1)), np.zeros(1)])
    model.compile("sgd", "mse")
    evidence = inputs.measure(Subject(model, x, x.sum(1), trained=True))
    assert evidence is not None
    assert evidence.quality == pytest.approx(1)
    assert list(inputs.judge(evidence, Context())) == []


def test_one_nan_is_enough() -> None:
    x = TABLE.copy()
    x[70, 2] = np.nan
    assert alarms(x, dense()) == [("nan_input", Outcome.FAIL)]


def test_constant_inputs_say_nothing() -> None:
    assert alarms(np.ones((30, 4), "float32"), dense()) == [("ignores_input", Outcome.FAIL)]


@pytest.mark.parametrize(
    ("x", "expected"),
    [(WORDS, []), (WORDS + 5, [("int_input", Outcome.FAIL)]), (WORDS / 20.0, [("int_input", Outcome.FAIL)])],
    ids=["rows", "outside", "fractions"],
)
def test_an_embedding_looks_up_rows(x: np.ndarray, expected: list[tuple[str, Outcome]]) -> None:
    model = keras.Sequential([L.Input((5,)), L.Embedding(20, 3), L.Flatten(), L.Dense(1)])
    evidence = inputs.measure(Subject(model, x, trained=False))
    assert evidence is not None
    assert [(v.name, v.outcome) for v in inputs.judge(evidence, Context())] == expected
