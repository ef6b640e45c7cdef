"""The test set is read once: the intention is on the disk before the reading; after the answer nobody reads again."""

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.records import spec_from_json, to_json
from tuner.store import Store, TestAlreadyRead, readers_of_test
from tuner.store.schema import get_meta, reading

Make = Callable[..., Store]

READS = """
import os, signal, sys
from pathlib import Path
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.store import Store

folder, recipe, dies = Path(sys.argv[1]), eval(sys.argv[2]), sys.argv[3]
with Store.resume(folder, recipe, Silent(), StopFlag()) as run:
    if dies == "before":
        run._put = lambda **values: os.kill(os.getpid(), signal.SIGKILL)
        run.sealed._put = run._put
    run.open_test(2, "these images")
    print("the first image is read", flush=True)
    if dies == "between":
        os.kill(os.getpid(), signal.SIGKILL)
    run.sealed.record({"test_accuracy": 0.75, "test_interval": (0.5, 0.9)})
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def begun(create: Make, result: Callable[..., Any]) -> Path:
    with create() as store:
        store.record_trials([result(1, b"w"), result(2, b"w")])
    return store.folder


def killed(folder: Path, recipe: dict[str, Any], dies: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READS, str(folder), repr(recipe), dies], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


def test_the_intention_is_on_the_disk_before_the_first_image_is_read(begun: Path, recipe: dict[str, Any]) -> None:
    assert killed(begun, recipe, "before") == ""
    with reading(begun) as connection:
        assert get_meta(connection)["test"] is None
    assert killed(begun, recipe, "between") == "the first image is read\n"
    with reading(begun) as connection:
        meta = get_meta(connection)
    assert (meta["test"], meta["test_images"], meta["test_answer"]) == (2, "these images", None)


def test_a_reading_that_was_cut_short_is_no_look_at_another_trial_or_at_other_images(
    begun: Path, recipe: dict[str, Any], resume: Make
) -> None:
    killed(begun, recipe, "between")
    again = resume(begun)
    assert again.sealed.answer(2) is None
    with pytest.raises(TestAlreadyRead, match="read for trial 2; this run will not read it again"):
        again.open_test(1, "these images")
    with pytest.raises(TestAlreadyRead, match="the test images have changed since"):
        again.open_test(2, "other images")
    again.open_test(2, "these images")
    with pytest.raises(TestAlreadyRead):
        again.open_test(2, "these images")


def test_after_the_answer_a_resumed_run_has_it_and_nobody_reads_again(
    begun: Path, recipe: dict[str, Any], resume: Make
) -> None:
    killed(begun, recipe, "after")
    again = resume(begun)
    assert again.sealed.answer(2) == {"test_accuracy": 0.75, "test_interval": [0.5, 0.9]}
    with pytest.raises(TestAlreadyRead, match="read for trial 2"):
        again.sealed.answer(1)
    for trial in (1, 2):
        with pytest.raises(TestAlreadyRead, match="read for trial 2"):
            again.open_test(trial, "these images")


def test_runs_of_any_name_that_read_the_same_images_are_counted(
    create: Make, result: Callable[..., Any], tmp_path: Path
) -> None:
    folders = []
    for name, images in (("flowers", "these"), ("flowers", "these"), ("trees", "these"), ("trees", "others")):
        store = create(name=name)
        store.record_trials([result(1)])
        store.open_test(1, images)
        folders.append(store.folder)
    unread, damaged = create(), create()
    unread.record_trials([result(1)])
    (damaged.folder / "run.db").write_bytes(b"no database")
    assert readers_of_test(tmp_path / "reports", "these") == folders[:3]
    assert readers_of_test(tmp_path / "reports", "others") == folders[3:]
    assert readers_of_test(tmp_path / "reports", "") == []


def test_a_run_begun_before_there_were_answers_reads_once_too(begun: Path, resume: Make) -> None:
    store = resume(begun)
    with store._database.commit() as connection:
        connection.execute("DELETE FROM meta WHERE key IN ('test_images', 'test_answer')")
    store.close()
    again = resume(begun)
    assert again.sealed.answer(2) is None
    again.open_test(2, "these images")
    again.sealed.record({"test_accuracy": 0.5})
    with pytest.raises(TestAlreadyRead):
        again.open_test(2, "these images")


def test_a_spec_keeps_its_fold_and_an_older_one_has_none(result: Callable[..., Any]) -> None:
    spec = dataclasses.replace(result(1).spec, fold=(2, 5))
    assert spec_from_json(to_json(spec)) == spec
    older = {key: value for key, value in to_json(spec).items() if key != "fold"}
    assert spec_from_json(older).fold is None


def test_a_fold_is_no_run_s_best(create: Make, result: Callable[..., Any]) -> None:
    store = create()
    one = result(1)
    store.record_trials([dataclasses.replace(one, spec=dataclasses.replace(one.spec, fold=(1, 2)))])
    with reading(store.folder) as connection:
        assert get_meta(connection)["best_val_accuracy"] == "nan"
    store.record_trials([one])
    with reading(store.folder) as connection:
        assert get_meta(connection)["best_val_accuracy"] == 0.5
