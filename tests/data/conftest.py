"""Recipes and small sets of images on disk."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tuner.recipe import Recipe, load

Open = Callable[..., Recipe]


@pytest.fixture
def recipe(tmp_path: Path) -> Open:
    """`recipe(source=..., path=...)`: a real recipe with these `data` settings, 8x8 images and a cache of its own."""

    def make(seed: int = 0, **data: Any) -> Recipe:
        defaults = {"image_size": [8, 8], "cache_dir": str(tmp_path / "cache")}
        text = {"version": 1, "name": "test", "seed": seed, "data": defaults | data, "model": {"backbone": "LeNet5"}}
        file = tmp_path / "recipe.yaml"
        file.write_text(json.dumps(text))  # YAML 1.2 holds JSON
        return load(file)

    return make


@pytest.fixture(scope="session")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """60 random gray images of 8x8 in three classes: uint8 (60, 8, 8), int64 (60,)."""
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (60, 8, 8), np.uint8), np.arange(60) % 3


def save(path: Path, image: np.ndarray, **options: Any) -> Path:
    """Write an image file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path, pictures: tuple[np.ndarray, np.ndarray]) -> Path:
    """The pictures as PNG files, root/class/number.png, in an order that is not that of the arrays."""
    for i, (image, label) in enumerate(zip(*pictures, strict=True)):
        save(tmp_path / "images" / str(label) / f"{(i * 37) % 60:03}.png", image)
    return tmp_path / "images"


@pytest.fixture(scope="session")
def fashion_mnist_dir() -> Path:
    """A TFDS data folder with fashion_mnist in it, prepared offline the first time (a minute) and kept."""
    pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is not installed")
    from tuner.data.sources.tfds import prepared_folder

    data_dir = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser() / "tfds"
    if prepared_folder(data_dir, "fashion_mnist") is None:
        script = Path(__file__).parents[2] / "benchmarks" / "prepare_fashion_mnist.py"
        if not Path("/usr/share/datasets/fashion-mnist").is_dir():
            pytest.skip("Debian's package dataset-fashion-mnist is not installed")
        import subprocess
        import sys

        subprocess.run([sys.executable, str(script), str(data_dir)], check=True, capture_output=True)
    return data_dir
