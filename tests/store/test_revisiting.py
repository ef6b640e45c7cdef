"""A run that has ended can be given pictures, and nothing else of it changes."""

from collections.abc import Callable

import pytest

from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.store import RunBusy, Store, StoreError, read_artifact, read_run, revisit


def test_a_revisit_adds_artifacts_and_changes_nothing_else(create: Callable[..., Store]) -> None:
    run = create()
    run.finish("finished", {"title": "done"})
    with pytest.raises(RunBusy):
        revisit(run.folder, Silent(), StopFlag())
    run.close()
    before = read_run(run.folder)
    with revisit(run.folder, Silent(), StopFlag()) as again:
        again.put_artifact("picture.json", b"[1]", "application/json")
        assert again.status == "finished"
    assert read_artifact(run.folder, "picture.json") == b"[1]"
    assert read_run(run.folder) == before
    with revisit(run.folder, Silent(), StopFlag()):  # the first one gave it up
        pass


def test_what_is_no_run_cannot_be_revisited(tmp_path) -> None:
    with pytest.raises(StoreError):
        revisit(tmp_path, Silent(), StopFlag())
