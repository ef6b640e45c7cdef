"""Is every axis of the search space one that can be searched? Its path, its kind, its limits, its values."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from tuner.hyperparameters import PATHS, thawed
from tuner.recipe.checks import Complaint
from tuner.recipe.explain import law_of, sentence
from tuner.recipe.paths import ALIASES, all_paths, nearest
from tuner.recipe.schema import Recipe
from tuner.recipe.space import Axis, point_value

RANGE = ("min_value", "max_value", "step", "sampling")


def space(recipe: Recipe) -> Iterator[Complaint]:
    """Every axis names a setting that a trial may change, and values that the setting may take."""
    for path, axis in recipe.search.space.items():
        at = f"search.space.{path}"
        if path not in PATHS:
            yield Complaint(at, *_no_axis(path), at_key=True)
        elif axis.values is None:
            yield from _range(path, axis, at)
        else:
            yield from _values(path, axis, at)


def _no_axis(path: str) -> tuple[str, str]:
    if path in all_paths():
        return f"'{path}' is a setting, but not one that trials may differ in", ""
    near = ALIASES.get(path) or nearest(path, PATHS)
    return f"no setting '{path}' in a recipe", f"did you mean '{near}'?" if near else ""


def _values(path: str, axis: Axis, at: str) -> Iterator[Complaint]:
    ranged = [key for key in RANGE if key in axis.model_fields_set]
    if ranged:
        yield Complaint(f"{at}.{ranged[0]}", f"values and {ranged[0]} exclude each other", at_key=True)
    for index, value in enumerate(axis.values or ()):
        yield from _value(path, value, f"{at}.values.{index}")


def _range(path: str, axis: Axis, at: str) -> Iterator[Complaint]:
    low, high = axis.min_value, axis.max_value
    if low is None or high is None:
        yield Complaint(at, "an axis has values, or min_value and max_value", at_key=True)
        return
    broken = [*_value(path, low, f"{at}.min_value"), *_value(path, high, f"{at}.max_value")]
    yield from broken
    if low >= high:
        yield Complaint(f"{at}.min_value", f"min_value {low:g} is not below max_value {high:g}")
    elif axis.step is not None and axis.step > high - low:
        yield Complaint(f"{at}.step", f"a step of {axis.step:g} is longer than the range, {high - low:g}")
    if axis.sampling != "linear" and low <= 0 and not broken:
        yield Complaint(f"{at}.sampling", f"{axis.sampling} sampling needs a min_value above 0, not {low:g}")


def _value(path: str, value: Any, at: str) -> Iterator[Complaint]:
    """What is wrong with one value, judged by the law of the setting at `path`."""
    if value == "auto":
        yield Complaint(at, f"auto is no value that {path} could be tried with")
        return
    try:
        point_value(path, value)
    except ValidationError as error:
        wrong = [e for e in error.errors(include_url=False) if law_of(e) != "auto"]
        message, hint = sentence([dict(e) for e in wrong])
        yield Complaint(at, f"{path} {message}" if message.startswith("should") else message, hint)


def in_point_form(recipe: Recipe) -> Recipe:
    """The recipe with the values of its axes in the form that `Hyperparameters` holds, such as null for `none`."""
    axes = {
        path: axis.model_copy(update={"values": tuple(thawed(point_value(path, value)) for value in axis.values)})
        for path, axis in recipe.search.space.items()
        if axis.values is not None
    }
    if not axes:
        return recipe
    search = recipe.search.model_copy(update={"space": {**recipe.search.space, **axes}})
    return recipe.model_copy(update={"search": search})
