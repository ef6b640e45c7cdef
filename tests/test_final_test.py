"""The test set is opened in one place, and a run that was resumed after the answer takes it from its records."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner import final_test
from tuner import recipe as recipes
from tuner.data import Dataset, Problem, Split
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import LearningCurves, TrialSpec, TrialState
from tuner.store import Store, TestAlreadyRead

PACKAGE = Path(final_test.__file__).parent


def test_nobody_else_reads_the_test_set() -> None:
    named = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if ".sealed_test" in path.read_text(encoding="utf-8")
    }
    assert named == {"final_test.py"}


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    text = {"version": 1, "name": "tiny", "data": {"source": "digits"}, "model": {"backbone": "LeNet5"}}
    (tmp_path / "tiny.yaml").write_text(json.dumps(text))
    parts = [Split(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 0, 1])) for _ in range(3)]
    dataset = Dataset("tiny", "tiny", parts[0], parts[1], ("a", "b"), {}, parts[2])
    return Problem(recipes.load(tmp_path / "tiny.yaml"), dataset, tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "reports", "tiny", {}, "", {}, Silent(), StopFlag())
    curves = LearningCurves(loss=(1.0,), val_loss=(1.0,), val_accuracy=(0.5,))
    for seed in (1, 2):
        spec = TrialSpec(Hyperparameters(), epochs=1, seed=seed, step="change")
        store.record_trial(spec, state=TrialState.COMPLETED, curves=curves, seconds=0.1, engine="head", best_epoch=1)
    return store


def test_the_answer_is_asked_for_once_and_kept(
    problem: Problem, run: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def half_right(problem: Problem, run: Store, trial: Any, images: Any) -> Any:
        asked.append(trial.number)
        return np.array([[0.9, 0.1]] * 4, np.float32)

    monkeypatch.setattr(final_test, "predict", half_right)
    first = final_test.test_once(problem, run, run.trials[1], None)
    assert (first["test_accuracy"], first["test_examples"], first["test_reads"]) == (0.5, 4, 1)
    run.close()
    with Store.resume(run.folder, {}, Silent(), StopFlag()) as again:
        assert final_test.test_once(problem, again, again.trials[1], None) == first
        with pytest.raises(TestAlreadyRead, match="read for trial 2"):
            final_test.test_once(problem, again, again.trials[0], None)
    assert asked == [2]
    with Store.create(tmp_path / "reports", "other", {}, "", {}, Silent(), StopFlag()) as other:
        other.record_trial(
            dataclasses.replace(run.trials[0].spec),
            state=TrialState.COMPLETED, curves=LearningCurves(), seconds=0.1, engine="head",
        )  # fmt: skip
        assert final_test.test_once(problem, other, other.trials[0], None)["test_reads"] == 2
