"""The range-test rules agree with their published definitions, and stay silent where they mean nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.search.rate_rules import (
    Suggestions,
    blow_up,
    finite_head,
    minimum,
    readable,
    slide,
    smoothed,
    steep,
    suggest,
    valley,
    valley_index,
)

RATES = [float(rate) for rate in np.logspace(-6, -1, 10)]
LOSSES = [3, 3.2, 3.1, 2.9, 2.5, 2, 1.6, 1.5, 1.9, 4]
FINITE = st.floats(min_value=0.01, max_value=100.0)


def ramp(count: int = 100) -> list[float]:
    return [1e-7 * (10 / 1e-7) ** (i / count) for i in range(count)]


def range_test(rates: list[float], noise: float = 0.0, seed: int = 0) -> list[float]:
    """ln 10 to 0.8 nats around a rate of 1e-3, and an explosion from about 1 on."""
    random = np.random.default_rng(seed)
    fall = (math.log(10) - 0.8) / (1 + np.exp(-2 * np.log(np.asarray(rates) / 1e-3)))
    clean = math.log(10) - fall + np.maximum(0.0, np.asarray(rates) - 0.5) ** 2 * 5
    return [float(loss) for loss in clean + random.normal(0, noise, len(rates))]


def test_smoothing_is_corrected_for_its_start() -> None:
    assert smoothed([1, 2, 3]) == pytest.approx([1, 1.5050505050505034, 2.0134675554346337], rel=1e-12)


@given(st.floats(min_value=0.1, max_value=10), st.integers(1, 60))
def test_a_constant_loss_stays_constant_when_smoothed(value: float, count: int) -> None:
    assert smoothed([value] * count) == pytest.approx([value] * count)


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_smoothed_losses_stay_between_the_extremes(losses: list[float]) -> None:
    assert all(min(losses) - 1e-9 <= loss <= max(losses) + 1e-9 for loss in smoothed(losses))


@pytest.mark.parametrize(("count", "index"), [(85, 41), (90, 44), (30, 14), (3, 0)])
def test_valley_reads_the_middle_of_a_plain_descent(count: int, index: int) -> None:
    assert valley_index(list(range(count, 0, -1))) == index


def test_valley_of_two_points_has_no_middle() -> None:
    assert valley_index([2.0, 1.0]) is None
    assert valley([1e-3, 1e-2], [2.0, 1.0]) is None


@pytest.mark.parametrize("losses", [[1.0, 2.0, 3.0, 4.0], [1.0] * 4])
def test_valley_without_descent_is_the_first_point(losses: list[float]) -> None:
    assert valley_index(losses) == 0


def test_the_four_rules_on_the_published_example() -> None:
    assert valley_index(LOSSES) == 3
    assert steep(RATES, LOSSES) == pytest.approx(1.6681e-4, rel=1e-4)
    assert minimum(RATES, LOSSES) == pytest.approx(7.74264e-4, rel=1e-5)
    assert slide(RATES, LOSSES) is None


@given(st.lists(FINITE, min_size=1, max_size=60))
def test_valley_ends_the_longest_descent_that_a_full_search_finds(losses: list[float]) -> None:
    lengths = [1] * len(losses)
    for i, loss in enumerate(losses):
        lengths[i] = 1 + max((lengths[j] for j in range(i) if losses[j] > loss), default=0)
    length, end = max(lengths), lengths.index(max(lengths))
    start = end - length if length > 1 else 0
    third = (end - start) / 3
    index = start + int(third) + int(third / 2)
    assert valley_index(losses) == (index if index >= 0 else None)


def test_slide_follows_the_published_loop() -> None:
    rates = ramp(85)
    losses = smoothed(range_test(rates))[:85]
    slope = np.gradient(np.asarray(losses))
    right, left = -1, -16
    kept = rates[left]
    while left >= -len(losses) and abs(slope[right] - slope[left]) > 0.005:
        kept, right, left = rates[left], right - 1, left - 1
    assert slide(rates, losses) == kept


@pytest.mark.parametrize("count", [0, 1, 15])
def test_slide_needs_sixteen_points(count: int) -> None:
    assert slide(ramp(20)[:count], [2.0] * count) is None
    assert slide(ramp(20)[:16], [2.0] * 16) == ramp(20)[0]


def test_the_test_is_over_at_four_times_the_best() -> None:
    assert blow_up([1.0, 0.5, 2.0, 2.1]) == 3
    assert blow_up([1.0, 4.0]) is None
    assert readable([1.0] * 10 + [1e4] * 10) == pytest.approx(smoothed([1.0] * 10 + [1e4]))


@pytest.mark.parametrize("end", [math.nan, math.inf])
def test_a_tail_that_is_not_finite_is_cut(end: float) -> None:
    losses = range_test(ramp())
    assert finite_head([*losses[:90], end, 1.0]) == losses[:90]
    assert suggest(ramp(), [*losses[:90], *[end] * 10]) == suggest(ramp()[:90], losses[:90], planned=100)


@pytest.mark.parametrize("losses", [[2.3] * 100, [2.3 + i / 100 for i in range(100)], [math.nan] * 100])
def test_a_curve_that_never_falls_gets_no_suggestion(losses: list[float]) -> None:
    assert suggest(ramp(), losses) == Suggestions()


def test_noise_alone_gets_no_suggestion() -> None:
    for seed in range(20):
        losses = [2.3 + float(x) for x in np.random.default_rng(seed).normal(0, 0.1, 100)]
        assert suggest(ramp(), losses) == Suggestions()


@pytest.mark.parametrize("count", [0, 1, 5, 8])
def test_a_test_that_is_too_short_gets_no_suggestion(count: int) -> None:
    assert suggest(ramp()[:count], [3.0 - i / 10 for i in range(count)], planned=100) == Suggestions()


def test_suggestions_come_from_inside_the_window() -> None:
    found = suggest(ramp(), range_test(ramp(), noise=0.05))
    for rate in (found.valley, found.slide, found.steep):
        assert rate is not None
        assert ramp()[10] <= rate <= ramp()[94]
    assert found.minimum is not None
    assert ramp()[10] / 10 <= found.minimum <= ramp()[94] / 10


def test_all_rules_land_on_the_descent_of_a_clean_curve() -> None:
    found = suggest(ramp(), range_test(ramp()))
    for rate in (found.valley, found.slide, found.steep, found.minimum):
        assert rate is not None
        assert 1e-5 < rate < 0.5


def test_rates_and_losses_must_pair() -> None:
    with pytest.raises(ValueError, match="one loss a rate"):
        suggest([1e-3], [])
