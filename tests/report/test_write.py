"""From a real run.db to the files, and the command that does it."""

import json
import os

import pytest
from click.testing import CliRunner

from tuner.cli.report import report
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.report import write_report
from tuner.store import Result, Store, StoreError


@pytest.fixture
def folder(run, artifacts, tmp_path):
    """The made-up run, recorded by a real store."""
    store = Store.create(
        tmp_path / "reports", run.name, run.recipe, run.recipe_text, run.environment, Silent(), StopFlag()
    )
    with store:
        store.record_trials(
            [
                Result(
                    t.spec,
                    t.state,
                    t.curves,
                    t.seconds,
                    t.engine,
                    t.reason,
                    t.best_epoch,
                    (lambda p: p.write_bytes(b"w")) if t.spec.keep else None,
                )
                for t in run.trials
            ]
        )
        for finding in run.findings:
            store.record_finding(finding)
        for name, data in artifacts.items():
            store.put_artifact(name, data, "application/json")
        store.finish("finished", run.conclusion)
    return store.folder


def test_a_report_is_three_files_written_from_the_records_alone(run, folder):
    (folder / "trials.csv").unlink()
    page = write_report(folder)
    assert page == folder / "report.html"
    assert run.conclusion["title"] in page.read_text("utf-8")
    written = json.loads((folder / "report.json").read_text())
    assert [step["outcome"] for step in written["steps"]] == ["warn", *["pass"] * 6]
    assert len(written["trials"]) == 30
    assert written["trials"][0]["val_accuracy"] == pytest.approx(0.98519, abs=1e-5)
    assert (folder / "trials.csv").read_text().count("\n") == 31
    assert not list(folder.glob("*tmp*"))


def test_what_the_store_gives_back_makes_the_same_page(run, artifacts, folder):
    first = write_report(folder).read_text("utf-8")
    assert write_report(folder).read_text("utf-8") == first


def test_a_page_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    before = write_report(folder).read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises((OSError, StoreError)):
        write_report(folder)
    assert (folder / "report.html").read_bytes() == before


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StoreError):
        write_report(tmp_path)


@pytest.mark.parametrize("name", ["digits/1", "digits", "1", "digits/0001"])
def test_a_run_is_found_by_folder_name_or_number(folder, name):
    done = CliRunner().invoke(report, [name, "--reports", str(folder.parents[1])])
    assert (done.exit_code, done.stdout) == (0, f"{folder / 'report.html'}\n")
    done = CliRunner().invoke(report, [str(folder)])
    assert done.exit_code == 0


@pytest.mark.parametrize("name", ["roses", "9", "roses/1", "", "/", "./reports"])
def test_a_run_that_is_not_there_is_wrong_use(folder, name):
    done = CliRunner().invoke(report, [name, "--reports", str(folder.parents[1])])
    assert done.exit_code == 2
    assert "tuner runs" in done.stderr


def test_a_number_that_two_runs_have_is_asked_about(folder):
    other = Store.create(folder.parents[1], "roses", {}, "", {}, Silent(), StopFlag())
    other.close()
    done = CliRunner().invoke(report, ["1", "--reports", str(folder.parents[1])])
    assert done.exit_code == 2
    assert "digits/1, roses/1" in done.stderr


def test_json_prints_one_object_and_nothing_else(folder):
    done = CliRunner().invoke(report, [str(folder), "--json"])
    printed = json.loads(done.stdout)
    assert printed["schema"] == "tuner.report/1"
    assert printed["outcome"] == "pass"
    assert printed["files"]["html"] == str(folder / "report.html")


def test_open_asks_the_browser(folder, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    CliRunner().invoke(report, [str(folder), "--open"])
    assert opened == [(folder / "report.html").as_uri()]
