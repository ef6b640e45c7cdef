from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.recipe.schema import Origin, Recipe

RecipeMaker = Callable[..., Recipe]


@pytest.fixture
def recipe() -> RecipeMaker:
    """Makes a recipe: `recipe("LeNet5", weights=None, dropout=0.5, transfer=[...])`."""

    def make(
        backbone: str,
        folder: Path = Path("."),
        transfer: Any = "auto",
        from_logits: Any = "auto",
        **model: Any,
    ) -> Recipe:
        data = {
            "version": 1,
            "name": "test",
            "data": {"source": "digits"},
            "model": {"backbone": backbone, **model},
            "transfer": transfer,
            "loss": {"from_logits": from_logits},
        }
        return Recipe.from_json(data, Origin(folder / "recipe.yaml"))

    return make


@pytest.fixture
def photos() -> Callable[..., Any]:
    """Makes random images: `photos(size, channels, count)`, float32 in 0..255."""

    def make(size: int = 32, channels: int = 3, count: int = 4) -> Any:
        return np.random.default_rng(0).integers(0, 256, (count, size, size, channels)).astype("float32")

    return make
