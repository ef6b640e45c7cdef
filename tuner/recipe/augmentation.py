"""Is this augmentation one that training can apply? A list of one-key maps, `- RandomFlip: {mode: horizontal}`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tuner.recipe.augmentation_laws import ACTS_BY, LAWS, acts
from tuner.recipe.kinds import ListOf, law
from tuner.recipe.names import AUGMENTATIONS, UNREPEATABLE_AUGMENTATIONS


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
        law_ = LAWS.get((name, argument))
        if law_ is not None and not law_.holds(value):
            context = {"layer": name, "argument": argument, "law": law_.words, "names": law_.names, "is": value}
            raise PydanticCustomError(
                "argument_law", "{argument} of {layer} should be {law}", {**context, "key": (name, argument)}
            )
    if name in ACTS_BY and not acts(name, arguments):
        context = {"layer": name, "missing": ACTS_BY[name][1], "key": (name,)}
        raise PydanticCustomError("layer_needs", "{layer} needs {missing}", context)


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
