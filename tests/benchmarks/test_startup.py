"""How start-up is measured: what is passed on to the processes, and which figure stands for many rounds."""

import sys
from pathlib import Path

import pytest

from benchmarks.goals import from_startup
from benchmarks.startup import PYTHON, Times, own_folders, ratio, run
from benchmarks.turns import Bench, Failed


def times(*seconds: float) -> list[Times]:
    return [Times(one, one + 1) for one in seconds]


def test_a_machine_that_slows_down_meanwhile_does_not_change_the_ratio() -> None:
    assert ratio(times(3, 3, 30, 30), times(2, 2, 20, 20)) == pytest.approx(1.5)


def test_a_disturbed_round_does_not_count() -> None:
    assert ratio(times(3, 90, 3), times(2, 2, 2)) == pytest.approx(1.5)


def test_rounds_that_have_no_neighbour_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio(times(3, 3), times(2))


def test_measured_processes_know_none_of_our_settings_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("PYTHONPATH", "here")
    with own_folders() as environment:
        assert {name for name in environment if name.startswith("PYTHON")} == {"PYTHONPATH", "PYTHONPYCACHEPREFIX"}
        folder = Path(environment["PYTHONPYCACHEPREFIX"]).parent
        run([*PYTHON, "import json"], environment)
        assert list(folder.rglob("json/*.pyc"))
    assert not folder.exists()


def test_the_answer_is_the_line_with_the_verdict() -> None:
    with own_folders() as environment:
        found = run([*PYTHON, "import time; print('! slow', flush=True); time.sleep(0.3)"], environment)
    assert found.end - found.answer > 0.2


def test_a_process_that_fails_says_why() -> None:
    with own_folders() as environment, pytest.raises(RuntimeError, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"], environment)


def test_a_figure_takes_fewer_rounds_in_a_small_run_only_if_told_so() -> None:
    asked: list[int] = []

    def figure(rounds: int = 20) -> float:
        asked.append(rounds)
        return 1.0

    for few in (3, None):
        for rounds in (1, 2):
            from_startup(figure, few)(Bench(rounds=rounds))
    assert asked == [3, 20, 20, 20]


def test_a_figure_that_cannot_be_measured_is_a_failure() -> None:
    def figure() -> float:
        raise RuntimeError("tuner --help ended with 1")

    with pytest.raises(Failed, match="ended with 1"):
        from_startup(figure)(Bench())
