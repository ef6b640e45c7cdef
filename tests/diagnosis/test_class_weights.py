"""Class weights that press the rare class down are told; those that lift it end the advice to balance."""

import keras
import numpy as np
import pytest

from tuner.diagnosis.class_weights import weighed
from tuner.diagnosis.training import Training
from tuner.records import Outcome, Verdict, passed

MODEL = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
UNEVEN = np.repeat([0, 1], [90, 10])


def training(y: np.ndarray, weights: dict[int, float] | None) -> Training:
    return Training(MODEL, x=np.zeros((len(y), 2), "float32"), y=y, class_weight=weights)


def names(found: tuple[Verdict, ...]) -> list[str]:
    return [verdict.name for verdict in found]


@pytest.mark.parametrize("weights", [{0: 0.9, 1: 0.1}, {0: 5.0}])
def test_weights_that_grow_with_the_class_are_upside_down(weights: dict[int, float]) -> None:
    found = weighed((passed("healthy", "All is well."), passed("gap", "A gap.")), training(UNEVEN, weights))
    assert names(found) == ["class_imbalance", "gap"]
    assert found[0].outcome is Outcome.WARN
    assert found[0].changes[0].path == "data.class_weight"


def test_who_has_balanced_weights_is_not_told_to_balance() -> None:
    given = (passed("class_imbalance", "Uneven."), passed("undertrained", "Short."))
    assert names(weighed(given, training(UNEVEN, {0: 0.56, 1: 5.0}))) == ["undertrained"]
    assert names(weighed(given[:1], training(UNEVEN, {0: 0.56, 1: 5.0}))) == ["class_imbalance"]  # never nothing
    alarm = Verdict("class_imbalance", Outcome.WARN, "Forgotten.")
    assert names(weighed((alarm,), training(UNEVEN, {0: 0.56, 1: 5.0}))) == ["class_imbalance"]


@pytest.mark.parametrize("weights", [None, {0: 2.0, 1: 2.0}])
def test_other_programs_are_left_alone(weights: dict[int, float] | None) -> None:
    given = (passed("class_imbalance", "Uneven."),)
    assert weighed(given, training(UNEVEN, weights)) == given
    even = np.repeat([0, 1], 50)
    assert weighed(given, training(even, {0: 3.0, 1: 1.0})) == given
