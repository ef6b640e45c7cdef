"""The recipe file: `load` makes a checked, frozen `Recipe` of it, or raises a `RecipeError` that says what is wrong."""

from tuner.recipe.load import load
from tuner.recipe.problems import Problem, RecipeError
from tuner.recipe.schema import Origin, Recipe

__all__ = ["Origin", "Problem", "Recipe", "RecipeError", "load"]
