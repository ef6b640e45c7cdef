"""What are the layers of a model, with their shapes and parameter counts? The table that the lecture draws by hand."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from tuner.models.fresh import leaves
from tuner.models.work import operations

BYTES = 4  # of a float32
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class LayerRow:
    """One layer. Sizes are (height, width); shapes leave the batch out."""

    name: str
    kind: str  # the layer's class
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    input: Shape | None
    output: Shape | None
    parameters: int  # all weights, whether they train or not


def layer_table(model: keras.Model) -> tuple[LayerRow, ...]:
    """A row for each layer, those of nested models included, in order; inputs are left out."""
    return tuple(_row(layer) for layer in leaves(model) if not isinstance(layer, keras.layers.InputLayer))


@dataclass(frozen=True)
class Totals:
    """What a whole network takes."""

    parameters: int  # that learn
    kept: int  # that do not: averages of batch normalization, means of the pixels
    weight_bytes: int  # of all of them, in float32
    map_bytes: int  # of the outputs of all layers for one image, in float32
    operations: int  # for one image, two for each multiplication


def totals(model: keras.Model) -> Totals:
    """The sums over all layers. A layer that is called twice is counted once; an output of unknown shape, never."""
    learned, kept = (
        sum(math.prod(w.shape) for w in ws) for ws in (model.trainable_weights, model.non_trainable_weights)
    )
    maps = sum(math.prod(side or 0 for side in row.output) for row in layer_table(model) if row.output)
    return Totals(learned, kept, BYTES * (learned + kept), BYTES * maps, operations(model))


def _row(layer: Any) -> LayerRow:
    return LayerRow(
        layer.name,
        type(layer).__name__,
        _pair(getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)),
        _pair(getattr(layer, "strides", None)),
        _shape(layer, "input"),
        _shape(layer, "output"),
        layer.count_params() if layer.built else 0,
    )


def _pair(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    return (value, value) if isinstance(value, int) else tuple(value)


def _shape(layer: Any, side: str) -> Shape | None:
    """The shape of a layer's first input or of its output; None for a layer that was never part of a graph."""
    nodes = layer._inbound_nodes
    if not nodes:
        return None
    tensors = nodes[0].input_tensors if side == "input" else nodes[0].output_tensors
    return tuple(tensors[0].shape[1:])
