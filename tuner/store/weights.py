"""Where are the kept weights of a trial, and are they still the bytes that were written?

One file a trial, `weights/0007.npz`. The file is durable before the trial's row names it; the row holds its size
and SHA-256, so that a damaged file is refused instead of trained on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tuner.store.errors import StoreError
from tuner.store.files import place_file, sha256, sweep

WEIGHTS = "weights"
SUFFIX = ".npz"  # NumPy's format; what is in it is the business of tuner/training/checkpoints.py


@dataclass(frozen=True)
class Kept:
    """A file of weights as it was written."""

    name: str  # relative to the run's folder
    size: int  # bytes
    sha256: str


def keep_weights(folder: Path, number: int, write: Callable[[Path], None]) -> Kept:
    """Let `write` make the weights file of trial `number`. Durable once the folder is synced."""
    path = folder / WEIGHTS / f"{number:04d}{SUFFIX}"
    place_file(path, write)
    return Kept(f"{WEIGHTS}/{path.name}", path.stat().st_size, sha256(path))


def verify_weights(folder: Path, number: int, kept: Kept) -> None:
    """Raise `StoreError` if the file is gone or not what was written."""
    path = folder / kept.name
    if not path.is_file():
        raise StoreError(f"The weights of trial {number} are gone: no file {path}.")
    if path.stat().st_size != kept.size or sha256(path) != kept.sha256:
        raise StoreError(f"The weights of trial {number} are damaged: {path} is not what was written.")


def sweep_weights(folder: Path, kept: Iterable[str]) -> None:
    """Delete weights that no trial's row names: their trial was never committed, or let them go."""
    (folder / WEIGHTS).mkdir(exist_ok=True)
    sweep(folder / WEIGHTS, {Path(name).name for name in kept})
