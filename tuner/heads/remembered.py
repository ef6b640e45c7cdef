"""Was this optimum computed before? It depends on features and labels alone, so it is kept in a file that they name."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tuner.heads.logistic import Floats, Labels
from tuner.heads.optimum import RELATIVE, TOLERANCE, Optimum, Strength, head_optimum, looked_at
from tuner.records import number, to_json

FORMAT = 1  # raise it when the way an optimum is found changes
FOLDER = "features"  # of the cache, beside those that it was found on


def remembered_optimum(
    cache: Path,
    features: Floats,
    labels: Labels,
    val_features: Floats,
    val_labels: Labels,
    num_classes: int,
    class_weights: Sequence[float] | None = None,
) -> Optimum:
    """What `head_optimum` returns, from the cache folder if it was found before; `seconds` are those of that time."""
    rows = looked_at(labels, features.shape[1], num_classes)
    asked = (
        FORMAT,
        np.__version__,
        RELATIVE,
        TOLERANCE,
        num_classes,
        class_weights and list(class_weights),
        len(labels),
    )
    hasher = hashlib.blake2b(repr(asked).encode(), digest_size=16)
    seen = features if len(rows) == len(labels) else features[rows]
    for array in (rows, seen, labels, val_features, val_labels):
        hasher.update(repr((array.dtype.str, array.shape)).encode())
        hasher.update(_named(array) or np.ascontiguousarray(array).data)
    place = cache / FOLDER / f"optimum-{hasher.hexdigest()}.json"
    known = _recalled(place)
    if known is None:
        known = head_optimum(features, labels, val_features, val_labels, num_classes, class_weights)
        _keep(place, known)
    return known


def _named(array: Any) -> bytes:
    """The name of a whole features file of the cache, which stands for its content; empty for any other array."""
    if not isinstance(array, np.memmap) or array.filename is None:
        return b""
    place = Path(array.filename)
    whole = place.stat().st_size == array.offset + array.nbytes  # no slice of it
    return place.name.encode() if whole and place.parent.name == FOLDER else b""


def _recalled(place: Path) -> Optimum | None:
    """The optimum in a file; None if it is not there or not whole."""
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        return Optimum(**{**kept, "best": _strength(kept["best"]), "path": tuple(map(_strength, kept["path"]))})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _strength(kept: Any) -> Strength:
    return Strength(**{**kept, "val_loss_error": number(kept["val_loss_error"])})


def _keep(place: Path, found: Optimum) -> None:
    """Write it down, whole or not at all. A cache that cannot be written to costs a second the next time, no more."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.stem}-", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(to_json(found), file)
            os.replace(name, place)
        finally:
            with suppress(FileNotFoundError):  # it is gone when it was placed
                os.unlink(name)
