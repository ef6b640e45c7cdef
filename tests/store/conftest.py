"""Runs to test with: real stores in temporary folders, and a trainer that only pretends."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Finding, LearningCurves, TrialSpec, TrialState, passed
from tuner.store import Result, Store

RECIPE: dict[str, Any] = {
    "name": "flowers",
    "seed": 1,
    "data": {"source": "digits", "batch_size": 32},
    "optimizer": {"name": "AdamW", "learning_rate": "auto"},
    "budget": {"max_time": None},
}


@pytest.fixture
def recipe() -> dict[str, Any]:
    return RECIPE


@pytest.fixture
def create(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Begin a run under `tmp_path / "reports"`, or under the folder named; all are closed at the end."""
    opened: list[Store] = []

    def begin(reports: Path | None = None, name: str = "flowers") -> Store:
        where = reports or tmp_path / "reports"
        opened.append(Store.create(where, name, RECIPE, "name: flowers\n", {"python": "3"}, Silent(), StopFlag()))
        return opened[-1]

    yield begin
    for store in opened:
        store.close()


@pytest.fixture
def resume() -> Iterator[Callable[..., Store]]:
    """Resume a run with the recipe it had, or with another; all are closed at the end."""
    opened: list[Store] = []

    def again(folder: Path, recipe: dict[str, Any] = RECIPE) -> Store:
        opened.append(Store.resume(folder, recipe, Silent(), StopFlag()))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def result() -> Callable[..., Result]:
    """The result of a pretended trial; equal numbers give equal specs."""

    def of(number: int, weights: bytes | None = None, **more: Any) -> Result:
        point = Hyperparameters(learning_rate=10 ** -(1 + number / 100))
        curves = more.pop("curves", LearningCurves(loss=(2.0, 1.0), val_loss=(2.0, 1.5), val_accuracy=(0.25, 0.5)))
        return Result(
            spec=more.pop("spec", TrialSpec(point, epochs=2, seed=number, step="short_runs", round=1)),
            state=more.pop("state", TrialState.COMPLETED),
            curves=curves,
            seconds=0.1,
            engine="pretended",
            best_epoch=more.pop("best_epoch", 2),
            weights=None if weights is None else lambda path: void(path.write_bytes(weights)),
            **more,
        )

    return of


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """What a pretended step found."""

    def of(step: str = "short_runs", round: int = 1, stage: str = "", **evidence: Any) -> Finding:
        return Finding(step, round, stage, "Does it work?", evidence, (passed("works", "It works."),))

    return of


@pytest.fixture
def pretend() -> Callable[..., list[str]]:
    """The command line of a whole pretended run in a process of its own; see pretended_run.py."""
    script = Path(__file__).with_name("pretended_run.py")
    return lambda reports, log, *more: [sys.executable, str(script), str(reports), str(log), *map(str, more)]


def void(_: Any) -> None:
    """Nothing, whatever came."""


@pytest.fixture
def integrity() -> Callable[[Path], str]:
    """SQLite's own opinion of a run's database."""

    def check(folder: Path) -> str:
        with closing(sqlite3.connect(folder / "run.db")) as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])

    return check
