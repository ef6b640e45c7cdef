"""How is a network changed without its author? It is cloned layer by layer, and a layer's settings or calls replaced.

Source: keras.models.clone_model (clone_function, call_function).
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from tuner.diagnosis.setups import CannotApply

Layer = Any
Call = Callable[..., Any]  # (layer, *inputs, **settings) -> outputs
ACTIVATING = ("Activation", "Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU")
WIDE = ("units", "filters")  # settings that say how many outputs a layer has


def cloned(
    network: keras.Model,
    edit: Callable[[Layer], Layer | None] | None = None,
    call: Call | None = None,
) -> keras.Model:
    """The network with weights of its own.

    Args:
        edit: gives the layer to put in a layer's place, or None for the same again.
        call: calls a layer on its inputs, and may do more.

    Raises `CannotApply` where the layers no longer fit on each other.
    """

    def clone(layer: Layer) -> Layer:
        found = edit(layer) if edit is not None else None
        return again(layer) if found is None else found

    try:
        return keras.models.clone_model(network, clone_function=clone, call_function=call or _called)
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        raise CannotApply(f"the changed network cannot be built: {' '.join(str(error).split())[:200]}") from None


def _called(layer: Layer, *inputs: Any, **settings: Any) -> Any:
    """As it was called before; an activation that took another layer's place knows none of its settings (a mask)."""
    return layer(*inputs) if isinstance(layer, keras.layers.Activation) else layer(*inputs, **settings)


def again(layer: Layer, **settings: Any) -> Layer:
    """The same layer anew, with other settings. Raises `CannotApply` for a setting it does not have."""
    config = layer.get_config()
    unknown = next((name for name in settings if name not in config), None)
    if unknown is not None:
        raise CannotApply(f"layer {layer.name!r} ({type(layer).__name__}) has no {unknown}")
    copy = type(layer).from_config({**config, **settings})
    if "trainable" not in settings:
        copy.trainable = layer.trainable
    return copy


def changed(network: keras.Model, settings: Mapping[str, Mapping[str, Any]]) -> keras.Model:
    """The network with other settings for the layers that are named. Raises `CannotApply` for names it has not."""
    names = [layer.name for layer in network.layers]
    missing = next((name for name in settings if name not in names), None)
    if missing is not None:
        raise CannotApply(f"there is no layer {missing!r}")
    return cloned(network, lambda layer: again(layer, **settings[layer.name]) if layer.name in settings else None)


def head_of(network: keras.Model) -> Layer:
    """The last layer that has units or filters. Raises `CannotApply` where there is none."""
    for layer in reversed(network.layers):
        if any(hasattr(layer, name) for name in WIDE) and layer.weights:
            return layer
    raise CannotApply("no layer of the network has units that could be its head")


def hidden(network: keras.Model) -> list[Layer]:
    """The layers with a kernel before the head."""
    head = head_of(network)
    wide = [layer for layer in network.layers if any(hasattr(layer, name) for name in WIDE) and layer.weights]
    return [layer for layer in wide if layer is not head]


def with_head_activation(network: keras.Model, activation: str) -> keras.Model:
    """The network ending in another activation: that of the head, or of the layer behind it."""
    head = head_of(network)
    behind = network.layers[network.layers.index(head) + 1 :]
    last = next((layer for layer in reversed(behind) if type(layer).__name__ in ACTIVATING), None)
    if last is None:
        return changed(network, {head.name: {"activation": activation}})
    return cloned(network, lambda layer: keras.layers.Activation(activation) if layer is last else None)


def with_activation(network: keras.Model, name: str, activation: str) -> keras.Model:
    """The network with another activation in one layer, be it a setting or a layer of its own."""
    layer = next((layer for layer in network.layers if layer.name == name), None)
    if layer is not None and type(layer).__name__ in ACTIVATING:
        return cloned(network, lambda one: keras.layers.Activation(activation, name=name) if one is layer else None)
    return changed(network, {name: {"activation": activation}})


def with_units(network: keras.Model, factor: float) -> keras.Model:
    """The network with hidden layers that are `factor` times as wide."""
    settings = {}
    for layer in hidden(network):
        name = next(word for word in WIDE if hasattr(layer, word))
        settings[layer.name] = {name: max(1, round(getattr(layer, name) * factor))}
    if not settings:
        head = head_of(network)
        return before_head(network, lambda x: keras.layers.Dense(64, activation="relu", name=f"{head.name}_hidden")(x))
    return changed(network, settings)


def without(network: keras.Model, name: str) -> keras.Model:
    """The network without one layer."""
    if name not in [layer.name for layer in network.layers]:
        raise CannotApply(f"there is no layer {name!r}")

    def call(layer: Layer, *inputs: Any, **settings: Any) -> Any:
        return inputs[0] if layer.name == name else layer(*inputs, **settings)

    return cloned(network, call=call)


def before_head(network: keras.Model, put: Callable[[Any], Any]) -> keras.Model:
    """The network with something more in front of its head."""
    head = head_of(network).name

    def call(layer: Layer, *inputs: Any, **settings: Any) -> Any:
        return layer(put(inputs[0])) if layer.name == head else layer(*inputs, **settings)

    return cloned(network, call=call)


def with_batch_normalization(network: keras.Model) -> keras.Model:
    """The network with batch normalization behind each hidden layer that has a kernel."""
    names = {layer.name for layer in hidden(network)}

    def call(layer: Layer, *inputs: Any, **settings: Any) -> Any:
        found = layer(*inputs, **settings)
        return keras.layers.BatchNormalization()(found) if layer.name in names else found

    return cloned(network, call=call)


def with_skip_connections(network: keras.Model) -> keras.Model:
    """The network with a sum around each hidden layer that keeps its input's shape."""
    names = {layer.name for layer in hidden(network)}
    added = []

    def call(layer: Layer, *inputs: Any, **settings: Any) -> Any:
        found = layer(*inputs, **settings)
        if layer.name not in names or tuple(inputs[0].shape) != tuple(found.shape):
            return found
        added.append(layer.name)
        return keras.layers.Add()([inputs[0], found])

    copy = cloned(network, call=call)
    if not added:
        raise CannotApply("no layer keeps its input's shape, so that nothing can be added up")
    return copy
