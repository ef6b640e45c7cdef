"""How is a model file opened that nobody vouches for? In Keras's safe mode, without Lambda layers, nothing oversized.

It happens in a process of its own with little rights (`tuner.diagnosis.limits`); this file says no before Keras is
asked.

Source: keras.io/api/models/model_saving_apis (safe_mode); CVE-2024-3660, CVE-2025-1550 (code that a model file brings).
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.diagnosis.errors import DiagnosisError

LARGEST = 4 * 2**30  # bytes, unpacked
CONFIG = "config.json"
LARGEST_CONFIG = 64 * 2**20  # bytes
CALL = "Write a function that returns the model and its data, and call: tuner diagnose file.py:function"


def open_model(path: Path) -> Any:
    """The model at `path`, compiled if it was saved so. Raises `DiagnosisError` with the place and the reason."""
    if not path.is_file():
        raise DiagnosisError(f"{path}: no such file; wanted a model that model.save() wrote (.keras or .h5).")
    if path.stat().st_size > LARGEST:
        raise DiagnosisError(f"{path}: {path.stat().st_size / 2**30:.1f} GiB; models up to 4 GiB are opened.")
    for name, kind in _layers(_config(path)):
        if kind == "Lambda":
            raise DiagnosisError(
                f"{path}: layer {name!r} is a Lambda: it brings code of its own and is not run. {CALL}."
            )
    import keras

    try:
        return keras.saving.load_model(path, safe_mode=True)
    except (
        Exception
    ) as error:  # a broken or foreign file makes Keras raise anything; the reason is told, with the place
        said = " ".join(str(error).split())
        if "Could not locate" in said or "Unknown layer" in said or "Unknown loss" in said or "registered" in said:
            raise DiagnosisError(f"{path}: it uses a class of its author ({said[:200]}). {CALL}.") from None
        raise DiagnosisError(f"{path}: Keras cannot open it: {type(error).__name__}: {said[:300]}") from None


def _config(path: Path) -> Any:
    """The model's description as JSON data; None where the file has none (a file of weights)."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            if unpacked > LARGEST:
                raise DiagnosisError(f"{path}: unpacks to {unpacked / 2**30:.1f} GiB; models up to 4 GiB are opened.")
            names = archive.namelist()
            if CONFIG not in names:
                raise DiagnosisError(f"{path}: no {CONFIG} in it, so it is no Keras model; found {names[:5]}.")
            if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG:
                raise DiagnosisError(f"{path}: its {CONFIG} is larger than any model's.")
            return _parsed(path, archive.read(CONFIG))
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
    except OSError as error:
        raise DiagnosisError(f"{path}: neither a .keras nor an .h5 file, or a broken one ({error}).") from None
    if text is None:
        raise DiagnosisError(f"{path}: it holds weights but no model; save with model.save(), not save_weights().")
    return _parsed(path, text)


def _parsed(path: Path, text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DiagnosisError(f"{path}: its description is not JSON ({error}).") from None


def _layers(config: Any) -> Iterator[tuple[str, str]]:
    """(name, class) of everything in a description that has a class."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                inner = item.get("config")
                yield str(inner.get("name", "?") if isinstance(inner, dict) else "?"), str(item["class_name"])
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
