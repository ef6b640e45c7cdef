"""What readers see: the run at one instant, or one clear sentence; and the writer does not notice them."""

import csv
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tuner.hyperparameters import PATHS, Hyperparameters
from tuner.records import LearningCurves, TrialSpec
from tuner.store import Result, Store, StoreError, export_csv, list_runs, read_run, summarize
from tuner.store.schema import SCHEMA

Make = Callable[..., Store]
Of = Callable[..., Result]


def altered(store: Store, statement: str) -> Path:
    """The closed run, with its database changed by hand."""
    store.close()
    with closing(sqlite3.connect(store.folder / "run.db")) as connection, connection:
        connection.execute(statement)
    return store.folder


def test_viewers_that_poll_see_whole_commits_and_do_not_stop_the_writer(
    tmp_path: Path, pretend: Callable[..., list[str]]
) -> None:
    reports, seen = tmp_path / "reports", [0]
    with subprocess.Popen(pretend(reports, tmp_path / "log"), stdout=subprocess.DEVNULL) as writer:
        while writer.poll() is None:
            for summary in list_runs(reports):
                if not summary.problem:
                    run = read_run(Path(summary.folder))
                    seen.append(len(run.trials))
                    assert {number for found in run.findings for number in found.trials} <= {
                        *range(len(run.trials) + 1)
                    }
            time.sleep(0.005)
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert not {*seen} & {*range(11, 20)}, "a round that is recorded together is one commit"
    assert [run.status for run in list_runs(reports)] == ["finished"]


def test_reading_changes_no_byte(create: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(1)])
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in store.folder.rglob("*") if path.is_file()}
    read_run(store.folder)
    list_runs(store.folder.parents[1])
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before}
    assert len(before) == len([path for path in store.folder.rglob("*") if path.is_file()])


def test_a_newer_schema_is_refused_and_left_alone(create: Make, resume: Make) -> None:
    folder = altered(create(), f"PRAGMA user_version = {SCHEMA + 1}")
    before = (folder / "run.db").read_bytes()
    with pytest.raises(StoreError, match=rf"newer tuner: schema {SCHEMA + 1}, .* Upgrade tuner"):
        read_run(folder)
    with pytest.raises(StoreError, match="newer tuner"):
        resume(folder)
    assert (folder / "run.db").read_bytes() == before


OLD = (  # schema 1: two columns less, every curve in the JSON, a spec without the fields of today
    "CREATE TABLE old (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, json TEXT NOT NULL,"
    " weights_size INTEGER, weights_sha256 TEXT)",
    "INSERT INTO old SELECT number, 'key' || number, json_remove(json_set(json, '$.curves.step_loss',"
    " json('[2.5,\"nan\"]'), '$.curves.step_learning_rate', json('[0.1,0.1]')), '$.spec.horizon'),"
    " weights_size, weights_sha256 FROM trials",
    "DROP TABLE trials",
    "ALTER TABLE old RENAME TO trials",
    "PRAGMA user_version = 1",
)


def test_a_run_of_the_first_schema_is_read_as_it_is_and_goes_on_when_resumed(
    create: Make, resume: Make, result: Of
) -> None:
    with create() as store:
        store.record_trials([result(1, b"w"), result(2)])
    with closing(sqlite3.connect(store.folder / "run.db")) as connection, connection:
        for statement in OLD:
            connection.execute(statement)
    before = (store.folder / "run.db").read_bytes()
    old = read_run(store.folder).trials
    assert [str(trial.curves.step_loss) for trial in old] == ["(2.5, nan)"] * 2
    assert old[0].curves.step_learning_rate == (0.1, 0.1)
    assert (store.folder / "run.db").read_bytes() == before
    with resume(store.folder) as again:
        assert again.remembered(result(1).spec) == again.trials[0]
        assert again.weights_path(again.trials[0]).read_bytes() == b"w"
        again.record_trials([result(1), result(3, curves=LearningCurves(step_loss=(0.1, 0.2)))])
        again.drop_weights(())
    run = read_run(store.folder)
    assert [trial.number for trial in run.trials] == [1, 2, 3]
    assert str(run.trials) == str(again.trials)
    assert run.trials[2].curves.step_loss == (0.1, 0.2)
    assert str(run.trials[1].curves) == str(old[1].curves)


def test_a_finished_run_of_the_first_schema_stays_as_it_is(create: Make, resume: Make) -> None:
    with create() as store:
        store.finish("finished", {})
    with closing(sqlite3.connect(store.folder / "run.db")) as connection, connection:
        for statement in OLD:
            connection.execute(statement)
    before = (store.folder / "run.db").read_bytes()
    with pytest.raises(StoreError, match="nothing to resume"):
        resume(store.folder)
    assert (store.folder / "run.db").read_bytes() == before


def test_what_is_not_a_run_is_said_in_one_sentence(tmp_path: Path, create: Make, resume: Make) -> None:
    empty, file, foreign, text, begun = (tmp_path / name for name in ("empty", "file", "foreign", "text", "begun"))
    file.write_text("")
    for folder in (empty, foreign, text, begun):
        folder.mkdir()
    (text / "run.db").write_bytes(b"this is not a database, but it is long enough to look" * 100)
    (begun / "run.db").write_bytes(b"")
    with closing(sqlite3.connect(foreign / "run.db")) as connection, connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    sentences = {
        tmp_path / "nowhere": "no such folder",
        file: "is a file",
        empty: "is not a run: it has no run.db",
        text: "is damaged: file is not a database",
        foreign: "not a run of tuner",
        begun: "stopped before it began",
    }
    for folder, sentence in sentences.items():
        with pytest.raises(StoreError, match=sentence):
            read_run(folder)
        with pytest.raises(StoreError, match=sentence):
            resume(folder)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE trials SET json = '{\"number\": 1'",
        "UPDATE trials SET json = '{\"number\": 1}'",
        "UPDATE trials SET json = '[]'",
        "UPDATE meta SET value = 'x' WHERE key = 'recipe'",
        "DELETE FROM meta WHERE key = 'created'",
        "DROP TABLE findings",
        "UPDATE trials SET step_loss = x'66000000'",
        "UPDATE trials SET step_loss = x'7a00000000'",
        "UPDATE trials SET step_loss = 'text'",
    ],
)
def test_damaged_records_are_a_store_error(create: Make, result: Of, resume: Make, damage: str) -> None:
    store = create()
    store.record_trials([result(1)])
    folder = altered(store, damage)
    with pytest.raises(StoreError, match=r"run\.db"):
        read_run(folder)


def test_a_file_cut_anywhere_is_an_error_or_whole(create: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(number) for number in range(1, 40)])
    data = (store.folder / "run.db").read_bytes()
    for size in range(0, len(data), 1777):
        (store.folder / "run.db").write_bytes(data[:size])
        summary = summarize(store.folder)
        try:
            assert len(read_run(store.folder).trials) == 39
        except StoreError:
            continue
        assert summary.problem == ""


def test_runs_are_listed_oldest_first_with_the_broken_ones_and_why(
    tmp_path: Path, create: Make, result: Of, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = tmp_path / "reports"
    assert list_runs(reports) == []
    conclusion = {"outcome": "target_met", "title": "Met", "val_accuracy": 0.75, "test_accuracy": 0.5}
    with create() as first:
        first.record_trials([result(1)])
        first.finish("finished", conclusion)
    second = create(name="other")
    second.record_trials([result(1), result(2, curves=LearningCurves(val_accuracy=(0.1, 0.625)))])
    (reports / "flowers" / "0002").mkdir()
    (reports / "flowers" / "0002" / "run.db").write_bytes(b"x" * 9000)
    (reports / "flowers" / "notes").mkdir()
    (reports / "stray.txt").write_text("")
    broken, one, two = list_runs(reports)
    assert (broken.name, broken.number, broken.status) == ("flowers", 2, "unreadable")
    assert "damaged" in broken.problem
    assert (one.status, one.trials, one.val_accuracy, one.test_accuracy) == ("finished", 1, 0.75, 0.5)
    assert (one.outcome, one.title, one.folder) == ("target_met", "Met", str(first.folder))
    assert (two.status, two.trials, two.val_accuracy, two.test_accuracy) == ("running", 2, 0.625, None)
    assert [run.number for run in list_runs(reports / "flowers")] == [2, 1]


def test_the_table_of_trials_runs_no_formula(create: Make, result: Of) -> None:
    evil = TrialSpec(Hyperparameters(optimizer="=1+1", l2=-0.5), 2, 0, "+short", stage="@head")
    with create() as store:
        store.record_trials([result(1), result(2, spec=evil, reason="-2+3\nsecond line", curves=LearningCurves())])
        path = export_csv(store.folder)
    with path.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["val_accuracy"], first["val_loss"], first["loss"], first["accuracy"]) == ("0.5", "1.5", "1.0", "")
    assert float(first["optimizer.learning_rate"]) == result(1).spec.hyperparameters.learning_rate
    assert (second["optimizer.name"], second["step"], second["stage"]) == ("'=1+1", "'+short", "'@head")
    assert second["reason"] == "'-2+3\nsecond line"
    assert second["regularization.l2"] == "-0.5"
    assert set(PATHS) <= set(first)


def test_finishing_writes_the_table(create: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(1)])
        store.finish("interrupted", {})
    assert len((store.folder / "trials.csv").read_text().splitlines()) == 2
