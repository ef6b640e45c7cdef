"""What do the studies on Fashion-MNIST share? Its images as arrays, a problem, a run that can be gone on with."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from prepare_fashion_mnist import DEBIAN, check

from tuner import recipe as recipes
from tuner.cli.progress import Lines
from tuner.data import Problem, cache_folder, open_dataset
from tuner.environment import environment
from tuner.interrupts import StopFlag
from tuner.store import Store

UNREAD = 100  # images of the test part, which nobody reads


def problem_of(
    folder: Path, name: str, images: int, validation: int, data: Mapping[str, Any], sections: Mapping[str, Any]
) -> Problem:
    """So many training and validation images, drawn from the 60,000 in equal parts a class, under a recipe.

    `data` and `sections` are what the recipe says besides: of its data, and in its other sections.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = folder / f"fashion-{images}-{validation}.npz"
    if not arrays.is_file():
        write_images(arrays, images, validation)
    described = {"version": 1, "name": name, "data": {"source": "npz", "path": arrays.name, **data}, **sections}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(described))  # JSON is YAML
    recipe = recipes.load(path)
    return Problem(recipe, open_dataset(recipe, Lines()), cache_folder(recipe))


def write_images(path: Path, images: int, validation: int) -> None:
    """Fashion-MNIST's training images as arrays: to train, to validate, and a few that nobody reads."""
    check(DEBIAN)
    pixels = unpacked("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = unpacked("train-labels-idx1-ubyte.gz", 8)
    rng = np.random.default_rng(0)
    order = np.stack([rng.permutation(np.flatnonzero(labels == c)) for c in range(10)], axis=1).reshape(-1)
    ends = np.cumsum([images, validation, UNREAD])
    parts = dict(zip(("train", "val", "test"), np.split(order[: ends[-1]], ends[:-1]), strict=True))
    arrays = {f"x_{part}": pixels[rows] for part, rows in parts.items()}
    arrays |= {f"y_{part}": labels[rows] for part, rows in parts.items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]


def unpacked(name: str, offset: int) -> np.ndarray:
    """The bytes of one of the four files after its header."""
    with gzip.open(DEBIAN / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def opened(folder: Path, problem: Problem) -> Store:
    """The run of this problem, begun or gone on with. It is never called finished: more seeds may be asked for."""
    recipe, out = problem.recipe, folder / "reports"
    last = max((out / recipe.name).glob("*/run.db"), default=None)
    if last is not None:
        return Store.resume(last.parent, recipe.to_json(), Lines(), StopFlag())
    return Store.create(out, recipe.name, recipe.to_json(), recipe.text, environment(), Lines(), StopFlag())


def finite(value: float) -> float | None:
    """The value as strict JSON; None for NaN and the infinities."""
    return round(value, 6) if np.isfinite(value) else None
