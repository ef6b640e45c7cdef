"""What do the augmentations of a run make of its images? A strip of pictures for each, for the report.

The first column is the image as it is, every other one a draw. Where images are mixed, the partners are other training
images, as in training.
"""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np

from tuner.data import Problem
from tuner.final_test import put_json
from tuner.records import Trial
from tuner.store import Store
from tuner.training.batches import stratified

ARTIFACT = "augmented.json"
MOST = 3  # augmentations that are shown: the best trial's, then those that were tried
ROWS, DRAWS = 4, 7  # images, and draws of each
BATCH = 16  # images that are augmented together: the partners of a mix
TILE, LEAST_TILE = 72, 48  # pixels of the longer side; smaller images are enlarged by a whole factor
GAP, WIDE_GAP = 3, 12  # pixels between pictures; the wide one behind the first column
QUALITY = 72  # WebP

Layers = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]


def store_draws(problem: Problem, run: Store, best: Trial | None) -> None:
    """A strip for each augmentation that the run trained with, best first; nothing if it trained with none."""
    shown = list(_tried(run, best))[:MOST]
    if not shown or not problem.recipe.report.embed_images:
        return
    train, names = problem.dataset.train, problem.dataset.class_names
    rows = np.random.default_rng(problem.recipe.seed).permutation(stratified(train.labels, BATCH, problem.recipe.seed))
    images, labels = np.asarray(train.images[rows]), [names[train.labels[row]] for row in rows[:ROWS]]
    put_json(
        run,
        ARTIFACT,
        [
            {
                "layers": [name for name, _ in layers],
                "where": where,
                "labels": labels,
                "draws": DRAWS,
                "image": webp(strip(images, layers, problem.recipe.seed)),
            }
            for layers, where in shown
        ],
    )


def _tried(run: Store, best: Trial | None) -> Iterator[tuple[Layers, str]]:
    """Every augmentation of the run's trials once, and where it was tried; the best trial's first."""
    seen: set[Layers] = {()}
    if best is not None and best.hyperparameters.augmentation:
        seen.add(best.hyperparameters.augmentation)
        yield best.hyperparameters.augmentation, "the best trial's"
    for trial in run.trials:
        layers = trial.hyperparameters.augmentation
        if layers not in seen:
            seen.add(layers)
            round_ = f", round {trial.spec.round}" if trial.spec.round else ""
            yield layers, f"tried in {trial.spec.step.replace('_', ' ')}{round_}"


def strip(images: np.ndarray, layers: Layers, seed: int) -> np.ndarray:
    """RGBA pixels of a grid: the first images of the batch (N, H, W, C), and their draws to the right of each."""
    from tuner.training.copies import distorted

    columns = [images[:ROWS], *(distorted(layers, images, seed, number)[:ROWS] for number in range(DRAWS))]
    tiles = [[_tile(image) for image in column] for column in columns]
    height, width = tiles[0][0].shape[:2]
    across = [place * (width + GAP) + (WIDE_GAP - GAP) * (place > 0) for place in range(len(columns))]
    grid = np.zeros((len(tiles[0]) * (height + GAP) - GAP, across[-1] + width, 4), np.uint8)  # clear, on any page
    for left, column in zip(across, tiles, strict=True):
        for number, tile in enumerate(column):
            top = number * (height + GAP)
            grid[top : top + height, left : left + width, :3] = tile
            grid[top : top + height, left : left + width, 3] = 255
    return grid


def _tile(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 1 | 3) as RGB of a size that can be seen and sent."""
    from PIL import Image

    rgb = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
    longer = max(rgb.shape[:2])
    if longer < LEAST_TILE:
        factor = -(-LEAST_TILE // longer)
        return np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1)
    picture = Image.fromarray(rgb)
    picture.thumbnail((TILE, TILE))
    return np.asarray(picture)


def webp(pixels: np.ndarray) -> str:
    """RGBA pixels as a data URI."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
