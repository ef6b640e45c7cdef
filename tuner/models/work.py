"""How much arithmetic does a network take for one image? Counted from its graph, before anything is computed."""

import math
from typing import Any

import keras

from tuner.models.fresh import leaves


def operations(part: keras.Model) -> int:
    """Floating-point operations of its convolutions and dense layers for one image: two a multiplication."""
    return sum(2 * _multiplications(layer) for layer in leaves(part) if layer.weights)


def _multiplications(layer: Any) -> int:
    """Each place of the output meets each weight of the kernels once; channels are the last axis."""
    places = int(math.prod(layer.output.shape[1:-1]))
    return places * sum(int(math.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)
