import math

import pytest

from tuner.search.noise import standard_error, wilson_interval


def test_standard_error_is_that_of_a_mean_of_coin_tosses() -> None:
    assert standard_error(0.9, 400) == pytest.approx(math.sqrt(0.9 * 0.1 / 400))


def test_a_perfect_score_still_has_noise() -> None:
    assert standard_error(1.0, 100) > 0


def test_wilson_interval_matches_published_values() -> None:
    assert wilson_interval(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson_interval(20, 20)[1] == 1.0


@pytest.mark.parametrize(("correct", "examples"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(correct: int, examples: int) -> None:
    with pytest.raises(ValueError, match="correct"):
        wilson_interval(correct, examples)
