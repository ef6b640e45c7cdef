"""What does every layer put out, whatever kind of model it lies in?

For the length of one `with`, each leaf layer's `call` is replaced, on the instance, by one that hands its output to a
function. So functional, sequential, nested and subclassed models are looked into alike. Layers that own a loop
(recurrent layers, wrappers) are one layer: what happens inside their loop is not looked at.

Source: keras/src/ops/operation.py: `Operation.__call__` calls `self.call`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

See = Callable[[keras.layers.Layer, Any], None]  # a layer, and what its call returned


def leaves(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that do the work, those of nested models included; not in the order of the calls."""
    found: list[keras.layers.Layer] = []
    for inner in layer._layers:
        parts = leaves(inner) if opened(inner) else []
        found += parts or [inner]
    return list({id(part): part for part in found if not isinstance(part, keras.layers.InputLayer)}.values())


def opened(layer: keras.layers.Layer) -> bool:
    """Whether one looks inside a layer: a model or a block of somebody's own, but no loop and no attention."""
    loops = (keras.layers.RNN, keras.layers.Wrapper, keras.layers.MultiHeadAttention, keras.layers.Pipeline)
    return not isinstance(layer, loops) and not hasattr(layer, "cell") and bool(layer._layers)


@contextmanager
def recording(model: keras.Model, see: See) -> Iterator[None]:
    """While it lasts, `see(layer, output)` is called after every leaf layer's call, in the order of the calls."""
    hooked = leaves(model)
    for layer in hooked:
        object.__setattr__(layer, "call", _seen(layer, layer.call, see))
    try:
        yield
    finally:
        for layer in hooked:
            object.__delattr__(layer, "call")


def _seen(layer: keras.layers.Layer, call: Callable[..., Any], see: See) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **named: Any) -> Any:
        output = call(*arguments, **named)
        see(layer, output)
        return output

    return wrapper
