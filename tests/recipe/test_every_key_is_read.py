"""Every key that a recipe accepts does something: outside `tuner/recipe`, some code reads it.

A key counts as read by a file that reads an attribute of its name and one of its section's name (`recipe.output.dir`,
or `plan = recipe.steps.change` and `plan.top_k`), or that asks the stored recipe for it (`read.text(recipe, "name")`).
A hyperparameter is read by its field's name. The names alone are compared, so a key may still be missed; none is
reported by mistake.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from tuner.hyperparameters import PATHS
from tuner.recipe.paths import all_paths, section_at

PACKAGE = Path(__file__).parents[2] / "tuner"

ONE_VALUE = {"version", "data.label_mode", "loss.name", "search.objective", "target.metric"}
"""Keys that can have one value only, beside `auto`: there is nothing to read, and another value is told to be wrong."""

ALLOWED = {
    "steps.initial_loss.enabled": "tuner.tune.enabled takes the section by the step's name",
    "steps.overfit_small_sample.enabled": "tuner.tune.enabled takes the section by the step's name",
    "steps.learning_rate.enabled": "tuner.tune.enabled takes the section by the step's name",
    "steps.learning_curves": "one of the seven names; there is nothing to set",
}

SETTINGS = [path for path in all_paths() if not any(other.startswith(f"{path}.") for other in all_paths())]


@cache
def names_read() -> tuple[frozenset[str], ...]:
    """Of every file outside `tuner/recipe`: the attributes that it reads, and the keys that it asks `read` for."""
    files = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE / "recipe"]
    return tuple(frozenset(_names(ast.parse(path.read_text(encoding="utf-8")))) for path in files)


def _names(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.add(node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = isinstance(node.func.value, ast.Name) and node.func.value.id == "read"
            found |= {a.value for a in node.args if asked and isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def is_read(path: str) -> bool:
    if path in PATHS:
        return any(PATHS[path] in names for names in names_read())
    *above, key = (part for part in path.split(".") if part != "0")
    return any({key, *above[-1:]} <= names for names in names_read())


@pytest.mark.parametrize("path", [path for path in SETTINGS if path not in ONE_VALUE and path not in ALLOWED])
def test_every_key_is_read(path: str) -> None:
    assert is_read(path), f"nothing outside tuner/recipe reads {path}: honor it, or take it out of the recipe"


@pytest.mark.parametrize("path", sorted(ONE_VALUE))
def test_a_key_of_one_value_has_one_value(path: str) -> None:
    *above, key = path.split(".")
    section = section_at(tuple(above))
    assert section is not None
    assert len(set(_literals(section.model_fields[key].annotation)) - {"auto"}) == 1


def test_the_exceptions_are_keys_and_are_needed() -> None:
    assert set(ALLOWED) <= set(SETTINGS)
    assert set(SETTINGS) >= ONE_VALUE
    assert [path for path in ALLOWED if is_read(path)] == []


def _literals(annotation: Any) -> list[Any]:
    values = get_args(annotation)
    return [found for value in values for found in (_literals(value) or ([value] if not get_args(value) else []))]
