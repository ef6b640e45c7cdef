"""Of several outputs one may drown another: seen in the losses that Keras records for each."""

from dataclasses import replace

import keras
import pytest

from tuner.diagnosis.several_losses import drowned
from tuner.diagnosis.training import Training, reading_of
from tuner.records import Outcome, passed

FELL, STOOD = (0.7, 0.5, 0.3, 0.2, 0.2, 0.1), (0.70, 0.69, 0.69, 0.68, 0.68, 0.68)
LARGE = (900.0, 700.0, 500.0, 400.0, 300.0, 250.0)


def training(kind: tuple[float, ...], price: tuple[float, ...] = LARGE, weights: object = None) -> Training:
    entry = keras.Input((3,))
    ends = [keras.layers.Dense(1, name=name)(entry) for name in ("kind", "price")]
    model = keras.Model(entry, ends)
    model.compile("sgd", loss=["binary_crossentropy", "mse"], loss_weights=weights)
    total = tuple(a + b for a, b in zip(kind, price, strict=True))
    return Training(model, history={"loss": total, "kind_loss": kind, "price_loss": price})


def test_the_drowned_output_is_named_with_weights_that_make_both_begin_alike() -> None:
    verdict, *rest = drowned((passed("healthy", "All is well."), passed("undertrained", "Short.")), training(STOOD))
    assert [v.name for v in rest] == ["undertrained"]
    assert (verdict.name, verdict.outcome, verdict.evidence["quiet"]) == ("losses_uneven", Outcome.WARN, "kind")
    assert verdict.changes[0].value == {"price": 0.0008, "kind": 1.0}
    assert "1,286 times" in verdict.sentence


@pytest.mark.parametrize(
    "sound",
    [
        training(FELL),  # it was heard all the same
        training(STOOD, tuple(v / 100 for v in LARGE)),
        training(STOOD, weights=[1.0, 0.001]),
        training(STOOD[:4], LARGE[:4]),  # too early
    ],
    ids=["heard", "alike", "weighted", "early"],
)
def test_losses_that_are_heard_are_left_alone(sound: Training) -> None:
    given = (passed("healthy", "All is well."),)
    assert drowned(given, sound) == given


def test_weights_are_counted() -> None:
    given = (passed("healthy", "All is well."),)
    assert (
        drowned(given, training(STOOD, tuple(v / 100 for v in LARGE), weights=[1.0, 100.0]))[0].name == "losses_uneven"
    )


def test_a_model_with_one_output_is_none_of_its_business() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    given = (passed("healthy", "All is well."),)
    assert drowned(given, Training(model, history={"loss": STOOD})) == given


def test_the_accuracy_of_one_output_is_not_held_against_the_sum_of_losses() -> None:
    several = training(STOOD)
    known = replace(several, history={**(several.history or {}), "kind_accuracy": (0.5,) * 6})
    found = reading_of(known, "here")
    assert found is not None
    assert dict(found.columns) == {"loss": "loss"}
    assert found.curves.accuracy == ()
