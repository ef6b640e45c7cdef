"""The seven steps, one file each: `measure` touches Keras and returns numbers, `judge` says what they mean."""

from tuner.recipe.names import STEPS as STEP_NAMES

__all__ = ["STEP_NAMES"]
