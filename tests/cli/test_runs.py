"""`tuner runs` lists what is there, broken runs too, and answers programs in JSON."""

import json
import os
import time
from pathlib import Path

import pytest

from tuner.cli.main import main
from tuner.cli.runs import COLUMNS, duration
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import LearningCurves, TrialSpec, TrialState
from tuner.store import Result, Store

CONCLUSION = {"outcome": "target_met", "title": "Target met: 0.923", "val_accuracy": 0.9231, "test_accuracy": 0.914}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return tmp_path


def begin(name: str = "flowers") -> Store:
    return Store.create(Path("reports"), name, {"name": name}, "", {}, Silent(), StopFlag())


def record(store: Store, val_accuracy: float) -> None:
    curves = LearningCurves(val_accuracy=(val_accuracy,))
    spec = TrialSpec(Hyperparameters(), epochs=1, seed=len(store.trials), step="short_runs")
    store.record_trials([Result(spec, TrialState.COMPLETED, curves, 1.0, "pretended", best_epoch=1)])


def test_nothing_there_yet_names_the_first_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "No runs under ./reports yet: tuner run recipe.yaml\n"
    assert main(["runs", "elsewhere"]) == 0
    assert "under ./elsewhere yet" in capsys.readouterr().out


def test_each_run_is_a_line_that_says_how_it_ended(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with begin() as finished:
        record(finished, 0.5)
        finished.finish("finished", CONCLUSION)
    with begin() as killed:
        record(killed, 0.25)
        record(killed, 0.625)
    running = begin("other")
    assert main(["runs"]) == 0
    running.close()
    head, *lines = capsys.readouterr().out.splitlines()
    words = [line.split() for line in lines]
    assert tuple(head.split()) == COLUMNS
    assert [(w[0], w[1], *w[6:9]) for w in words] == [
        ("flowers/0001", "finished", "1", "0.923", "0.914"),
        ("flowers/0002", "interrupted", "2", "0.625", "-"),
        ("other/0001", "running", "0", "-", "-"),
    ]
    assert lines[0].endswith("target met  reports/flowers/0001")
    assert len({line.index("reports/") for line in lines}) == 1


def test_a_run_that_cannot_be_read_is_listed_and_explained_on_stderr(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin().close()
    broken = here / "reports" / "flow\x1b[31mers" / "0001"
    broken.mkdir(parents=True)
    (broken / "run.db").write_bytes(b"no database" * 1000)
    assert main(["runs"]) == 0
    out, err = capsys.readouterr()
    assert "flow?[31mers/0001  unreadable" in out
    assert err.startswith("! ")
    assert "is damaged: file is not a database" in err
    assert "\x1b" not in out + err


def test_programs_get_one_json_object(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with begin() as store:
        record(store, float("nan"))
        store.finish("finished", {**CONCLUSION, "val_accuracy": float("nan")})
    assert main(["runs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "tuner.runs/1"
    assert told["folder"] == os.path.join(here, "reports")
    (run,) = told["runs"]
    assert (run["name"], run["number"], run["status"], run["trials"]) == ("flowers", 1, "finished", 1)
    assert run["val_accuracy"] is None
    assert main(["runs", "nowhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_durations_are_read_at_a_glance() -> None:
    seconds = [0.4, 8, 99.4, 99.6, 2460, 5999, 11100, 90000]
    assert [duration(s) for s in seconds] == [
        "0 s",
        "8 s",
        "99 s",
        "2 min",
        "41 min",
        "1 h 40 min",
        "3 h 05 min",
        "25 h 00 min",
    ]
