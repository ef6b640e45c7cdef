"""The shape of a run on a tiny sample is one word of six, and it decides what is tried next."""

import math

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.steps.tiny_fit import bare, faster, other_optimizers, other_rates, shape_of, usual

LECTURE = (2.302603, 2.302258, 2.301849, 2.301196, 2.300044, 2.297864, 2.293595, 2.285096, 2.268094, 2.234787)


def falling(rate: float, epochs: int = 50, start: float = 2.3, floor: float = 0.0) -> list[float]:
    return [floor + (start - floor) * math.exp(-rate * epoch) for epoch in range(epochs)]


def shape(loss: list[float], best: float = 0.5, diverged: bool = False) -> str:
    return shape_of(loss, [0.1, *[best] * (len(loss) - 1)], 1.0, diverged)


def test_reaching_the_wanted_accuracy_fits_whatever_the_loss_did() -> None:
    assert shape(falling(0.1), best=1.0) == "fits"
    assert shape_of([2.3, 1.0], [0.4, 0.95], 0.95) == "fits"


@pytest.mark.parametrize("loss", [[2.3, math.nan], [math.inf], []])
def test_what_left_the_finite_numbers_is_nan(loss: list[float]) -> None:
    assert shape_of(loss, [0.1] * len(loss), 1.0) == "nan"
    assert shape(falling(0.1), best=1.0, diverged=True) == "nan"


def test_next_to_no_fall_is_flat() -> None:
    assert shape(falling(1e-5)) == "flat"
    assert shape([2.3] * 50) == "flat"
    assert shape([2.3]) == "flat"


def test_the_lectures_first_epochs_already_move() -> None:
    assert shape(list(LECTURE)) == "stuck"  # on its way when the epochs ended


def test_up_is_rising() -> None:
    assert shape([2.3 + 0.05 * epoch for epoch in range(50)]) == "rising"


def test_a_floor_above_zero_is_stuck() -> None:
    assert shape(falling(0.2, floor=1.2)) == "stuck"


def test_swings_are_oscillating_and_jitter_is_not() -> None:
    assert shape([2.3] + [1.6 + 0.5 * (-1) ** epoch for epoch in range(50)]) == "oscillating"
    assert shape([2.3] + [1.6 + 0.01 * (-1) ** epoch for epoch in range(50)]) == "stuck"


@pytest.mark.parametrize(
    ("shape", "rate", "expected"),
    [
        ("nan", 10.0, [1.0, 0.1]),
        ("flat", 1e-9, [1e-8, 1e-7]),
        ("oscillating", 0.1, [0.01, 1e-3]),
        ("stuck", 1e-2, [0.1, 1e-3, 1e-4]),
    ],
)
def test_other_rates_follow_the_shape(shape: str, rate: float, expected: list[float]) -> None:
    points = other_rates(Hyperparameters(learning_rate=rate), shape)
    assert [point.learning_rate for point in points] == expected
    assert {point.optimizer for point in points} == {"AdamW"}


def test_every_optimizer_has_a_usual_rate() -> None:
    for name, rate in (("SGD", 1e-2), ("AdamW", 1e-3), ("Lion", 1e-4)):
        assert usual(Hyperparameters(optimizer=name, learning_rate=10.0)).learning_rate == rate


def test_other_optimizers_leave_out_the_one_that_failed() -> None:
    assert [p.optimizer for p in other_optimizers(Hyperparameters(optimizer="SGD"))] == ["Adam"]
    assert [p.optimizer for p in other_optimizers(Hyperparameters(optimizer="Lion"))] == ["Adam", "SGD"]
    assert [p.optimizer for p in other_optimizers(Hyperparameters())] == ["SGD"]  # AdamW without decay is Adam


def test_only_what_was_on_its_way_is_tried_faster() -> None:
    point = Hyperparameters(learning_rate=1e-3)
    assert [p.learning_rate for p in faster(point, "stuck")] == [1e-2]
    assert faster(point, "flat") == []


def test_nothing_that_hinders_is_left_on() -> None:
    flip = (("RandomFlip", ()),)
    point = bare(Hyperparameters(dropout=0.5, weight_decay=0.1, l1=1.0, l2=1.0, label_smoothing=0.1, augmentation=flip))
    assert (point.dropout, point.weight_decay, point.l1, point.l2, point.label_smoothing) == (0, 0, 0, 0, 0)
    assert point.augmentation == ()
