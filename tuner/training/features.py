"""What does a frozen backbone see? Its features of every image, computed once and kept on disk.

A head on a frozen backbone needs each image's features and never the image. They are computed in inference mode (batch
norm with its averages, no dropout), written as one float32 `.npy` a split, and memory-mapped. The file's name is a
hash of all that decides its content, the backbone's own weights included: a stale file is never taken for a fresh one.

Importing this file does not import Keras: what is on disk is opened by NumPy alone.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tuner.data.cache import let_go
from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.store.files import sync_folder
from tuner.threads import in_threads
from tuner.training.batches import chunks_of

if TYPE_CHECKING:
    import keras

    from tuner.models.calls import Network
    from tuner.training.trainee import Pass

FORMAT = 2  # raise it when the way features are computed changes
PIXELS_AT_ONCE = 1 << 21  # of one forward pass: 32 images of 224 x 224; more are no faster on two cores (measured)
FEW, PIXELS_OF_FEW = 1_000, 1 << 19  # so few images are done before the memory that a larger pass touches first pays
FEWEST_AT_ONCE, MOST_AT_ONCE = 4, 64  # images
LEFTOVER_AGE = 86_400.0  # seconds; an unfinished file that nobody wrote to for so long belongs to a process that died


class Digested(Protocol):
    """What has features: a `Trunk`, or what is known of one without Keras."""

    @property
    def digest(self) -> str:
        """A hash of all that decides the features of an image."""

    @property
    def width(self) -> int:
        """How many features an image has."""


@dataclass(frozen=True)
class Trunk:
    """A frozen backbone and the hash of what it computes."""

    backbone: "keras.Model"  # float32 images (B, H, W, C) in 0..255 -> features (B, D)
    digest: str
    cheaper: "Callable[[], Network] | None" = None  # gives a network with the same features that costs less
    images: int | None = None  # that it will see, of all splits, if that is known
    lanes: int = 1  # passes side by side

    @property
    def width(self) -> int:
        """D, the number of features of an image."""
        return int(self.backbone.output_shape[-1])

    @property
    def network(self) -> "Network":
        """What computes the features: `backbone`, or what costs less and shares no weight with it."""
        return self.backbone if self.cheaper is None else self.cheaper()

    @cached_property
    def _pass(self) -> "Pass":
        from tuner.training.trainee import Pass

        return Pass(self.network, self.backbone.jit_compile)

    def features(self, images: np.ndarray, seen: Callable[[int], None] = lambda count: None) -> np.ndarray:
        """Features (N, D), float32, of uint8 images (N, H, W, C); `seen` is called with the images of each pass."""
        out = np.empty((len(images), self.width), np.float32)
        self.fill(out, images, seen)
        return out

    def fill(self, out: np.ndarray, images: np.ndarray, seen: Callable[[int], None]) -> None:
        """Write the features of `images` into `out` (N, D), in passes of one size, so that one trace serves all."""
        size = max(1, at_once(images.shape, self.images) // self.lanes)
        begin = 0
        with closing(self._passes(chunks_of(images, size))) as passes:
            for found, count in passes:
                out[begin : begin + count] = found[:count]
                begin += count
                let_go(images)  # each image is read once: a mapped file must not fill the memory behind it
                seen(count)

    def _passes(self, chunks: Iterator[tuple[np.ndarray, int]]) -> Generator[tuple[np.ndarray, int], None, None]:
        """Features of each chunk, and how many of them count; beside the first pass, which traces, runs no other."""

        def seen(chunk: tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
            images, count = chunk
            return self._pass.predict_on_batch(np.ascontiguousarray(images)), count

        yield from map(seen, islice(chunks, 1))
        yield from in_threads(seen, chunks, self.lanes, name="passes")


def at_once(shape: tuple[int, ...], images: int | None = None) -> int:
    """How many images of (N, H, W, C) go through a network at once when nothing is trained: a power of two.

    `images` is the number of those that it will see, of all splits, if it is known.
    """
    pixels = PIXELS_OF_FEW if images is not None and images <= FEW else PIXELS_AT_ONCE
    fit = min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, pixels // (shape[1] * shape[2])))
    return 1 << (fit.bit_length() - 1)


def digest_of(backbone: "keras.Model", description: dict[str, object]) -> str:
    """A hash of the weights of `backbone` and of what else decides its features."""
    import keras

    from tuner.training.variables import value_of

    versions = [FORMAT, keras.version(), keras.backend.backend()]
    digest = hashlib.sha256(json.dumps([versions, description], sort_keys=True, default=str).encode())
    for weight in backbone.weights:
        value = np.ascontiguousarray(value_of(weight))
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.data)
    return digest.hexdigest()


def features_file(folder: Path, fingerprint: str, split: str, trunk: Digested) -> Path:
    """Where the features of one split (or of one view of it) of the data set `fingerprint` are, or will be."""
    key = hashlib.sha256(f"{fingerprint}\n{split}\n{trunk.digest}".encode()).hexdigest()[:32]
    return folder / "features" / f"{split}-{key}.npy"


def cached_features(path: Path, images: np.ndarray, trunk: Trunk, progress: Progress, stop: StopFlag) -> np.ndarray:
    """Features (N, D), float32, read-only, memory-mapped: from `path`, or computed and written there."""
    kept = opened(path, len(images), trunk)
    if kept is not None:
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(path.parent, time.time())
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    progress.start(f"features of {len(images):,} images", len(images), "images")
    try:
        out = np.lib.format.open_memmap(name, mode="w+", dtype=np.float32, shape=(len(images), trunk.width))
        trunk.fill(out, images, counter(progress, stop))
        out.flush()
        os.fsync(handle)  # durable before it is visible, so that what has the name is whole
        os.replace(name, path)
        sync_folder(path.parent)
    finally:
        os.close(handle)
        progress.end()
        with suppress(FileNotFoundError):  # it is gone when it was placed
            os.unlink(name)
    return np.asanyarray(np.load(path, mmap_mode="r"))


def opened(path: Path, count: int, trunk: Digested) -> np.ndarray | None:
    """The features of `count` images in a file, memory-mapped; None if it is not there or not whole."""
    try:
        kept = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return kept if kept.shape == (count, trunk.width) and kept.dtype == np.float32 else None


def counter(progress: Progress, stop: StopFlag) -> Callable[[int], None]:
    """Tells `progress` of each pass, with the images a second since the first, which compiles. Raises `Interrupted`."""
    done, began = 0, 0.0

    def seen(count: int) -> None:
        nonlocal done, began
        stop.check()
        now = time.perf_counter()
        began = began or now
        progress.advance(count, f"{done / (now - began):,.0f} images/s" if done else "")
        done += count if now > began else 0

    return seen


def sweep_leftovers(folder: Path, now: float) -> None:
    """Delete the unfinished files of processes that died; `now` is in seconds since 1970."""
    for entry in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):  # another process sweeps, too
            if now - entry.stat().st_mtime > LEFTOVER_AGE:
                entry.unlink()
