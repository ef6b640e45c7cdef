from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, initial_loss
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 16)).astype("float32")
Y = np.arange(200) % 4


def network(std: float | None = None, penalty: float | None = None) -> keras.Model:
    keras.utils.set_random_seed(0)
    drawn = "glorot_uniform" if std is None else keras.initializers.RandomNormal(stddev=std)
    held = None if penalty is None else keras.regularizers.L2(penalty)
    model = keras.Sequential(
        [
            L.Input((16,)),
            L.Dense(32, "relu", kernel_initializer=drawn, kernel_regularizer=held),
            L.Dense(4, "softmax", kernel_initializer=drawn, kernel_regularizer=held),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def found(subject: Subject) -> list[Verdict]:
    evidence = initial_loss.measure(subject)
    assert evidence is not None
    return list(initial_loss.judge(evidence, Context()))


def alarms(subject: Subject) -> list[str]:
    return [v.name for v in found(subject) if v.outcome is not Outcome.PASS]


@pytest.mark.parametrize("trained", [True, False, None])
def test_usual_weights_start_near_chance(trained: bool | None) -> None:
    assert alarms(Subject(network(), X, Y, trained=trained)) == []


def test_large_weights_start_far_above() -> None:
    assert alarms(Subject(network(std=1.0), X, Y, trained=False)) == ["init_loss_wrong"]


def test_known_first_weights_count_and_not_those_of_now() -> None:
    model = network()
    first = tuple(model.get_weights())
    model.set_weights([weight * 100 for weight in first])
    assert alarms(Subject(model, X, Y, trained=True, initial=first)) == []
    assert alarms(Subject(network(), X, Y, trained=True, initial=tuple(model.get_weights()))) == ["init_loss_wrong"]


def test_the_model_stays_as_it_is() -> None:
    model = network()
    before = model.get_weights()
    found(Subject(model, X, Y, trained=True))
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("penalty", "expected"), [(1e-4, []), (1e-2, []), (1.0, ["reg_overwhelming"])])
def test_a_penalty_against_the_data(penalty: float, expected: list[str]) -> None:
    assert alarms(Subject(network(penalty=penalty), X, Y, trained=False)) == expected


def test_pretrained_weights_are_no_start() -> None:
    model = network()
    model.layers[0].trainable = False
    assert initial_loss.starts(Subject(model, X, Y, trained=True)) == []


@pytest.mark.parametrize(
    ("loss", "y", "chance"),
    [
        ("sparse_categorical_crossentropy", np.array([0, 1, 2, 3]), np.log(4)),
        ("binary_crossentropy", np.array([0, 1, 1, 1]), -0.25 * np.log(0.25) - 0.75 * np.log(0.75)),
        ("mean_squared_error", np.array([1.0, 3.0, 4.5, 0.5]), 2.5625),
        ("mean_absolute_error", np.array([1.0, 3.0, 4.5, 0.5]), 1.5),
    ],
)
def test_chance_of_a_constant_answer(loss: str, y: np.ndarray, chance: float) -> None:
    assert initial_loss.chance_of(initial_loss.losses.read(loss), y)[0] == pytest.approx(chance)


def test_a_penalty_that_is_more_than_guessing_costs_need_only_pull_as_hard_as_the_data() -> None:
    start = initial_loss.Start((0.7,), 0.69, 2, 2.6, 1.2, False, True)
    assert [v.name for v in initial_loss.judge(start, Context())] == ["reg_overwhelming"]
    for quiet in (replace(start, penalty=0.1), replace(start, pull=0.5)):
        assert not list(initial_loss.judge(quiet, Context()))
