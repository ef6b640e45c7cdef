"""Which images does the report show? A few of each class, as small JPEG files.

The choice depends on the data set alone, so it is kept beside it in the cache: a short command need not wait for
Pillow.
"""

import base64
import json
import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import Dataset

LARGEST = 128  # pixels of the longer side in the report
SMALLEST = 64  # smaller images are enlarged by a whole factor, each pixel a square
QUALITY = 80  # JPEG
FORMAT = 1  # of the kept samples; raise it when the choice or the pictures change


def kept_samples(dataset: Dataset, n: int, seed: int) -> list[tuple[str, str]]:
    """`sample_grid` as (data URI, class name): from the data set's cache folder if it has one and they are in it."""
    if "cache" not in dataset.manifest:
        return _as_uris(dataset, n, seed)
    path = Path(dataset.manifest["cache"]) / f"samples-{FORMAT}-{n}-{seed}.json"
    with suppress(OSError, ValueError):
        return [(str(image), str(label)) for image, label in json.loads(path.read_text(encoding="utf-8"))]
    samples = _as_uris(dataset, n, seed)
    temporary = path.with_suffix(f".tmp-{os.getpid()}")
    with suppress(OSError):  # a cache that cannot be written to costs time and nothing else
        temporary.write_text(json.dumps(samples), encoding="utf-8")
        os.replace(temporary, path)
    return samples


def _as_uris(dataset: Dataset, n: int, seed: int) -> list[tuple[str, str]]:
    return [(data_uri(image), label) for image, label in sample_grid(dataset, n, seed)]


def sample_grid(dataset: Dataset, n: int, seed: int) -> list[tuple[bytes, str]]:
    """`n` training images (or all, if there are fewer) as (JPEG, class name); the classes take turns."""
    labels = np.asarray(dataset.train.labels)
    rng = np.random.default_rng([seed, n])
    by_class = [rng.permutation(np.flatnonzero(labels == c)).tolist() for c in range(dataset.num_classes)]
    chosen: list[int] = []
    while len(chosen) < n and any(by_class):
        chosen += [rows.pop() for rows in by_class if rows]
    return [(jpeg(dataset.train.images[i]), dataset.class_names[labels[i]]) for i in chosen[:n]]


def jpeg(image: NDArray[np.generic]) -> bytes:
    """A JPEG of one image (H, W, 1 | 3) with values in 0..255, its longer side between 64 and 128 pixels or so."""
    from PIL import Image

    pixels = np.clip(np.rint(np.asarray(image)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    longer = max(picture.size)
    if longer < SMALLEST:
        factor = -(-SMALLEST // longer)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((LARGEST, LARGEST))
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def data_uri(image: bytes) -> str:
    """A JPEG as a data URI, the form in which a page of one file holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(image).decode("ascii")
