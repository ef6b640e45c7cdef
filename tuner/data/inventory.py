"""What lies in the cache folder, and what of it may go? Everything there can be made again; some of it takes long.

Only what has a name that this program gives is known here, and only that is ever deleted. What a process is writing
at this moment stays: a temporary file whose process runs, or that is younger than an hour.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.data.cache import MANIFEST
from tuner.store.files import is_running

DATA, FEATURES, RECIPES, LEFTOVERS = "data", "features", "recipes", "leftovers"
KINDS = (DATA, FEATURES, RECIPES, LEFTOVERS)
LIVE = 3600.0  # seconds for which a temporary file may belong to a process of another machine that shares the folder
KEY = re.compile(r"[0-9a-f]{16,64}")  # the part of a name that says what it holds
TEMPORARY = re.compile(r"\.tmp(-(?P<process>\d+)(-[0-9a-f]+)?|-broken-[0-9a-f]+)?$")


@dataclass(frozen=True)
class Stored:
    """One thing in the cache that is used, and can be deleted, as a whole."""

    kind: str  # one of KINDS
    name: str  # for people
    path: Path  # a file or a folder
    size: int  # bytes
    used: float  # when it was read or written last, in seconds since 1970, as the file system knows it
    images: int | None = None


def inventory(root: Path) -> list[Stored]:
    """Everything of ours under the cache folder, by kind, the most recently used first; nothing if there is none."""
    found = [*_data(root / "data"), *_features(root / "features"), *_recipes(root / "recipes")]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -one.used))


def others(root: Path) -> tuple[int, list[str]]:
    """Bytes of what is in the cache folder and not ours to delete, and the names that it has there."""
    ours = {one.path for one in inventory(root)}
    size, names = 0, set()
    for file in _files(root):
        if ours.isdisjoint((file, *file.parents)):
            size += _size(file)
            names.add(file.relative_to(root).parts[0])
    return size, sorted(names)


def remove(one: Stored) -> None:
    """Delete it. A folder first loses its name, so that nobody finds half of it. Raises `OSError`."""
    if one.path.is_dir():
        going = one.path
        if not TEMPORARY.search(going.name):
            going = going.with_name(f"{going.name}.tmp-{os.getpid()}-{os.urandom(4).hex()}")
            one.path.rename(going)
        shutil.rmtree(going)
    else:
        one.path.unlink(missing_ok=True)


def _data(folder: Path) -> Iterator[Stored]:
    """The decoded data sets: a folder each, called by its key."""
    for entry in _entries(folder):
        if TEMPORARY.search(entry.name) and KEY.match(entry.name):
            yield from _leftover(entry)
        elif entry.is_dir() and KEY.fullmatch(entry.name):
            manifest = _manifest(entry / MANIFEST)
            counts = manifest.get("counts")
            parts = counts.values() if isinstance(counts, dict) else ()
            images = sum(sum(part) for part in parts if isinstance(part, list))
            yield _stored(
                DATA, f"{manifest.get('source') or 'unknown'} {_shape(manifest)}".strip(), entry, images or None
            )


def _features(folder: Path) -> Iterator[Stored]:
    """What frozen backbones saw of a split: an array each; and notes beside them, JSON files called by a key."""
    for file in _files(folder):
        if TEMPORARY.search(file.name):
            yield from _leftover(file)
        elif file.suffix == ".npy" and KEY.search(file.stem):
            shape = _array_shape(file)
            split = KEY.sub("", file.stem).strip("-_. ") or "features"
            each = " x ".join(map(str, shape[1:]))
            yield _stored(FEATURES, f"{split}, {each} an image" if each else split, file, shape[0] if shape else None)
        elif file.suffix == ".json" and (KEY.search(file.stem) or file.parent.name == "known"):
            yield _stored(FEATURES, f"note {file.stem[:20]}", file)


def _recipes(folder: Path) -> Iterator[Stored]:
    """Recipes as they were read: a JSON file each, called by its key."""
    for file in _files(folder):
        if TEMPORARY.search(file.name):
            yield from _leftover(file)
        elif file.suffix == ".json" and KEY.fullmatch(file.stem):
            yield _stored(RECIPES, f"recipe {file.stem[:8]}", file)


def _leftover(path: Path) -> Iterator[Stored]:
    """What a process left half written, unless it may still be at it."""
    writer = TEMPORARY.search(path.name)
    process = int(writer["process"]) if writer and writer["process"] else None
    one = _stored(LEFTOVERS, path.name, path)
    if time.time() - one.used > LIVE and not (process and is_running(process)):
        yield one


def _stored(kind: str, name: str, path: Path, images: int | None = None) -> Stored:
    files = list(_files(path)) if path.is_dir() else [path]
    used = max([_used(file) for file in files] or [_used(path)])
    return Stored(kind, name, path, sum(map(_size, files)), used, images)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, without links; nothing if it cannot be read."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.is_symlink())
    except OSError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder; links are not followed."""
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # it went while we looked
        return 0


def _used(path: Path) -> float:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0.0
    return max(status.st_atime, status.st_mtime)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8", opener=_unnoticed) as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _shape(manifest: dict[str, Any]) -> str:
    """`224 x 224 x 3` of a data set; empty if it does not say."""
    size, channels = manifest.get("image_size"), manifest.get("channels")
    return " x ".join(map(str, (*size, channels))) if isinstance(size, list) and channels else ""


def _array_shape(file: Path) -> tuple[int, ...]:
    """The shape that stands in a .npy file's first bytes; empty if it is no such file."""
    try:
        with open(file, "rb", opener=_unnoticed) as stream:
            version = np.lib.format.read_magic(stream)
            readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            return tuple(readers[version](stream)[0])
    except (OSError, ValueError, KeyError):
        return ()


def _unnoticed(path: str, flags: int) -> int:
    """Open a file without making it look used, where the system can."""
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # somebody else's file
        return os.open(path, flags)
