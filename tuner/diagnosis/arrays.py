"""Which arrays does a data file hold? Training and validation examples, by their names in an .npz file or a folder.

Nothing is unpickled: a file that holds Python objects is refused.

Source: numpy.org/doc/stable/reference/generated/numpy.load.html (allow_pickle).
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tuner.diagnosis.errors import DiagnosisError

TRAIN_NAMES = (
    *(("x_train", "y_train"), ("X_train", "y_train"), ("train_x", "train_y"), ("train_images", "train_labels")),
    *(("x", "y"), ("X", "y"), ("X", "Y"), ("images", "labels"), ("features", "targets"), ("features", "labels")),
    *(("inputs", "targets"), ("data", "target"), ("arr_0", "arr_1")),
)
VALIDATION_NAMES = (
    *(("x_val", "y_val"), ("X_val", "y_val"), ("val_x", "val_y"), ("x_valid", "y_valid"), ("val_images", "val_labels")),
    *(("x_test", "y_test"), ("X_test", "y_test"), ("test_x", "test_y"), ("test_images", "test_labels")),
    ("arr_2", "arr_3"),
)
LARGEST = 4 * 2**30  # bytes of one array
WANTED = "wanted an .npz with x and y (or x_train, y_train, and x_val, y_val or x_test, y_test)"


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """`x` and `y`, and `val_x` and `val_y` where they are there. Raises `DiagnosisError` with the place."""
    if not path.exists():
        raise DiagnosisError(f"{path}: no such file; {WANTED}.")
    there = _in_folder(path) if path.is_dir() else _in_file(path)
    for array, name in ((array, name) for name, array in there.items()):
        if array.dtype.kind not in "biuf":
            raise DiagnosisError(f"{path}: {name} holds {array.dtype}; wanted numbers.")
    names = next((pair for pair in TRAIN_NAMES if set(pair) <= set(there)), None)
    if names is None:
        raise DiagnosisError(f"{path}: found {', '.join(sorted(there)[:12]) or 'nothing'}; {WANTED}.")
    found = {"x": there[names[0]], "y": there[names[1]]}
    validation = next((pair for pair in VALIDATION_NAMES if set(pair) <= set(there)), None)
    if validation is not None:
        found |= {"val_x": there[validation[0]], "val_y": there[validation[1]]}
    for x, y in (("x", "y"), ("val_x", "val_y")):
        if x in found and len(found[x]) != len(found[y]):
            raise DiagnosisError(f"{path}: {len(found[x])} inputs, but {len(found[y])} targets.")
    if not len(found["x"]):
        raise DiagnosisError(f"{path}: {names[0]} is empty.")
    return found


def _in_folder(path: Path) -> dict[str, NDArray[Any]]:
    files = sorted(path.glob("*.npy"))
    if not files:
        inside = ", ".join(sorted(item.name for item in path.iterdir())[:8]) or "nothing"
        raise DiagnosisError(f"{path}: a folder with {inside}; wanted x.npy and y.npy, or one .npz file.")
    return {file.stem: _loaded(file) for file in files}


def _loaded(file: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise DiagnosisError(f"{file}: {_why(error)}") from None


def _in_file(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DiagnosisError(f"{path}: one array alone; {WANTED}.")
            assert archive.zip is not None
            sizes = {item.filename: item.file_size for item in archive.zip.infolist()}
            large = next((name for name, size in sizes.items() if size > LARGEST), None)
            if large is not None:
                raise DiagnosisError(f"{path}: {large} unpacks to {sizes[large] / 2**30:.1f} GiB; give a part of it.")
            return {name: archive[name] for name in archive.files if np.ndim(archive[name])}
    except DiagnosisError:
        raise
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise DiagnosisError(f"{path}: {_why(error)}") from None


def _why(error: Exception) -> str:
    """NumPy's refusal in the words of who gave the file."""
    said = str(error)
    if "allow_pickle" in said or "pickled" in said:
        return "it holds Python objects, which are not loaded because loading them could run code; save plain numbers."
    return f"it cannot be read ({said.splitlines()[0] if said else type(error).__name__}); {WANTED}."
