"""The law: when the disk refuses, the error names the place, nothing acknowledged is lost, the run goes on later."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner.records import to_json
from tuner.store import Result, RunBusy, Store, StoreError, WriteFailed, read_run, summarize

SMALL = 256 * 1024  # bytes of the small disk
FILLINGS = range(1, 9)
WEIGHTS = bytes(range(256)) * 8


def mounted(folder: Path, *command: str) -> None:
    """Run a `mount` command, or skip the test with the reason."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(["mount", *command, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted(disk, "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves about so many bytes of the disk free."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - leave)))
    return filler


def record_for_ever(store: Store, result: Callable[..., Result], acknowledged: list[int]) -> None:
    """Record trials with weights, and note the numbers that were acknowledged."""
    while True:
        (trial,) = store.record_trials([result(len(store.trials) + 1, WEIGHTS)])
        acknowledged.append(trial.number)


def record_until_refused(store: Store, result: Callable[..., Result]) -> list[int]:
    """The numbers of the trials that were acknowledged before the disk refused."""
    acknowledged: list[int] = []
    with pytest.raises(WriteFailed, match="the disk is full") as refused:
        record_for_ever(store, result, acknowledged)
    assert str(refused.value.path).startswith(str(store.folder))
    assert str(store.folder) in str(refused.value)
    with pytest.raises(WriteFailed):
        store.record_trials([result(9999)])
    return acknowledged


def test_a_full_disk_loses_nothing_and_the_run_goes_on_after_making_room(
    small_disk: Path, create: Callable[..., Store], resume: Callable[..., Store], result: Callable[..., Result]
) -> None:
    for filling in FILLINGS:
        store = create(small_disk / "reports")
        filler = fill(small_disk, leave=12_000 * filling + 512 * filling)
        acknowledged = record_until_refused(store, result)
        recorded = to_json(store.trials)
        store.close()
        assert to_json(read_run(store.folder).trials) == recorded
        filler.unlink()
        with resume(store.folder) as store:
            assert [trial.number for trial in store.trials] == acknowledged
            assert all(store.weights_path(trial).read_bytes() == WEIGHTS for trial in store.trials)
            store.record_trials([result(500, WEIGHTS)])
            store.finish("finished", {})
            assert not list(store.folder.rglob("tmp-*"))
        shutil.rmtree(small_disk / "reports")


def test_a_run_that_finds_no_room_to_begin_says_where(small_disk: Path, create: Callable[..., Store]) -> None:
    fill(small_disk, leave=4096)
    with pytest.raises(WriteFailed, match=f"{small_disk}.*the disk is full"):
        create(small_disk / "reports")


def test_a_read_only_copy_can_be_read_and_not_resumed(
    tmp_path: Path, create: Callable[..., Store], resume: Callable[..., Store], result: Callable[..., Result]
) -> None:
    with create() as store:
        store.record_trials([result(1, WEIGHTS)])
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy)
    mounted(copy, "--bind", str(copy))
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(copy)], check=True)
        assert len(read_run(copy).trials) == 1
        assert read_run(copy).status == "interrupted"
        with pytest.raises(WriteFailed, match=str(copy)):
            resume(copy)
    finally:
        subprocess.run(["umount", "-l", str(copy)], check=True)


def test_a_commit_that_was_torn_is_read_as_of_the_commit_before_without_touching_the_run(
    tmp_path: Path, create: Callable[..., Store], result: Callable[..., Result]
) -> None:
    with create() as store:
        store.record_trials([result(1)])
        copy = tmp_path / "torn"
        connection = store._database.connection
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        for number in range(50):
            connection.execute("INSERT INTO artifacts VALUES (?, '', ?)", (str(number), b"x" * 5000))
        connection.execute("UPDATE meta SET value = '\"failed\"' WHERE key = 'status'")
        shutil.copytree(store.folder, copy)  # as kill -9 leaves it: pages written, journal hot
        connection.execute("ROLLBACK")
    before = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    assert len(before["run.db-journal"]) > 512
    run = read_run(copy)
    assert len(run.trials) == 1
    assert run.status == "interrupted"
    assert summarize(copy).problem == ""
    assert {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before


FAULTS = [  # the system calls that fail, how, on which file, and from which call on: one resume after the other
    ("pwrite64", "ENOSPC", "run.db", (12, 31)),
    ("pwrite64", "EIO", "run.db", (12, 31)),
    ("fdatasync,fsync", "EIO", "run.db", (12, 31)),
    ("pwrite64", "ENOSPC", "run.db-journal", (12, 31)),
    ("fdatasync,fsync", "EIO", "run.db-journal", (12, 31)),
    ("fsync", "EIO", "weights", (2, 5)),
]


@pytest.mark.parametrize(("calls", "error", "file", "at"), FAULTS)
def test_a_fault_of_the_disk_stops_the_run_and_the_run_goes_on_without_it(
    tmp_path: Path, pretend: Callable[..., list[str]], calls: str, error: str, file: str, at: tuple[int, ...]
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("injecting faults needs strace")
    folder = tmp_path / "reports" / "pretended" / "0001"
    log = tmp_path / "log"
    for when in at:
        inject = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-P", str(folder / file)]
        inject += ["-e", f"inject={calls}:error={error}:when={when}+"]
        done = subprocess.run([*inject, *pretend(tmp_path / "reports", log)], capture_output=True, text=True)
        if "ptrace" in done.stderr:
            pytest.skip("strace may not trace here")
        assert done.returncode == 74, done.stderr
        assert str(folder) in done.stderr
        assert len(done.stderr.splitlines()) == 1
        numbers = [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("done")]
        assert {trial.number for trial in read_run(folder).trials} >= set(numbers)
    subprocess.run(pretend(tmp_path / "reports", log), check=True, capture_output=True)
    run = read_run(folder)
    assert run.status == "finished"
    assert len(run.trials) == 40


def test_what_fails_says_so_as_one_kind_of_error() -> None:
    assert issubclass(WriteFailed, StoreError)
    assert issubclass(RunBusy, StoreError)
