"""How do weights come from a file into a network? Entirely or not at all, with an error that names the file."""

import warnings
from pathlib import Path
from typing import Any

from tuner.models.errors import WeightsError

SUFFIXES = (".weights.h5", ".h5", ".hdf5", ".keras")


def load_weights(model: Any, path: str) -> None:
    """Fills `model` from a Keras weights file (`.weights.h5`, legacy `.h5`, or a whole `.keras`).

    Raises `WeightsError` if the file is missing, is of another format, or belongs to another network.
    """
    file = Path(path).expanduser()
    if not str(file).endswith(SUFFIXES):
        raise WeightsError(f"model.weights: '{path}' is neither imagenet, none, nor a file *{', *'.join(SUFFIXES)}.")
    if not file.is_file():
        raise WeightsError(f"model.weights: no file {file.absolute()}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of layers that keep their fresh weights
            model.load_weights(str(file))
    except (ValueError, KeyError, OSError, UserWarning) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"model.weights: {file} does not fit {model.name} without its classifier ({reason}). "
            "Save them from the same network built with include_top=False."
        ) from error
