"""Recipes for tests: a smallest one, and a way to write more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.recipe import Recipe, load

SMALLEST = """\
version: 1
name: flowers
data: {source: directory, path: flowers}
model: {backbone: MobileNetV3Small}
"""

Load = Callable[..., Recipe]


@pytest.fixture
def smallest() -> str:
    return SMALLEST


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Loads the smallest recipe with `more` lines, and with settings."""

    def write_and_load(more: str = "", *settings: str) -> Recipe:
        path = tmp_path / "recipe.yaml"
        path.write_text(SMALLEST + more, encoding="utf-8")
        return load(path, settings)

    return write_and_load
