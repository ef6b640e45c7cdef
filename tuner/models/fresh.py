"""What are the weights of a model before training, for any seed, without building it again?

Building a network takes seconds and tracing it more, while its first weights are a list of arrays. A blueprint says
for each variable where its first value comes from: a constant (pretrained weights, zeros, ones), an initializer, or
the seed of a random layer. `draw` turns a blueprint and a seed into arrays; a model is put back to its start, or to
another one, by assigning them.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.models.drawing import DRAWN, drawn
from tuner.models.seeds import derived_seed

Array = NDArray[Any]


@dataclass(frozen=True)
class Initialized:
    """A variable that starts from a random initializer."""

    initializer: Any  # keras.initializers.Initializer
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Seed:
    """The state of a `SeedGenerator`: its seed and how often it was asked."""

    dtype: str


Blueprint = tuple[Initialized | Seed | Array, ...]

_INITIALIZERS = {  # where the attribute is not the variable's name and `_initializer`
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
    "recurrent_kernel": "recurrent_initializer",
}


def blueprint(model: keras.Model, pretrained: bool) -> Blueprint:
    """Where each of `model.variables` comes from, in their order; `pretrained` variables stay as they are now."""
    owners = {id(variable): layer for layer in leaves(model) for variable in layer.variables}
    return tuple(_origin(variable, owners.get(id(variable)), pretrained) for variable in model.variables)


def _origin(variable: Any, layer: Any, pretrained: bool) -> Initialized | Seed | Array:
    if variable.name == "seed_generator_state":
        return Seed(str(variable.dtype))
    initializer = _initializer(variable, layer)
    if not pretrained and isinstance(initializer, keras.initializers.Initializer) and _is_random(initializer):
        return Initialized(initializer, tuple(variable.shape), str(variable.dtype))
    value = np.array(keras.ops.convert_to_numpy(variable))
    value.setflags(write=False)
    return value


def _is_random(initializer: Any) -> bool:
    return "seed" in initializer.get_config()


def _initializer(variable: Any, layer: Any) -> Any:
    """The initializer of a layer's variable: Keras keeps it as `<variable>_initializer` by convention."""
    if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.DepthwiseConv1D) and variable.name == "kernel":
        return layer.depthwise_initializer
    return getattr(layer, _INITIALIZERS.get(variable.name, f"{variable.name}_initializer"), None)


def draw(plan: Blueprint, seed: int, part: int = 0) -> list[Array]:
    """The first values for `seed`: bit for bit the same for the same seed, on one backend.

    `part` tells models apart that share a seed. What NumPy can draw is the same on every backend.
    """
    return [_value(origin, derived_seed(seed, part, place)) for place, origin in enumerate(plan)]


def _value(origin: Initialized | Seed | Array, seed: int) -> Array:
    if isinstance(origin, Seed):
        return np.array([seed, 0], dtype=origin.dtype)
    if isinstance(origin, Initialized):
        name = _drawn_name(origin.initializer)
        if name is not None:
            return drawn(name, origin.shape, seed).astype(origin.dtype)
        config = {**origin.initializer.get_config(), "seed": seed}
        value = type(origin.initializer).from_config(config)(origin.shape, dtype=origin.dtype)
        return np.asarray(keras.ops.convert_to_numpy(value))
    return origin


def _drawn_name(initializer: Any) -> str | None:
    """The name under which `drawing.drawn` gives the same distribution; None if it does not."""
    for name in DRAWN:
        known = keras.initializers.get(name)
        same = {**known.get_config(), "seed": None} == {**initializer.get_config(), "seed": None}
        if type(known) is type(initializer) and same:
            return name
    return None


def start(model: keras.Model, plan: Blueprint, seed: int, part: int = 0) -> None:
    """Sets the variables of `model` to their first values for `seed`; the constants among them are there already."""
    for place, (variable, origin) in enumerate(zip(model.variables, plan, strict=True)):
        if not isinstance(origin, np.ndarray):
            variable.assign(_value(origin, derived_seed(seed, part, place)))


def leaves(model: keras.Model) -> list[Any]:
    """The layers of a model that are no models themselves, in order, nested ones included."""
    found: list[Any] = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found
