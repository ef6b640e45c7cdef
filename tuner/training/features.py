"""What does a frozen backbone see? Its features of every image, computed once and kept on disk.

A head on a frozen backbone needs each image's features and never the image. They are computed in inference mode (batch
norm with its averages, no dropout), written as one float32 `.npy` a split, and memory-mapped. The file's name is a
hash of all that decides its content, the backbone's own weights included: a stale file is never taken for a fresh one.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.training.batches import chunks_of
from tuner.training.variables import value_of

FORMAT = 1  # raise it when the way features are computed changes
PIXELS_AT_ONCE = 1 << 18  # of one forward pass: 64 images of 64 x 64; larger ones are no faster on a CPU (measured)
FEWEST_AT_ONCE, MOST_AT_ONCE = 16, 64  # images


@dataclass(frozen=True)
class Trunk:
    """A frozen backbone and the hash of what it computes."""

    backbone: keras.Model  # float32 images (B, H, W, C) in 0..255 -> features (B, D)
    digest: str

    @property
    def width(self) -> int:
        """D, the number of features of an image."""
        return int(self.backbone.output_shape[-1])

    def features(self, images: np.ndarray, seen: Callable[[int], None] = lambda count: None) -> np.ndarray:
        """Features (N, D), float32, of uint8 images (N, H, W, C); `seen` is called with the images of each pass."""
        out = np.empty((len(images), self.width), np.float32)
        self.fill(out, images, seen)
        return out

    def fill(self, out: np.ndarray, images: np.ndarray, seen: Callable[[int], None]) -> None:
        """Write the features of `images` into `out` (N, D), in passes of one size, so that one trace serves all."""
        begin = 0
        for chunk, count in chunks_of(images, at_once(images.shape)):
            found = self.backbone.predict_on_batch(chunk.astype(np.float32))
            out[begin : begin + count] = found[:count]
            begin += count
            seen(count)


def at_once(shape: tuple[int, ...]) -> int:
    """How many images of (N, H, W, C) go through a network at once when nothing is trained."""
    return min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, PIXELS_AT_ONCE // (shape[1] * shape[2])))


def digest_of(backbone: keras.Model, description: dict[str, object]) -> str:
    """A hash of the weights of `backbone` and of what the recipe says about it."""
    versions = [FORMAT, keras.version(), keras.backend.backend()]
    digest = hashlib.sha256(json.dumps([versions, description], sort_keys=True, default=str).encode())
    for weight in backbone.weights:
        value = np.ascontiguousarray(value_of(weight))
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.data)
    return digest.hexdigest()


def features_file(folder: Path, fingerprint: str, split: str, trunk: Trunk) -> Path:
    """Where the features of one split of the data set `fingerprint` are, or will be."""
    key = hashlib.sha256(f"{fingerprint}\n{split}\n{trunk.digest}".encode()).hexdigest()[:32]
    return folder / "features" / f"{split}-{key}.npy"


def cached_features(path: Path, images: np.ndarray, trunk: Trunk, progress: Progress, stop: StopFlag) -> np.ndarray:
    """Features (N, D), float32, read-only, memory-mapped: from `path`, or computed and written there."""
    kept = opened(path, len(images), trunk)
    if kept is not None:
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    os.close(handle)
    progress.start(f"features of {len(images):,} images", len(images), "images")
    try:
        out = np.lib.format.open_memmap(name, mode="w+", dtype=np.float32, shape=(len(images), trunk.width))

        def seen(count: int) -> None:
            stop.check()
            progress.advance(count)

        trunk.fill(out, images, seen)
        out.flush()
        _place(Path(name), path)
    finally:
        progress.end()
        with suppress(FileNotFoundError):  # it is gone when it was placed
            os.unlink(name)
    return np.asanyarray(np.load(path, mmap_mode="r"))


def opened(path: Path, count: int, trunk: Trunk) -> np.ndarray | None:
    """The features of `count` images in a file, memory-mapped; None if it is not there or not whole."""
    try:
        kept = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return kept if kept.shape == (count, trunk.width) and kept.dtype == np.float32 else None


def _place(temporary: Path, path: Path) -> None:
    """Durable before it is visible, so that what has the name is whole."""
    _sync(temporary)
    os.replace(temporary, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
