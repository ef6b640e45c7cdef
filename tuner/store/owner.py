"""Which one process may write to a run?

The one that holds the lock of the file `owner` in the run's folder. The kernel frees the lock when the process ends,
however it ends, so there is nothing to expire and nothing to clean up; the file itself is never deleted, because two
processes could then hold locks on two files of that name.
"""

import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from tuner.store.errors import RunBusy, WriteFailed

OWNER = "owner"
PATIENCE = 0.25  # seconds; a viewer's look at the lock takes microseconds and must not turn an owner away
PAUSE = 0.01  # seconds between two attempts


def acquire(folder: Path) -> int:
    """Own the run until `release` or the end of the process; the descriptor to hand back to `release`.

    Raises `RunBusy`, with the owner's process number and host, within a quarter of a second; `WriteFailed` if the
    folder cannot be written.
    """
    try:
        descriptor = os.open(folder / OWNER, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WriteFailed(folder / OWNER, str(error.strerror)) from error
    deadline = time.monotonic() + PATIENCE
    while not _locked(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise RunBusy(f"{folder} is in use by {_described(folder)}. Wait for it to end, or stop it.")
        time.sleep(PAUSE)
    card = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(card).encode(), 0)
    except OSError:  # a full disk: the lock holds all the same, only its holder's name is missing
        os.ftruncate(descriptor, 0)
    return descriptor


def release(descriptor: int) -> None:
    """Give the run up."""
    os.close(descriptor)


def is_owned(folder: Path) -> bool:
    """Whether a process is writing to the run in `folder` now. Changes nothing; works on a read-only copy."""
    try:
        descriptor = os.open(folder / OWNER, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _described(folder: Path) -> str:
    try:
        card = json.loads((folder / OWNER).read_text())
        return f"process {card['pid']} on {card['host']} since {card['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is writing its card at this moment
        return "another process"
