"""Packed curves: what goes in comes out, bit for bit, whatever the numbers are."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.store.packing import packed, unpacked

floats = st.floats(allow_nan=True, allow_infinity=True) | st.floats(width=32) | st.sampled_from([0.0, -0.0, 1e-45])


def bits(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@given(values=st.lists(floats, max_size=30).map(tuple))
def test_numbers_come_back_bit_for_bit(values: tuple[float, ...]) -> None:
    assert bits(unpacked(packed(values))) == bits(values)


@given(value=floats, count=st.integers(1, 500))
def test_a_value_that_stays_takes_thirteen_bytes_however_long(value: float, count: int) -> None:
    data = packed((value,) * count)
    assert data is not None
    assert len(data) == 13
    assert bits(unpacked(data)) == bits((value,) * count)


def test_zeros_of_both_signs_are_told_apart() -> None:
    assert [math.copysign(1, value) for value in unpacked(packed((0.0, -0.0)))] == [1, -1]


def test_the_losses_of_a_network_take_four_bytes_each() -> None:
    losses = np.linspace(2.3, 0.1, 200, dtype=np.float32)
    data = packed(tuple(losses))
    assert data is not None
    assert len(data) == 1 + 4 * 200
    assert unpacked(data) == tuple(map(float, losses))
    assert all(type(value) is float for value in unpacked(data))


def test_others_take_eight_bytes_each() -> None:
    assert len(packed((0.1, 0.2)) or b"") == 1 + 8 * 2
    assert len(packed((1.0, 1e300)) or b"") == 1 + 8 * 2


def test_nothing_is_nothing() -> None:
    assert packed(()) is None
    assert unpacked(None) == ()


@pytest.mark.parametrize("data", [b"", b"c", b"c123", b"f123", b"d1234567", b"x12345678"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="packed curve"):
        unpacked(data)
