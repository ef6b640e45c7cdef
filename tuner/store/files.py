"""How does a file come to be whole or not there at all, whatever happens while it is written?

Written under a temporary name, synced, renamed over the final name, and the folder synced: a reader sees the old file
or the new one, and after a power cut the same holds. Temporary names keep the suffix, because Keras asks for it.
"""

import hashlib
import os
from collections.abc import Callable, Collection
from pathlib import Path

TEMPORARY = "tmp-"  # an unfinished file is called tmp-PID-NAME, by the process that writes it


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then put it at `path`, durably. On any error `path` is as it was."""
    place_file(path, write)
    sync_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """`replace_file` for text, as UTF-8; bytes that came in by surrogates go out as they came."""
    replace_file(path, lambda temporary: _write_bytes(temporary, text.encode("utf-8", "surrogateescape")))


def place_file(path: Path, write: Callable[[Path], None]) -> None:
    """`replace_file` without the last sync, for several files of one folder; call `sync_folder` after the last."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        write(temporary)
        sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    sync(folder)


def sync(path: Path) -> None:
    """Everything written to a file or a folder is on the disk afterwards."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path, keep: Collection[str]) -> list[str]:
    """Delete the files of `folder` that are not in `keep`; the names of those deleted."""
    orphans = [entry for entry in folder.iterdir() if entry.is_file() and entry.name not in keep]
    for orphan in orphans:
        orphan.unlink(missing_ok=True)
    return sorted(orphan.name for orphan in orphans)


def sweep_temporary(folder: Path) -> None:
    """Delete what processes that died left half written in `folder`; a viewer may be writing its report right now."""
    for entry in folder.glob(f"{TEMPORARY}*-*"):
        process = entry.name.split("-")[1]
        if not (process.isdigit() and is_running(int(process))):
            entry.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether a process of that number runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
