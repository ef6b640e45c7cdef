"""How does a folder of pictures become examples for a model? One subfolder a class, decoded at the model's size.

Values stay 0 to 255, as `keras.utils.image_dataset_from_directory` gives them: scaling them is the model's business.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tuner.diagnosis.errors import DiagnosisError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MOST = 2000  # pictures of a split that are read
TRAIN, VALIDATION = ("train", "training"), ("validation", "val", "valid", "test")


def is_picture_folder(path: Path) -> bool:
    """Whether there are pictures in its subfolders."""
    pictures = any(file.suffix.lower() in ENDINGS for file in path.glob("*/*")) if path.is_dir() else False
    return pictures or _split(path, TRAIN) is not None


def read_pictures(path: Path, shape: tuple[int, int, int]) -> dict[str, NDArray[Any]]:
    """`x` float32 (N, H, W, C) and `y` int64 (N,), and `val_x`, `val_y` where there is a folder for them."""
    train = _split(path, TRAIN) or path
    found = dict(zip(("x", "y"), _read(train, shape), strict=True))
    validation = _split(path, VALIDATION) if train != path else None
    if validation is not None:
        found |= dict(zip(("val_x", "val_y"), _read(validation, shape), strict=True))
    return found


def _split(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((path / name for name in names if (path / name).is_dir()), None)


def _read(folder: Path, shape: tuple[int, int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    classes = sorted(item for item in folder.iterdir() if item.is_dir())
    files = [(f, n) for n, place in enumerate(classes) for f in sorted(place.iterdir()) if f.suffix.lower() in ENDINGS]
    if not files:
        raise DiagnosisError(f"{folder}: no pictures in its subfolders; wanted one subfolder a class.")
    chosen = np.random.default_rng(0).permutation(len(files))[:MOST]
    mode = "L" if shape[2] == 1 else "RGBA" if shape[2] == 4 else "RGB"
    pixels = np.empty((len(chosen), *shape), "float32")
    for place, index in enumerate(chosen):
        file = files[index][0]
        try:
            with Image.open(file) as picture:
                resized = picture.convert(mode).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
        except (UnidentifiedImageError, OSError) as error:
            raise DiagnosisError(f"{file}: no picture that can be read ({error}).") from None
        pixels[place] = np.asarray(resized, "float32").reshape(shape)
    return pixels, np.array([files[index][1] for index in chosen], "int64")
