"""How does a recipe become a data set? Decode everything once, divide it, keep it; the next time, open it.

The cache key holds all that the arrays depend on: the state of every file (or the bytes of every array), the shape,
the split and its seed. What is kept already is opened without Pillow, and without what the source would be read with.
"""

import time
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from PIL import __version__ as pillow_version

from tuner.data import cache
from tuner.data.dataset import DataError, Dataset
from tuner.data.folds import plan_of
from tuner.data.frame import Frame
from tuner.data.listing import Origin, digest, listed
from tuner.data.sources import SOURCES
from tuner.interrupts import StopFlag
from tuner.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from tuner.recipe import Recipe

FORMAT = 3  # of the cache; another number makes every key another
CHANNELS = {"rgb": 3, "grayscale": 1}


def open_dataset(recipe: "Recipe", progress: Progress, stop: StopFlag | None = None) -> Dataset:
    """The recipe's data, decoded the first time and opened the next.

    Raises `DataError` that names the file, label or class and the remedy, and `Interrupted` if `stop` is asked for.
    """
    started = time.monotonic()
    if recipe.data.source not in SOURCES:
        raise DataError(f"data.source: '{recipe.data.source}' is not built in yet; there are {', '.join(SOURCES)}.")
    origin = SOURCES[recipe.data.source](recipe, progress)
    frame = frame_of(recipe)
    folder = cache.cache_folder(recipe) / "data" / _key(recipe, origin, frame)
    found = cache.load(folder)
    cached = found is not None
    if found is None:
        cache.store(folder, lambda temporary: _built(recipe, origin, frame, temporary, progress, stop or StopFlag()))
        found = cache.load(folder)
        if found is None:
            raise DataError(f"{folder} was written and cannot be read back: is the disk all right?")
    splits, stored = found
    manifest = {key: value for key, value in stored.items() if key != "files"}
    manifest |= {"name": origin.name, "seconds": time.monotonic() - started, "cached": cached, "cache": str(folder)}
    dataset = Dataset(
        origin.name, stored["fingerprint"], splits["train"], splits["validation"],
        tuple(stored["class_names"]), manifest, splits["test"],
    )  # fmt: skip
    _refuse(recipe, dataset)
    if recipe.data.folds is None:
        return dataset
    return replace(dataset, manifest={**manifest, "folds": asdict(plan_of(recipe, dataset))})


def frame_of(recipe: "Recipe") -> Frame:
    """The shape that the recipe asks for. Raises `DataError` for a color mode that no classifier here takes."""
    data = recipe.data
    if data.color_mode not in CHANNELS:
        raise DataError(f"data.color_mode: {data.color_mode} is not supported; {' and '.join(CHANNELS)} are.")
    fit = "pad" if data.pad_to_aspect_ratio else "crop" if data.crop_to_aspect_ratio else "stretch"
    height, width = data.image_size
    return Frame(height, width, CHANNELS[data.color_mode], fit)


def _key(recipe: "Recipe", origin: Origin, frame: Frame) -> str:
    data = recipe.data
    split = (data.validation_split, data.test_split, data.stratify, recipe.seed, data.limit)
    groups = (data.group_column, data.group_pattern)
    return digest(FORMAT, pillow_version, data.source, origin.key, frame, split, groups, tuple(data.class_names or ()))


def _built(
    recipe: "Recipe", origin: Origin, frame: Frame, folder: "Path", progress: Progress, stop: StopFlag
) -> dict[str, Any]:
    """Fill a cache folder; returns its manifest."""
    from tuner.data.building import build

    return build(recipe, origin, frame, folder, progress, stop)


def _refuse(recipe: "Recipe", dataset: Dataset) -> None:
    """What no step could work with, whether it was found now or the first time."""
    skipped = dataset.manifest["skipped"]
    if skipped and recipe.data.on_corrupt == "fail":
        raise DataError(
            f"{len(skipped)} images cannot be used (data.on_corrupt: skip would leave them out):\n"
            + listed(f"{name}: {reason}" for name, reason in skipped)
            + f"\nAll of them: {dataset.manifest['cache']}/{cache.MANIFEST}"
        )
    missing = [dataset.class_names[i] for i, n in enumerate(dataset.manifest["counts"]["train"]) if n == 0]
    if missing:
        reasons = Counter(reason.partition(":")[0] for _, reason in skipped)
        why = f" {len(skipped)} images were skipped ({', '.join(reasons)})." if skipped else ""
        raise DataError(f"No training images for class {', '.join(map(repr, missing[:10]))}.{why}")
    if not len(dataset.validation):
        raise DataError(
            f"With {len(dataset.train)} training images there is nothing left to validate on: no class has two images, "
            f"or data.validation_split is 0 (it is {recipe.data.validation_split}). Add images, or a validation part."
        )
