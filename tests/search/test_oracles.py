import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from tuner.search.oracles import Proposal, axis_values, grid, search

SPACE = {
    "optimizer.learning_rate": {"min_value": 1e-4, "max_value": 1e-2, "sampling": "log"},
    "optimizer.name": {"values": ["SGD", "Adam"]},
    "model.head_units": {"values": [[], [64]]},
}


def closeness(proposals: Sequence[Proposal]) -> list[float]:
    """Best at a rate of 1e-3."""
    return [-abs(math.log(p.values["optimizer.learning_rate"] / 1e-3)) for p in proposals]


def run(algorithm: str, trials: int = 12, seed: int = 0) -> list[Proposal]:
    asked: list[Proposal] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        asked.extend(proposals)
        return closeness(proposals)

    search(algorithm, SPACE, trials, 9, seed, evaluate)
    return asked


@pytest.mark.parametrize("algorithm", ["grid", "random", "bayesian"])
def test_an_oracle_proposes_as_many_points_as_wished(algorithm: str) -> None:
    asked = run(algorithm)
    assert len(asked) == 12
    assert all(1e-4 <= p.values["optimizer.learning_rate"] <= 1e-2 * (1 + 1e-9) for p in asked)
    assert {p.values["optimizer.name"] for p in asked} <= {"SGD", "Adam"}


def test_values_that_are_no_scalars_come_back_as_they_were() -> None:
    assert {str(p.values["model.head_units"]) for p in run("random", 20)} == {"[]", "[64]"}


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband"])
def test_the_same_seed_proposes_the_same_points_zero_included(algorithm: str) -> None:
    assert [p.values for p in run(algorithm)] == [p.values for p in run(algorithm)]
    assert [p.values for p in run(algorithm)] != [p.values for p in run(algorithm, seed=1)]


def test_hyperband_follows_its_published_table() -> None:
    asked = run("hyperband", trials=100)  # largest budget 9, factor 3
    assert len(asked) == 23
    fresh = [p.epochs for p in asked if p.goes_on_from is None]
    assert sorted(fresh) == [1] * 9 + [3] * 5 + [9] * 3
    tickets = [p.ticket for p in asked]
    for later in (p for p in asked if p.goes_on_from):
        assert tickets.index(later.goes_on_from or "") < tickets.index(later.ticket)


def test_a_failed_trial_counts_as_the_worst_and_promotion_goes_on() -> None:
    asked: list[Proposal] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        asked.extend(proposals)
        return [math.nan if i % 3 == 0 else s for i, s in enumerate(closeness(proposals))]

    search("hyperband", SPACE, 100, 9, 0, evaluate)
    assert len(asked) == 23


def test_a_grid_has_both_ends_in_order() -> None:
    assert axis_values({"min_value": 1e-4, "max_value": 1e-1, "sampling": "log"}) == pytest.approx(
        [1e-4, 1e-3, 1e-2, 1e-1]
    )
    assert axis_values({"min_value": 0.0, "max_value": 0.5, "step": 0.1}) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert axis_values({"min_value": 16, "max_value": 64, "step": 2, "sampling": "log"}) == [16, 32, 64]
    assert len(list(grid(SPACE))) == 4 * 2 * 2


def test_an_oracle_writes_nothing_and_clears_what_a_killed_one_of_old_left(tmp_path: Path) -> None:
    (tmp_path / ".oracle-dead").mkdir()
    (tmp_path / ".oracle-dead" / "trial.json").write_text("{}")
    (tmp_path / "run.db").write_text("")
    seen: list[list[str]] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        seen.append(sorted(path.name[:8] for path in tmp_path.iterdir()))
        return closeness(proposals)

    search("random", SPACE, 4, 1, 0, evaluate, tmp_path)
    assert seen == [["run.db"]]
    assert [path.name for path in tmp_path.iterdir()] == ["run.db"]
