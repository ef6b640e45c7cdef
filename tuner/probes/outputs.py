"""What do the layers put out over a few hundred examples? Statistics of every layer, gathered while the model runs.

Nothing is kept but sums, so that a large model costs its forward pass and no memory. A unit is a feature of a dense
layer or a channel of a convolution; it is active for an example when it is above zero anywhere.

Source: SageMaker Debugger's rules on dead and saturated units (a share of examples, not of outputs).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.probes import graph
from tuner.probes.recording import recording
from tuner.probes.stateless import called, taken

ACTIVE = 0.01  # share of the examples below which a unit counts as dead
FLAT = {"sigmoid": (1 / (1 + math.exp(5.0)), 1 / (1 + math.exp(-5.0))), "tanh": (-math.tanh(5.0), math.tanh(5.0))}
RECTIFIERS = ("relu", "relu6")
CHUNK = 64  # examples a forward pass
SECONDS = 5.0  # after which no further chunk is begun
MOST_VALUES = 2_000_000  # of one output that are looked at in one chunk: a large map is thinned out


@dataclass(frozen=True)
class Output:
    """What one layer put out, in inference mode; NaN where it does not apply."""

    layer: str
    kind: str
    activation: str
    head: bool  # its output is an output of the model
    units: int
    examples: int
    mean: float
    std: float  # over everything
    signal: float  # across examples, root mean square over the rest: what the layer says about its input
    zero_share: float
    dead_share: float  # of the units active for fewer than `ACTIVE` of the examples
    saturated_share: float  # of the outputs of a sigmoid or tanh whose argument lies outside -5 to 5
    finite: bool


@dataclass
class _Sums:
    layer: keras.layers.Layer
    head: bool = False
    count: int = 0
    examples: int = 0
    total: float = 0.0
    square: float = 0.0
    zeros: int = 0
    flat: int = 0
    finite: bool = True
    active: NDArray[Any] | None = None
    first: NDArray[Any] | None = None  # sums over examples, and of the squares
    second: NDArray[Any] | None = None


@dataclass
class _Tally:
    sums: dict[int, _Sums] = field(default_factory=dict)
    tensors: dict[int, int] = field(default_factory=dict)  # output of the pass going on -> its layer

    def see(self, layer: keras.layers.Layer, output: Any) -> None:
        leaves = keras.tree.flatten(output)
        if not leaves or not hasattr(leaves[0], "shape") or len(leaves[0].shape) < 2:
            return
        try:
            values = np.asarray(keras.ops.convert_to_numpy(leaves[0]))
        except (TypeError, NotImplementedError, AttributeError):  # traced: inside a compiled part nothing is to be seen
            return
        if values.dtype.kind != "f" and values.dtype.name not in ("bfloat16", "float16"):
            return
        self.tensors[id(leaves[0])] = id(layer)
        _add(self.sums.setdefault(id(layer), _Sums(layer)), values)

    def ended(self, outputs: Any) -> None:
        for tensor in keras.tree.flatten(outputs):
            if id(tensor) in self.tensors:
                self.sums[self.tensors[id(tensor)]].head = True
        self.tensors.clear()


def outputs(
    model: keras.Model, x: Any, rows: NDArray[np.intp], weights: Sequence[Any] | None = None, training: bool = False
) -> tuple[Output, ...]:
    """One `Output` a layer, in the order of the calls; fewer examples than asked for where the model is slow.

    `weights` stand in for `model.weights`. In training mode batch norm uses the chunk's statistics and keeps none.
    """
    tally, begun = _Tally(), time.monotonic()
    mapping = list(zip(model.weights, weights, strict=True)) if weights is not None else []
    for start in range(0, max(1, len(rows) - CHUNK + 1), CHUNK):  # chunks of one size: a backend compiles once
        chunk = keras.tree.map_structure(_tensor, taken(x, rows[start : start + CHUNK]))
        with recording(model, tally.see), keras.StatelessScope(state_mapping=mapping):
            tally.ended(called(model, chunk, training))
        if time.monotonic() - begun > SECONDS:
            break
    return tuple(_output(sums) for sums in tally.sums.values())


def _tensor(array: Any) -> Any:
    return keras.ops.convert_to_tensor(array.astype("float32") if array.dtype == np.float64 else array)


def _add(sums: _Sums, raw: NDArray[Any]) -> None:
    """One chunk of a layer's output (N, ..., units); thinned evenly where it is very large."""
    values = raw.astype("float32", copy=False)
    if getattr(sums.layer, "data_format", None) == "channels_first" and values.ndim > 2:
        values = np.moveaxis(values, 1, -1)
    flat = values.reshape(len(values), -1, values.shape[-1])
    flat = flat[:, :: max(1, flat.size // MOST_VALUES)]
    if sums.first is not None and sums.first.shape != flat.shape[1:]:
        return  # a layer that is called on different shapes: the first one stands for it
    sums.finite = sums.finite and bool(np.isfinite(flat).all())
    sums.count, sums.examples = sums.count + flat.size, sums.examples + len(flat)
    wide = flat.astype("float64") if flat.size < MOST_VALUES // 4 else flat
    sums.total, sums.square = sums.total + float(wide.sum()), sums.square + float(np.square(wide).sum())
    sums.zeros += int((flat == 0).sum())
    limits = FLAT.get(graph.activation(sums.layer))
    if limits:
        sums.flat += int((flat < limits[0]).sum() + (flat > limits[1]).sum())
    active, first, second = (flat > 0).any(1).sum(0), wide.sum(0), np.square(wide).sum(0)
    sums.active = active if sums.active is None else sums.active + active
    sums.first = first if sums.first is None else sums.first + first
    sums.second = second if sums.second is None else sums.second + second


def _output(sums: _Sums) -> Output:
    assert sums.active is not None
    assert sums.first is not None
    assert sums.second is not None
    activation = graph.activation(sums.layer)
    mean = sums.total / sums.count
    between = np.maximum(sums.second / sums.examples - np.square(sums.first / sums.examples), 0).mean()
    return Output(
        layer=sums.layer.name,
        kind=type(sums.layer).__name__,
        activation=activation,
        head=sums.head,
        units=len(sums.active),
        examples=sums.examples,
        mean=mean,
        std=math.sqrt(max(sums.square / sums.count - mean**2, 0.0)) if sums.finite else math.nan,
        signal=float(np.sqrt(between)) if sums.finite else math.nan,
        zero_share=sums.zeros / sums.count,
        dead_share=float((sums.active < ACTIVE * sums.examples).mean()) if activation in RECTIFIERS else math.nan,
        saturated_share=sums.flat / sums.count if activation in FLAT else math.nan,
        finite=sums.finite,
    )
