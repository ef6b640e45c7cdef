"""What does a run's model say to an image? `best.keras`, loaded once, asked by one visitor at a time.

Source: keras.io/api/models/model_saving_apis (safe_mode).
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.data.frame import BadImage, Frame
from tuner.records import Run
from tuner.report.words import LongText
from tuner.web.site import TOP

MODEL = "best.keras"
MOST_LOADED = 2  # models in memory


class NoModel(Exception):
    """The run has no model to try; the message says why."""


@dataclass(frozen=True)
class Guess:
    """One class and how probable the network takes it to be."""

    name: str
    probability: float  # in [0, 1]


@dataclass(frozen=True)
class Seen:
    """What the network saw of an image, and what it says."""

    picture: str  # data URI of the image in the size of the network's input
    guesses: tuple[Guess, ...]  # the most probable first, at most `TOP`


_LOCK = threading.Lock()
_MODELS: OrderedDict[tuple[str, int], Any] = OrderedDict()  # cache: (file, its time) -> model, the last used last


def look(run: Run, image: bytes) -> Seen:
    """The most probable classes of an encoded image, such as a JPEG.

    Raises `NoModel` where the run left none, and `BadImage` with the reason for bytes that are no image.
    """
    from tuner.data.decode import decode_bytes, quiet_pillow
    from tuner.data.samples import data_uri, jpeg

    frame, names = input_of(run), class_names(run)
    with quiet_pillow():
        pixels = decode_bytes(image, frame)
    probabilities = _asked(Path(run.folder) / MODEL, pixels)
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return Seen(
        LongText(data_uri(jpeg(pixels))), tuple(Guess(names[place], float(probabilities[place])) for place in best)
    )


def input_of(run: Run) -> Frame:
    """The shape that the run brought its images to."""
    from tuner.data.opening import frame_of
    from tuner.recipe import Recipe

    return frame_of(Recipe.from_json(run.recipe))


def class_names(run: Run) -> tuple[str, ...]:
    """The names of the classes in the order of the network's outputs. Raises `NoModel` if it never saw its data."""
    looked = next((finding for finding in run.findings if finding.step == "data"), None)
    names = None if looked is None else looked.evidence.get("class_names")
    if not names:
        raise NoModel("This run ended before it had looked at its data.")
    return tuple(map(str, names))


def _asked(file: Path, pixels: np.ndarray) -> np.ndarray:
    """Probabilities (C,) of one image (H, W, C)."""
    if not file.is_file():
        raise NoModel(f"This run has left no {MODEL} yet: it is written when the run ends.")
    with _LOCK:
        model = _loaded(file)
        found: np.ndarray = np.asarray(model.predict(pixels[None].astype("float32"), verbose=0))[0]
    return found


def _loaded(file: Path) -> Any:
    key = (str(file), file.stat().st_mtime_ns)
    if key not in _MODELS:
        from tuner import backend

        backend.choose()
        backend.import_keras()
        import keras

        _MODELS[key] = keras.saving.load_model(file, compile=False, safe_mode=True)
        while len(_MODELS) > MOST_LOADED:
            _MODELS.popitem(last=False)
    _MODELS.move_to_end(key)
    return _MODELS[key]


__all__ = ["BadImage", "Guess", "NoModel", "Seen", "look"]
