"""Is this augmentation one that training can apply? A list of one-key maps, `- RandomFlip: {mode: horizontal}`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tuner.recipe.kinds import ListOf, law
from tuner.recipe.names import AUGMENTATIONS, POLICIES, UNREPEATABLE_AUGMENTATIONS


def layer(item: Any) -> Mapping[str, Mapping[str, Any]]:
    """One augmentation as {layer: {argument: value}}. Raises `law`, or an error type of `explain.SENTENCES`."""
    if not isinstance(item, Mapping) or len(item) != 1:
        bare = isinstance(item, str) and item in AUGMENTATIONS
        raise law(
            "one layer with its arguments, such as " + (f"{item}: {{}}" if bare else "RandomFlip: {mode: horizontal}")
        )
    name, arguments = next(iter(item.items()))
    if name in UNREPEATABLE_AUGMENTATIONS:
        raise PydanticCustomError("unrepeatable", "{name} cannot be repeated", {"name": name, "key": (name,)})
    if name not in AUGMENTATIONS:
        context = {"what": "augmentation", "name": str(name), "names": tuple(AUGMENTATIONS), "key": (name,)}
        raise PydanticCustomError("unknown_name", "unknown {what} '{name}'", context)
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, Mapping):
        example = ", ".join(f"{key}: ..." for key in AUGMENTATIONS[name][0])
        raise law(f"a map of arguments, such as {name}: {{{example}}}")
    _check_arguments(name, arguments)
    return {name: dict(arguments)}


def _check_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    needed, optional = AUGMENTATIONS[name]
    unknown = next((key for key in arguments if key not in (*needed, *optional)), None)
    if unknown is not None:
        context = {"layer": name, "argument": str(unknown), "names": (*needed, *optional), "key": (name, unknown)}
        raise PydanticCustomError("layer_argument", "{layer} takes no argument '{argument}'", context)
    missing = ", ".join(key for key in needed if key not in arguments)
    if missing:
        context = {"layer": name, "missing": missing, "key": (name,)}
        raise PydanticCustomError("layer_needs", "{layer} needs {missing}", context)
    for argument, value in arguments.items():
        if (name, argument) in LAWS and not LAWS[name, argument][0](value):
            context = {"layer": name, "argument": argument, "law": LAWS[name, argument][1], "key": (name, argument)}
            raise PydanticCustomError("argument_law", "{argument} of {layer} should be {law}", {**context, "is": value})


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


MOST_ALPHA = 100  # of a beta distribution; at 100 every share is a half
MOST_PADDING = 1024  # pixels
FILLS = ("constant", "reflect")
LAWS: Mapping[tuple[str, str], tuple[Callable[[Any], bool], str]] = {
    ("AutoAugment", "policy"): (lambda value: value in POLICIES, ", ".join(POLICIES[:-1]) + f" or {POLICIES[-1]}"),
    ("MixUp", "alpha"): (lambda value: _number(value) and 0 < value <= MOST_ALPHA, "above 0, such as 0.2"),
    ("CutMix", "alpha"): (lambda value: _number(value) and 0 < value <= MOST_ALPHA, "above 0, such as 1"),
    ("RandomCrop", "padding"): (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_PADDING,
        "a number of pixels, such as 4",
    ),
    ("RandomCrop", "fill_mode"): (lambda value: value in FILLS, " or ".join(FILLS)),
}
"""(layer, argument) of our own layers -> whether a value is one, and its law in words. Keras judges its own."""


def _schema() -> dict[str, Any]:
    layers = {
        name: {
            "type": ["object", "null"],
            "properties": {argument: {} for argument in (*needed, *optional)},
            "required": list(needed),
            "additionalProperties": False,
        }
        for name, (needed, optional) in AUGMENTATIONS.items()
    }
    one_key = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {"type": "object", "properties": layers, **one_key}


Augmentation = ListOf[Annotated[Mapping[str, Mapping[str, Any]], BeforeValidator(layer), WithJsonSchema(_schema())]]
"""Layers that are applied in this order, in training only."""
