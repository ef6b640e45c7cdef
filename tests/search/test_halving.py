"""Who goes on after a rung, on drawn trials."""

import math

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import LearningCurves, Trial, TrialSpec, TrialState
from tuner.search.halving import best_third, hopeful, rising_rates, rungs, settings_within

IMAGES = 359  # validation images of the measured runs


def trial(number: int, accuracy: float, loss: float, rate: float = 1e-3) -> Trial:
    spec = TrialSpec(Hyperparameters(learning_rate=rate), 1, 0, "short_runs")
    curves = LearningCurves(val_loss=(loss,), val_accuracy=(accuracy,))
    state = TrialState.COMPLETED if math.isfinite(loss) else TrialState.DIVERGED
    return Trial(number, spec, state, curves, 1.0, "net", best_epoch=1)


def measured(*rows: tuple[float, float, float]) -> list[Trial]:
    """Rate, accuracy and loss after one of three epochs of a cosine decay."""
    return [trial(number, accuracy, loss, rate) for number, (rate, accuracy, loss) in enumerate(rows, start=1)]


def numbers(trials: list[Trial]) -> list[int]:
    return [one.number for one in trials]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(1, (1,)), (2, (2,)), (3, (1, 3)), (4, (2, 4)), (5, (2, 5)), (9, (1, 3, 9)), (27, (1, 3, 9, 27))],
)
def test_rungs_grow_by_three_and_end_with_the_last_epoch(epochs: int, expected: tuple[int, ...]) -> None:
    assert rungs(epochs) == expected


def test_the_best_third_goes_on() -> None:
    trials = [trial(n, 0.50 + 0.05 * n, 1.5 - 0.1 * n) for n in range(1, 10)]
    assert numbers(best_third(trials, IMAGES, 0.1)) == [9, 8, 7]


def test_what_cannot_be_told_from_the_last_goes_on_too_but_never_more_than_half() -> None:
    far = [trial(n, 0.60, 1.0) for n in range(5, 10)]
    near = [trial(1, 0.950, 0.2), trial(2, 0.945, 0.21), trial(3, 0.930, 0.22), trial(4, 0.925, 0.23)]
    assert numbers(best_third([*near, *far], IMAGES, 0.1)) == [1, 2, 3, 4]
    alike = [trial(n, 0.9, 0.3) for n in range(1, 10)]
    assert len(best_third(alike, IMAGES, 0.1)) == 5


def test_one_that_diverged_never_goes_on_and_is_not_replaced_by_nobody() -> None:
    trials = [trial(1, math.nan, math.nan), trial(2, 0.8, 0.5), trial(3, math.nan, math.nan)]
    assert numbers(best_third(trials, IMAGES, 0.1)) == [2]
    assert best_third(trials[:1], IMAGES, 0.1) == []


# Five fine-tuning rates on digits after one of three epochs; the comments say where each ended.
SLOW_WINNER = measured(
    (4.9e-4, 0.894, 0.361),  # 0.992: last now, first in the end
    (1.5e-4, 0.955, 0.138),  # 0.983
    (4.9e-5, 0.958, 0.179),  # 0.955
    (1.5e-5, 0.942, 0.187),  # 0.961
    (4.9e-6, 0.955, 0.149),  # 0.958
)
AT_CHANCE = measured(
    (4.9e-4, 0.089, 2.215),  # 0.348
    (1.5e-4, 0.939, 0.199),  # 0.975
    (4.9e-5, 0.953, 0.164),  # 0.967
    (1.5e-5, 0.950, 0.178),  # 0.961
    (4.9e-6, 0.942, 0.176),  # 0.950
)


def test_a_high_rate_that_is_still_unsettled_goes_on() -> None:
    assert sorted(numbers(rising_rates(SLOW_WINNER, IMAGES, 0.1))) == [1, 2]
    assert 1 not in numbers(best_third(SLOW_WINNER, IMAGES, 0.1))  # the other rule would have stopped the winner


def test_a_rate_that_fell_to_chance_stops() -> None:
    assert sorted(numbers(rising_rates(AT_CHANCE, IMAGES, 0.1))) == [2, 3]


def test_where_the_smallest_rate_leads_no_other_stops() -> None:
    falling = measured((1e-3, 0.7, 0.9), (1e-4, 0.8, 0.7), (1e-5, 0.9, 0.5))
    assert sorted(numbers(rising_rates(falling, IMAGES, 0.1))) == [1, 2, 3]


def test_where_nobody_knows_anything_nobody_is_hopeless() -> None:
    guessing = [trial(1, 0.11, 2.31), trial(2, 0.09, 2.30), trial(3, 0.10, 2.32)]
    assert len(hopeful(guessing, IMAGES, 0.1)) == 3


@pytest.mark.parametrize(("left", "epochs"), [(1, 3), (2, 3), (12, 3), (18, 5), (40, 9), (7, 2)])
def test_all_rungs_together_stay_within_the_budget(left: int, epochs: int) -> None:
    settings = settings_within(left, epochs)
    trials, alike = settings, settings
    for _ in rungs(epochs)[1:]:
        alike = len(best_third([trial(n, 0.9, 0.3) for n in range(1, alike + 1)], IMAGES, 0.1))
        trials += alike
    assert trials <= left or settings == 1
    assert settings <= left
