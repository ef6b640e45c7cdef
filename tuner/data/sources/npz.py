"""Source `npz`: arrays saved by `numpy.savez`, in the manner of `keras.datasets`.

Names: x_train, y_train[, x_val, y_val][, x_test, y_test], or images, labels. Nothing in the file is ever executed.
"""

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuner.data.dataset import DataError
from tuner.data.listing import Listing, Origin, digest, file_state, location, not_a_file, shown
from tuner.data.sources import arrays
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe

NAMES = {  # part -> pairs of array names, the first that is there is taken
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The arrays of one .npz file. They are held in memory while they are decoded."""
    path = location(recipe)
    status = path.stat()
    if reason := not_a_file(status):
        raise DataError(f"data.path: {shown(path)} is {reason}.")

    def read() -> Listing:
        pairs, words = _pairs(path)
        return arrays.listing(recipe, pairs, words)

    return Origin(path.stem, digest("npz", str(path), file_state(status)), read)


def _pairs(path: Path) -> tuple[arrays.Pairs, dict[str, str]]:
    """Images and labels of each part that the file holds, and the names of the label arrays."""
    try:
        with open(path, "rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            named = {part: names for part in NAMES if (names := _names(part, file.files))}
            pairs = {part: (file[x], file[y]) for part, (x, y) in named.items()}
    except (zipfile.BadZipFile, EOFError, ValueError, zlib.error) as error:
        reason = f"{shown(path)} is no archive of plain numeric arrays ({error})"
        raise DataError(f"{reason}: write it with numpy.savez.") from error
    if "train" not in pairs:
        there = ", ".join(file.files) or "nothing"
        raise DataError(f"{shown(path)} holds {there}; it needs x_train and y_train, or images and labels.")
    return pairs, {part: y for part, (_, y) in named.items()}


def _names(part: str, there: list[str]) -> tuple[str, str] | None:
    """The names of a part's images and labels. Raises `DataError` where images come without labels."""
    for x, y in NAMES[part]:
        if x in there and y in there:
            return x, y
        if x in there or (y in there and len(y) > 1):
            raise DataError(f"the file holds {x if x in there else y} but no {y if x in there else x}.")
    return None
