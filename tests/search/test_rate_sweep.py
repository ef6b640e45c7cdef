"""Among fixed rates the largest that falls steadily to the lowest loss is chosen, whatever the noise."""

import math

import numpy as np
import pytest

from tuner.search.rate_sweep import RateRun, between, beyond, choose, read_runs, rounded

START = math.log(10)
Losses = dict[float, list[float]]


def curve(speed: float, floor: float = 0.0, noise: float = 0.0, seed: int = 0, count: int = 100) -> list[float]:
    """An exponential fall from ln 10 to `floor`, the same noise for every speed."""
    random = np.random.default_rng(seed).normal(0, noise, count)
    return [floor + (START - floor) * math.exp(-speed * step) + float(x) for step, x in enumerate(random)]


def lecture(noise: float = 0.0, seed: int = 0) -> Losses:
    """Four decades: 1e-1 diverges, 1e-2 falls best, 1e-3 slower, 1e-4 hardly."""
    return {
        1e-1: [*[START * 1.5**step for step in range(30)], math.nan],
        1e-2: curve(0.05, 0.2, noise, seed),
        1e-3: curve(0.01, 0.2, noise, seed),
        1e-4: curve(0.001, 0.2, noise, seed),
    }


def rate(losses: Losses) -> float | None:
    best = choose(read_runs(losses))
    return best.learning_rate if best else None


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_the_lowest_steady_rate_wins_under_noise(noise: float, seed: int) -> None:
    assert rate(lecture(noise, seed)) == 1e-2


def test_runs_come_slowest_first_and_say_what_became_of_them() -> None:
    runs = read_runs(lecture())
    assert [run.learning_rate for run in runs] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert [run.falls for run in runs] == [True, True, True, False]
    assert (runs[3].state, runs[3].steady) == ("diverged", False)
    assert math.isnan(runs[3].last)
    assert runs[2].first == pytest.approx(START)
    assert len(runs[2].step_loss) == 100


def test_equally_low_rates_leave_the_largest() -> None:
    assert rate({1e-2: curve(0.2, 0.5, 0.1), 1e-3: curve(0.2, 0.5, 0.1), 1e-4: curve(0.001)}) == 1e-2


def test_a_rate_that_first_rises_loses_to_one_that_does_not() -> None:
    jump = [START, *[8.0] * 20, *[0.1] * 79]
    assert rate({1e-1: jump, 1e-2: curve(0.05, 0.2), 1e-3: curve(0.01)}) == 1e-2


def test_where_all_rise_first_the_lowest_end_is_taken_and_called_unsteady() -> None:
    runs = read_runs({1e-2: [START, *[8.0] * 20, *[0.5] * 79], 1e-3: [START, START, START, *[9.0] * 40, *[1.5] * 57]})
    best = choose(runs)
    assert best is not None
    assert (best.learning_rate, best.steady) == (1e-2, False)


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_no_fall(seed: int) -> None:
    runs = read_runs({r: curve(0.0, noise=0.3, seed=seed) for r in (1e-1, 1e-2)})
    assert sum(run.falls for run in runs) == 0


def test_a_run_that_was_called_diverged_is_never_chosen() -> None:
    losses = {1e-2: curve(0.05), 1e-3: curve(0.01)}
    best = choose(read_runs(losses, diverged=[1e-2]))
    assert best is not None
    assert best.learning_rate == 1e-3


def test_the_best_at_an_edge_asks_for_a_decade_more() -> None:
    assert beyond(read_runs({1e-3: curve(0.05), 1e-4: curve(0.01)})) == (1e-2,)
    assert beyond(read_runs({1e-1: curve(0.0), 1e-2: curve(0.05)})) == (1e-3,)
    assert beyond(read_runs(lecture())) == ()


def test_where_nothing_falls_the_search_goes_to_the_other_side() -> None:
    lost = [START, math.nan]
    assert beyond(read_runs({10.0: lost, 1.0: lost})) == (0.1,)
    assert beyond(read_runs({1.0: [START, *[9.0] * 99]})) == (0.1,)
    for seed in range(5):
        assert beyond(read_runs({1e-8: curve(1e-9, noise=0.2, seed=seed), 1e-9: curve(0, noise=0.2)})) == (1e-7,)


def test_half_decades_beside_the_best_are_tried_once() -> None:
    runs = read_runs(lecture())
    assert between(runs) == (0.0032, 0.032)
    more = read_runs({**lecture(), 0.0032: curve(0.03, 0.2)})
    assert between(more) == (0.032,)
    assert between(read_runs({1e-2: [math.nan] * 3})) == ()


def test_no_rates_no_choice() -> None:
    assert read_runs({}) == ()
    assert choose(()) is None
    assert choose(read_runs({1e-2: []})) is None


def test_rates_are_written_as_one_would_type_them() -> None:
    assert [rounded(r) for r in (0.1 / 10, 1e-3 * 10**0.5, 1e-4 * 10)] == [0.01, 0.0032, 0.001]


def test_a_run_is_plain_data() -> None:
    assert isinstance(read_runs(lecture())[0], RateRun)
