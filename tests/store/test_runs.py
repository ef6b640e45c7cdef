"""Where runs live, who owns them, what a resume accepts, and how often the test set is read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tuner import store as module
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Change, Finding, warned
from tuner.store import (
    RecipeChanged,
    Result,
    RunBusy,
    RunFinished,
    Store,
    StoreError,
    artifact_names,
    list_runs,
    read_artifact,
    read_run,
)

Make = Callable[..., Store]
Of = Callable[..., Result]

HOLD = """
import sys, time
from pathlib import Path
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.store import Store
print("ready", flush=True)
sys.stdin.readline()
store = Store.resume(Path(sys.argv[1]), {recipe!r}, Silent(), StopFlag())
print("owner", flush=True)
time.sleep(60)
"""


def test_every_run_gets_the_next_folder_and_none_is_used_twice(tmp_path: Path, create: Make) -> None:
    numbers = [create().number for _ in range(3)]
    (tmp_path / "reports" / "flowers" / "0007").mkdir()
    (tmp_path / "reports" / "flowers" / "notes").mkdir()
    assert [*numbers, create().number] == [1, 2, 3, 8]
    assert create(name="other").folder == tmp_path / "reports" / "other" / "0001"


def test_a_run_that_begins_leaves_its_recipe_for_people(create: Make, recipe: dict[str, Any]) -> None:
    folder = create().folder
    assert (folder / "recipe.yaml").read_text() == "name: flowers\n"
    assert YAML(typ="safe").load(folder / "recipe.resolved.yaml") == recipe


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0b"])
def test_a_name_that_would_leave_the_reports_folder_is_refused(tmp_path: Path, create: Make, name: str) -> None:
    with pytest.raises(StoreError, match="name of a folder"):
        create(name=name)
    assert not (tmp_path / "reports").exists()


def test_a_second_owner_is_refused_at_once_and_told_who_the_first_is(create: Make, resume: Make) -> None:
    store = create()
    began = time.monotonic()
    with pytest.raises(RunBusy, match=rf"in use by process {os.getpid()} on "):
        resume(store.folder)
    assert time.monotonic() - began < 1
    store.close()
    resume(store.folder)


def test_of_many_that_resume_at_once_one_owns_the_run_until_it_is_killed(
    create: Make, resume: Make, recipe: dict[str, Any]
) -> None:
    with create() as store:
        pass
    command = [sys.executable, "-c", HOLD.format(recipe=recipe), str(store.folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(command, text=True, **pipes) for _ in range(8)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    owners = [process for process in started if process.stdout.readline() == "owner\n"]
    assert len(owners) == 1
    refused = [process.communicate()[1] for process in started if process not in owners]
    assert all("RunBusy" in text for text in refused)
    assert read_run(store.folder).status == "running"
    owners[0].send_signal(signal.SIGSTOP)
    with pytest.raises(RunBusy, match=f"process {owners[0].pid} "):
        resume(store.folder)
    owners[0].kill()
    owners[0].communicate()
    assert read_run(store.folder).status == "interrupted"
    resume(store.folder)


def test_a_resume_goes_on_with_the_time_and_the_findings(
    create: Make, resume: Make, result: Of, finding: Callable[..., Finding]
) -> None:
    change = Change("model.dropout", 0.3, "it overfits", before=0.0)
    found = Finding(
        "change", 1, "head", "Better?", {"gain": float("inf")}, (warned("w", "s", change),), (change,), (1,)
    )
    with create() as store:
        time.sleep(0.05)
        store.record_trials([result(1)])
        store.record_finding(finding("data", 0, classes=["a"]))
        assert store.record_finding(found) == found.__class__(**{**vars(found), "evidence": {"gain": "inf"}})
        assert store.record_finding(Finding(**{**vars(found), "question": "again"})).question == "Better?"
        spent = read_run(store.folder).seconds
        assert spent >= 0.05
    with resume(store.folder) as again:
        assert again.findings == store.findings
        assert again.seconds >= spent
        again.record_trials([result(2)])
        assert read_run(store.folder).seconds >= spent
        assert again.finding("change", 1) == again.finding("change", 1, "head") == store.findings[1]
        assert again.finding("change", 1, "all") is None
        assert again.finding("change", 2) is None


def test_a_resume_with_another_recipe_names_what_differs(create: Make, resume: Make, recipe: dict[str, Any]) -> None:
    with create() as store:
        pass
    changed = json.loads(json.dumps(recipe))
    changed["data"]["batch_size"] = 64
    changed["optimizer"] = {"name": "SGD", "learning_rate": "auto", "momentum": 0.9}
    with pytest.raises(RecipeChanged, match=r"data\.batch_size, optimizer\.name, optimizer\.momentum") as refused:
        resume(store.folder, changed)
    assert refused.value.differences == ("data.batch_size", "optimizer.name", "optimizer.momentum")
    resume(store.folder).close()


def test_a_resume_may_change_what_changes_no_result(create: Make, resume: Make, recipe: dict[str, Any]) -> None:
    with create() as store:
        pass
    wider = {**recipe, "budget": {"max_time": 7200}, "report": {"embed_images": 0}, "description": "go on"}
    resume(store.folder, wider).close()
    assert read_run(store.folder).recipe == wider
    assert YAML(typ="safe").load(store.folder / "recipe.resolved.yaml") == wider


def test_numbers_that_are_equal_are_no_difference(create: Make, resume: Make, recipe: dict[str, Any]) -> None:
    with create() as store:
        pass
    resume(store.folder, {**recipe, "seed": 1.0})


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_a_run_that_ended_early_can_go_on(create: Make, resume: Make, status: str) -> None:
    with create() as store:
        store.finish(status, {"outcome": "interrupted"})
    assert read_run(store.folder).status == status
    with resume(store.folder) as again:
        assert again.status == "running"
        assert read_run(store.folder).conclusion == {}


def test_a_finished_run_is_told_so_and_stays_as_it_is(create: Make, resume: Make) -> None:
    with create() as store:
        store.finish("finished", {"outcome": "no_target", "val_accuracy": float("nan")})
    before = (store.folder / "run.db").read_bytes()
    with pytest.raises(RunFinished, match="nothing to resume"):
        resume(store.folder)
    assert (store.folder / "run.db").read_bytes() == before
    assert read_run(store.folder).conclusion == {"outcome": "no_target", "val_accuracy": "nan"}


def test_a_run_ends_in_one_of_three_ways(create: Make) -> None:
    with pytest.raises(ValueError, match="finished, interrupted, failed; got 'done'"):
        create().finish("done", {})


def test_a_resume_sweeps_what_was_never_committed(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(1, b"w")])
    (store.folder / "weights" / "0002.npz").write_bytes(b"orphan")
    (store.folder / "weights" / "tmp-1-0003.npz").write_bytes(b"half")
    (store.folder / f"tmp-{os.getpid()}-report.html").write_bytes(b"being written by a viewer")
    (store.folder / "tmp-999999999-best.keras").write_bytes(b"long dead")
    resume(store.folder)
    assert [path.name for path in (store.folder / "weights").iterdir()] == ["0001.npz"]
    assert [path.name for path in store.folder.glob("tmp-*")] == [f"tmp-{os.getpid()}-report.html"]


def test_the_test_set_is_read_once(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(1), result(2)])
        with pytest.raises(StoreError, match="no trial 3"):
            store.open_test(3)
        store.open_test(2)
        with pytest.raises(module.TestAlreadyRead, match="read for trial 2"):
            store.open_test(2)


def test_after_a_crash_the_test_set_is_read_for_the_same_trial_only(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        store.record_trials([result(1), result(2)])
        store.open_test(2)
    with resume(store.folder) as again:
        with pytest.raises(module.TestAlreadyRead, match="read for trial 2"):
            again.open_test(1)
        again.open_test(2)
        with pytest.raises(module.TestAlreadyRead):
            again.open_test(2)
        again.finish("finished", {})
        with pytest.raises(module.TestAlreadyRead):
            again.open_test(2)


def test_artifacts_are_bytes_by_name_and_the_last_stays(create: Make) -> None:
    data = bytes(range(256)) * 1000
    with create() as store:
        store.put_artifact("samples.json", b"[]", "application/json")
        store.put_artifact("samples.json", data, "application/json")
        store.put_artifact("../\N{SNOWMAN}", b"", "text/plain")
    assert read_artifact(store.folder, "samples.json") == data
    assert read_artifact(store.folder, "none") is None
    assert artifact_names(store.folder) == ("../\N{SNOWMAN}", "samples.json")


def test_the_device_is_added_to_the_environment(create: Make) -> None:
    store = create()
    store.note_device({"name": "cpu (2 cores)"})
    assert read_run(store.folder).environment == {"python": "3", "device": {"name": "cpu (2 cores)"}}


def test_a_file_name_that_is_no_unicode_is_kept(create: Make, finding: Callable[..., Finding]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    store = create()
    store.record_finding(finding("data", 0, skipped=[[name, "not an image"]]))
    assert read_run(store.folder).findings[0].evidence["skipped"][0][0] == name


def test_a_recipe_that_is_no_unicode_begins_a_run(tmp_path: Path) -> None:
    text = b"name: caf\xe9\n".decode("utf-8", "surrogateescape")
    with Store.create(tmp_path, "x", {"name": "x"}, text, {}, Silent(), StopFlag()) as store:
        assert (store.folder / "recipe.yaml").read_bytes() == b"name: caf\xe9\n"
        assert read_run(store.folder).recipe_text == text


def test_events_follow_the_run_and_never_stop_it(create: Make, result: Of, finding: Callable[..., Finding]) -> None:
    with create() as store:
        store.record_trials([result(1)])
        events = store.folder / "events.jsonl"
        events.write_text(events.read_text() + '{"event": "cut sho')
        store.record_finding(finding())
        *_, cut, last = events.read_text().splitlines()
        assert cut.endswith("cut sho")
        assert json.loads(last)["sentence"] == "It works."
        events.unlink()
        events.mkdir()
        store.record_trials([result(2)])
    assert len(list_runs(store.folder.parents[1])) == 1
    assert len(read_run(store.folder).trials) == 2
