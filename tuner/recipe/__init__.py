"""The recipe file: `load` makes a checked, frozen `Recipe` of it, or raises a `RecipeError` that says what is wrong.

The names are imported when they are first asked for: YAML and pydantic take 0.3 s, and `tuner.recipe.names`, or a
recipe that `tuner.recipe.known` remembers, need neither.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.recipe.loading import load
    from tuner.recipe.problems import Problem, RecipeError
    from tuner.recipe.schema import Origin, Recipe

__all__ = ["Origin", "Problem", "Recipe", "RecipeError", "load"]

_WHERE = {"Origin": "schema", "Problem": "problems", "Recipe": "schema", "RecipeError": "problems", "load": "loading"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'tuner.recipe' has no attribute '{name}'")
    return getattr(importlib.import_module(f"tuner.recipe.{_WHERE[name]}"), name)
