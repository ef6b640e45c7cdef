"""A step in NumPy asks for no fresh memory, and no number in it is so small that multiplying costs a hundred times."""

import numpy as np
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.training.heads.bank import Plan, Start
from tuner.training.heads.numpy_bank import NumpyBank
from tuner.training.heads.numpy_step import step

WIDTH, CLASSES, IMAGES = 12, 4, 8
SMALLEST = np.finfo(np.float32).tiny
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(IMAGES, WIDTH)).astype(np.float32)
LABELS = RNG.integers(0, CLASSES, IMAGES)


def bank(scale: float, units: tuple[int, ...] = ()) -> NumpyBank:
    shapes = [(WIDTH, units[0]), (units[0],), (units[0], CLASSES)] if units else [(WIDTH, CLASSES)]
    weights = [scale * RNG.normal(size=shape).astype(np.float32) for shape in (*shapes, (CLASSES,))]
    return NumpyBank(Plan((Hyperparameters(head_units=units),), (Start(weights),), WIDTH, CLASSES))


@pytest.mark.parametrize("units", [(), (5,)], ids=["linear", "hidden"])
def test_a_head_that_is_too_sure_has_zeros_instead_of_denormal_numbers(units: tuple[int, ...]) -> None:
    (slab,) = bank(30.0 if not units else 4.0, units).slabs
    step(slab, FEATURES, LABELS, np.ones(IMAGES, np.float32), np.zeros(1, np.float32), None)
    scores = FEATURES @ slab.parameters[0].value if not units else None
    if scores is not None:  # the case is there: plain probabilities would be denormal
        apart = scores - scores.max(1, keepdims=True)
        assert ((apart < -88) & (apart > -103)).any()
    for parameter in slab.parameters:
        values = np.abs(parameter.gradient)
        assert not ((values > 0) & (values < SMALLEST)).any()


@pytest.mark.parametrize("units", [(), (5,)], ids=["linear", "hidden"])
def test_gradients_of_every_step_lie_where_those_of_the_first_lay(units: tuple[int, ...]) -> None:
    (slab,) = bank(0.1, units).slabs
    places = [parameter.gradient.ctypes.data for parameter in slab.parameters]
    before = [parameter.value.copy() for parameter in slab.parameters]
    for _ in range(3):
        step(slab, FEATURES, LABELS, np.ones(IMAGES, np.float32), np.full(1, 0.1, np.float32), None)
    assert [parameter.gradient.ctypes.data for parameter in slab.parameters] == places
    assert all((old != now.value).any() for old, now in zip(before, slab.parameters, strict=True))
