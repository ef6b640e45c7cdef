"""Where do decoded images stay? A folder of plain .npy files for each key, there in whole or not at all.

A folder is written under a temporary name, flushed to the disk and renamed: whoever finds the final name finds all of
it. Two processes that write the same key do no harm; the second to finish throws its work away. Rows are written one
after the other as ordinary writes, so that a full disk is an error with a name, not a crash of a memory map.
"""

import errno
import json
import mmap
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import PARTS, DataError, Split
from tuner.store.files import sync

if TYPE_CHECKING:
    from tuner.recipe import Recipe

ABANDONED = 24 * 3600  # seconds after which a temporary folder belongs to nobody
MANIFEST = "manifest.json"


def cache_folder(recipe: "Recipe") -> Path:
    """`data.cache_dir`, else $TUNER_CACHE_DIR, else ~/.cache/tuner. Not created here."""
    asked = recipe.data.cache_dir or os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner"
    return Path(recipe.path).parent.absolute() / Path(asked).expanduser()


def load(folder: Path) -> tuple[dict[str, Split], dict[str, Any]] | None:
    """The splits (memory-mapped) and the manifest in a cache folder; None if it is not there or not whole."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in manifest["files"]}
        if sizes != manifest["files"]:
            return None
        splits = {part: _split(folder, part) for part in PARTS}
    except (OSError, ValueError, KeyError):
        return None
    return splits, manifest


def store(folder: Path, write: Callable[[Path], Mapping[str, Any]]) -> None:
    """Make a cache folder: `write(temporary folder)` fills it and returns the manifest. Raises `DataError` if full."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"data.cache_dir: {folder.parent} cannot be made: {error.strerror}.") from error
    _sweep(folder.parent)
    temporary = folder.with_name(f"{folder.name}.tmp-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        temporary.mkdir()
        manifest = dict(write(temporary))
        files = sorted(temporary.iterdir())
        manifest["files"] = {path.name: path.stat().st_size for path in files}
        (temporary / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        for path in (*files, temporary / MANIFEST, temporary):
            sync(path)
        _put(temporary, folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise DataError(f"data.cache_dir: writing to {folder.parent} failed: {error.strerror}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync(folder.parent)


def write_rows(path: Path, shape: tuple[int, ...], rows: Iterable[NDArray[np.uint8]]) -> None:
    """A .npy file of uint8 rows, written one after the other. `shape` is that of the whole array."""
    with open(path, "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            file.write(row.data)


def _split(folder: Path, part: str) -> Split:
    labels, units = (np.load(folder / f"{part}_{kind}.npy") for kind in ("labels", "units"))
    return Split(_mapped(folder / f"{part}.npy"), labels, units)


def _mapped(path: Path) -> NDArray[np.uint8]:
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    if 0 in shape:  # nothing to map
        return np.empty(shape, np.uint8)
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def let_go(array: NDArray[Any]) -> None:
    """Give back the memory that a mapped file takes in this process. What is read again comes from the disk's cache."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def _put(temporary: Path, folder: Path) -> None:
    """Give the folder its name. A whole one of another process stays; a broken one makes way."""
    if folder.exists() and load(folder) is None:
        folder.rename(folder.with_name(f"{folder.name}.tmp-broken-{os.urandom(4).hex()}"))
    try:
        temporary.rename(folder)
    except OSError:
        if load(folder) is None:
            raise


def _sweep(parent: Path) -> None:
    """Remove what processes that were killed left behind."""
    for path in parent.glob("*.tmp-*"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:  # its owner was faster
            continue
