"""What does a source promise? A list of labeled images that are decoded only when asked for.

A source is a function `(recipe, progress) -> Origin`. It looks at names, sizes and dates, never at pixels: the key of
the origin decides whether anything has to be read at all.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import DataError
from tuner.data.frame import Frame
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Row:
    """One labeled image that has not been decoded yet."""

    name: str  # how messages and the report name it: a path, or x_train[17]
    label: int  # in [0, number of classes)
    part: str  # train, validation or test; validation and test are cut from train where a source names none
    load: Callable[[Frame], NDArray[np.uint8]]  # -> (H, W, C); raises decode.BadImage
    group: str = ""  # patient, film, author: where the source tells; "" stands alone


@dataclass(frozen=True)
class Listing:
    """What a source holds."""

    class_names: tuple[str, ...]
    count: int  # how many rows there are
    rows: Callable[[], Iterator[Row]]  # from the first row on, in the same order each time
    skipped: tuple[tuple[str, str], ...] = ()  # (name, reason) of images that were refused before decoding
    ignored: Mapping[str, int] = field(default_factory=dict)  # files that are no images: how many of each kind
    notes: tuple[str, ...] = ()  # what a reader of the report should know about the source


@dataclass(frozen=True)
class Origin:
    """Where images are, before they are listed."""

    name: str
    key: str  # changes when any image or label may have changed
    read: Callable[[], Listing]  # raises `DataError`


Source = Callable[["Recipe", Progress], Origin]


def digest(*values: Any) -> str:
    """A key over the printed form of the values: 32 hexadecimal digits."""
    hasher = hashlib.blake2b(digest_size=16)
    for value in values:
        hasher.update(repr(value).encode("utf-8", "surrogateescape") + b"\0")
    return hasher.hexdigest()


def file_state(status: os.stat_result) -> tuple[int, int, int]:
    """Size and dates (ns). The second date is there because a file that is replaced can have the first put back."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def shown(path: str | os.PathLike[str]) -> str:
    """A file name as text that any terminal, JSON file or web page can hold: odd bytes appear as \\xNN."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def not_a_file(status: os.stat_result) -> str:
    """Why this is no file to read ("" if it is one): reading a pipe or a device could wait for ever."""
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return ""
    kinds = {"a named pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK, "a folder": stat.S_ISDIR}
    return next((f"{kind}, not a file" for kind, test in kinds.items() if test(mode)), "a device, not a file")


def location(recipe: "Recipe") -> Path:
    """`data.path`, relative to the folder of the recipe. Raises `DataError` if none is given or nothing is there."""
    if not recipe.data.path:
        raise DataError(f"data.source: {recipe.data.source} needs data.path.")
    path = Path(os.path.abspath(Path(recipe.path).parent / Path(recipe.data.path).expanduser()))
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        raise DataError(f"data.path: there is no {shown(path)} (its nearest existing folder is {shown(parent)}).")
    return path


def listed(items: Iterable[str], most: int = 10) -> str:
    """At most so many of the items, indented, one a line, and how many more there are."""
    everything = list(items)
    lines = [f"  {item}" for item in everything[:most]]
    if len(everything) > most:
        lines.append(f"  ... and {len(everything) - most} more")
    return "\n".join(lines)
