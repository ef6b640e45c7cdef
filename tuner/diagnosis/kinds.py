"""What was `tuner diagnose` given: curves, a model file, or a program? Told by the name; nothing is opened for it."""

import re
from pathlib import Path

CURVES, MODEL, PROGRAM = "curves", "model", "program"
MODEL_FILES = (".keras", ".h5", ".hdf5")
NEVER_LOADED = (".pkl", ".pickle", ".dill", ".joblib", ".cloudpickle", ".pt", ".pth", ".ckpt")
NAMED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*|.+\.py(:[A-Za-z_][\w.]*)?")  # module:function, file.py:function


def kind_of(what: str) -> str:
    """One of `CURVES`, `MODEL`, `PROGRAM`. What is neither a model nor a program is read as curves."""
    path = Path(what)
    if path.suffix.lower() in MODEL_FILES:
        return MODEL
    if path.exists():
        return PROGRAM if path.suffix == ".py" else CURVES
    return PROGRAM if NAMED.fullmatch(what) else CURVES


def refusal(what: str) -> str:
    """Why a file is not read, in one sentence; empty for files that are."""
    path = Path(what)
    if path.suffix.lower() in NEVER_LOADED and not path.is_dir():
        return (
            f"{what}: loading such a file runs whatever code it brings, so it is never loaded. Save the history as "
            "JSON or CSV, the model with model.save('model.keras'); or give the program: tuner diagnose file.py."
        )
    if path.is_dir() and (path / "saved_model.pb").exists():
        return f"{what}: a SavedModel holds no Keras model any more; save it with model.save('model.keras')."
    if kind_of(what) == MODEL and not path.is_file():
        return f"{what}: no such file; wanted a model that model.save() wrote (.keras or .h5)."
    return ""
