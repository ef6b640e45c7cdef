"""A network that a simple model beats by far is underfit; one that ties, is ahead, or is about to learn is let be."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, joined, simple_models, yardstick
from tuner.probes.yardstick import Standing, Yardsticks
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 6)).astype("float32")
CLASSES = (X @ RNG.normal(size=(6, 3))).argmax(1)
NUMBERS = (X @ RNG.normal(size=6)).astype("float32")

BEHIND = Yardsticks(
    600, 300, "accuracy", 0.3, 0.28, (Standing("ridge regression", 0.9, 14.0, 20.0, 0.5), Standing("x", 0.1, 0, 0, 0))
)


def subject(y: np.ndarray, model: keras.Model, loss: str) -> Subject:
    model.compile("adam", loss)
    return Subject(model, X[:300], y[:300], X[300:], y[300:], trained=True)


def network(outputs: int, activation: str | None) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([L.Input((6,)), L.Dense(outputs, activation)])


def alarms(evidence: Yardsticks) -> list[Verdict]:
    return [v for v in yardstick.judge(evidence, Context()) if v.outcome is not Outcome.PASS]


@pytest.mark.parametrize(
    ("y", "outputs", "activation", "loss"),
    [
        (CLASSES, 3, "softmax", "sparse_categorical_crossentropy"),
        (keras.utils.to_categorical(CLASSES), 3, "softmax", "categorical_crossentropy"),
        ((NUMBERS > 0).astype("float32"), 1, "sigmoid", "binary_crossentropy"),
        (NUMBERS, 1, None, "mean_squared_error"),
        (NUMBERS[:, None], 1, None, "mae"),
    ],
)
def test_a_network_that_learned_nothing_is_far_behind(y: np.ndarray, outputs: int, activation: str, loss: str) -> None:
    evidence = yardstick.measure(subject(y, network(outputs, activation), loss))
    assert evidence is not None
    assert evidence.simple[0].quality > 0.75
    (verdict,) = alarms(evidence)
    assert verdict.name == "underfit"
    assert verdict.evidence["yardstick"] == "ridge regression"
    assert verdict.changes


def test_a_network_that_is_as_good_is_left_alone() -> None:
    model = network(1, None)
    model.set_weights([np.linalg.lstsq(X, NUMBERS, rcond=None)[0][:, None], np.zeros(1)])
    evidence = yardstick.measure(subject(NUMBERS, model, "mse"))
    assert evidence is not None
    assert evidence.validation == pytest.approx(1.0, abs=1e-3)
    assert alarms(evidence) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"training": 0.8},  # it knows its training data: whatever is wrong, it is not too weak
        {"validation": 0.76},
        {"simple": (replace(BEHIND.simple[0], quality=0.42),)},
        {"simple": (replace(BEHIND.simple[0], lead=3.0),)},
        {"simple": (replace(BEHIND.simple[0], balanced_lead=-0.1),)},  # it gave up the rare classes
    ],
)
def test_only_a_clear_lead_over_a_poor_network_counts(changed: dict[str, object]) -> None:
    assert [v.name for v in alarms(BEHIND)] == ["underfit"]
    assert alarms(replace(BEHIND, **changed)) == []  # type: ignore[arg-type]


def test_what_is_no_plain_task_is_not_asked() -> None:
    trained = subject(NUMBERS, network(1, None), "mse")
    assert yardstick.measure(replace(trained, trained=False)) is None
    assert yardstick.measure(replace(trained, val_x=None)) is None
    assert yardstick.measure(replace(trained, val_x=X[:20], val_y=NUMBERS[:20])) is None
    assert yardstick.measure(subject(X, network(6, None), "mse")) is None  # an autoencoder
    assert yardstick.measure(subject(NUMBERS[:, None], network(6, None), "mse")) is None  # six for one, by broadcasting
    spoilt = np.where(RNG.random(X[:300].shape) < 0.01, np.nan, X[:300]).astype("float32")
    assert yardstick.measure(replace(trained, x=spoilt)) is None


def test_a_run_that_still_improves_is_not_underfit_yet() -> None:
    inside = alarms(BEHIND)
    note = Verdict("undertrained", Outcome.PASS, "Still improving.")
    assert [v.name for v in joined(inside, [note])] == ["undertrained"]
    assert [v.name for v in joined(inside, [])] == ["underfit"]


def test_labels_that_a_simple_model_predicts_are_not_shuffled() -> None:
    suspected = Verdict("shuffled_labels", Outcome.WARN, "Guesses on validation.", confidence=0.85)
    inside = list(yardstick.judge(replace(BEHIND, training=0.9), Context()))
    assert joined(inside, [suspected]) == ()
    blind = replace(BEHIND, simple=(Standing("ridge regression", 0.02, 0.1, 0.4, 0.0),))
    assert joined(list(yardstick.judge(blind, Context())), [suspected]) == (suspected,)


def test_ridge_finds_a_line_and_not_the_noise() -> None:
    x, other = simple_models.standardized(X[:300].astype("float64"), X[300:].astype("float64"))
    line = X.astype("float64") @ np.arange(6)
    assert simple_models.ridge(x, line[:300, None], other)[:, 0] == pytest.approx(line[300:], rel=1e-2, abs=0.05)
    noise = RNG.normal(size=(300, 1))
    assert simple_models.ridge(x, noise, other).std() < 0.5


def test_neighbours_see_what_no_line_can() -> None:
    x, other = RNG.uniform(-1, 1, (400, 2)), RNG.uniform(-1, 1, (200, 2))

    def quarter(points: np.ndarray) -> np.ndarray:
        return (points[:, :1] * points[:, 1:] > 0).astype("float64")

    said = simple_models.neighbours(x, quarter(x), other) > 0.5
    assert (said == quarter(other)).mean() > 0.9
    assert ((simple_models.ridge(x, quarter(x), other) > 0.5) == quarter(other)).mean() < 0.7


def test_columns_that_do_not_vary_are_left_out() -> None:
    x = np.column_stack([np.full(50, 7.0), RNG.normal(3, 5, 50)])
    train, other = simple_models.standardized(x, x[:10])
    assert train.shape == (50, 1)
    assert (train.mean(), train.std()) == pytest.approx((0, 1), abs=1e-6)
    assert other == pytest.approx(train[:10])


def test_targets_that_nothing_predicts_may_not_belong_to_the_inputs() -> None:
    nothing = Standing("ridge regression", 0.0, 0.0, 0.4, 0.0)
    (known,) = alarms(Yardsticks(600, 300, "R2", 0.8, -0.4, (nothing, nothing)))
    (doubted,) = alarms(Yardsticks(600, 300, "R2", 0.05, -0.1, (nothing, nothing)))
    assert [known.name, doubted.name] == ["shuffled_labels", "shuffled_labels"]
    assert (known.confidence, doubted.confidence) == (0.85, 0.55)
    for quiet in (
        Yardsticks(600, 300, "R2", 0.8, 0.3, (nothing, nothing)),  # the network predicts them
        Yardsticks(100, 300, "R2", 0.8, -0.4, (nothing, nothing)),  # too few to know
        Yardsticks(600, 300, "accuracy", 0.8, -0.1, (nothing, nothing)),  # more learners are asked about classes
    ):
        assert alarms(quiet) == []


def test_a_narrow_place_does_not_widen_with_more_epochs() -> None:
    narrow = Verdict("underfit", Outcome.WARN, "One unit.", {"units": 1}, confidence=0.75)
    note = Verdict("undertrained", Outcome.PASS, "Still improving.")
    assert [v.name for v in joined([narrow], [note])] == ["underfit", "undertrained"]
