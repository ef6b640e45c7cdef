"""The statistics of the study of carried-over rankings, on numbers whose answer is known."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from rank_agreement import agreement, between_seeds, ceiling, cost, effects, reliability, spearman

RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=400)


def noisy(level: float, seeds: int = 3) -> np.ndarray:
    return TRUE[:, None] + level * RNG.normal(size=(len(TRUE), seeds))


def test_a_monotone_change_is_full_agreement_and_its_reverse_none() -> None:
    scores = TRUE[:, None]
    assert agreement(scores, np.exp(scores))["spearman"] == pytest.approx(1)
    assert agreement(scores, -scores)["kendall"] == pytest.approx(-1)


def test_the_ceiling_is_what_two_noisy_measurements_of_the_same_thing_reach() -> None:
    one, other = noisy(1.0), noisy(1.0)
    found = agreement(one, other)
    assert found["spearman"] == pytest.approx(found["ceiling"], abs=0.05)
    assert found["ceiling"] < 0.9
    assert found["spearman_interval"][0] < found["spearman"] < found["spearman_interval"][1]


def test_more_seeds_are_more_reliable_than_one() -> None:
    scores = noisy(1.0)
    single = between_seeds(scores)
    assert single == pytest.approx(0.5, abs=0.08)  # equal variances of what is true and what is noise
    assert reliability(scores) == pytest.approx(0.75, abs=0.06)


def test_one_seed_has_no_ceiling_and_two_settings_no_correlation() -> None:
    assert ceiling(noisy(1.0, 1), noisy(1.0, 1)) is None
    assert spearman(TRUE[:2], TRUE[:2]) is None
    assert spearman(TRUE[:5], np.zeros(5)) is None


def test_a_setting_that_diverged_ranks_last() -> None:
    scores = np.array([[0.5], [-np.inf], [0.7], [0.6]])
    assert spearman(scores[:, 0], np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(1)


def test_the_cost_of_a_choice_is_what_the_best_would_have_given_more() -> None:
    found = cost(np.array([[0.9], [0.8], [0.7]]), np.array([[0.6], [0.9], [0.8]]))
    assert (found["chosen"], found["best"], found["rank"]) == (0, 1, 3)
    assert found["lost"] == pytest.approx(0.3)


def test_an_effect_is_read_where_the_number_exists() -> None:
    rates = np.array([1.0, np.nan, 2.0, 3.0, np.nan])
    scores = np.array([[0.1], [0.9], [0.2], [0.3], [0.0]])
    assert effects({"rate": rates}, scores)["rate"] == pytest.approx(1)
