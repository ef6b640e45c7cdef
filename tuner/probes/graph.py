"""In which order do the layers of a model follow each other, and what lies between the last weights and the output?

A functional or sequential model is read from its graph, models inside it included. A subclassed model has no graph
until it runs: its layers are taken in the order in which they were made, and whoever judges is told so.

Source: Keras 3.15.1, `keras.src.ops.node` (a tensor knows the call that made it).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

KERNELS = ("Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose")
OTHER_WEIGHTS = (
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Conv3DTranspose", "Embedding"),
    *("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D", "MultiHeadAttention"),
)
ACTIVATIONS = {  # layers and operations that are an activation and nothing else
    **{"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu"},
    **{"Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Selu": "selu"},
    **{"LeakyRelu": "leaky_relu", "Gelu": "gelu", "Silu": "silu", "Softplus": "softplus", "Exp": "exponential"},
    **{"LogSoftmax": "log_softmax", "HardSigmoid": "hard_sigmoid", "Softsign": "softsign", "ThresholdedReLU": "relu"},
}
TRANSPARENT = (  # they move numbers about and do not change what a number means
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout"),
    *("AlphaDropout", "ActivityRegularization", "Flatten", "Reshape", "Permute", "RepeatVector", "Masking", "Identity"),
    *("Squeeze", "ExpandDims", "Cast", "Transpose", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
    *("UpSampling1D", "UpSampling2D", "InputLayer", "GetItem"),
)


@dataclass(frozen=True)
class Call:
    """One layer where it is used: what it is, and the layers it reads from (the nearest ones, models opened)."""

    layer: Any
    parents: tuple[int, ...]  # places in the list of calls


def kind(layer: Any) -> str:
    """Class name of a layer; of a `TimeDistributed` or another wrapper of one layer, that of the layer inside."""
    name = type(layer).__name__
    inner = getattr(layer, "layer", None)
    return kind(inner) if name in ("TimeDistributed", "SpectralNormalization") and inner is not None else name


def inner(layer: Any) -> Any:
    """The layer that holds the weights: that inside a wrapper, else the layer itself."""
    return layer.layer if type(layer).__name__ in ("TimeDistributed", "SpectralNormalization") else layer


def is_ours(layer: Any) -> bool:
    """Whether the layer is one of Keras's own, whose meaning is known."""
    return type(layer).__module__.startswith("keras.")


def activation(layer: Any) -> str:
    """Name of what a layer applies last: linear where nothing, "custom" where it is not one of Keras's."""
    name = kind(layer)
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name == "Activation" or name in (*KERNELS, *OTHER_WEIGHTS):
        return _named(getattr(inner(layer), "activation", None))
    return "linear" if name in TRANSPARENT or name in ("BatchNormalization", "Rescaling") else "custom"


def _named(function: Any) -> str:
    if function is None:
        return "linear"
    if not str(getattr(function, "__module__", "")).startswith("keras."):
        return ACTIVATIONS.get(type(function).__name__, "custom")
    name = getattr(function, "__name__", type(function).__name__)
    return "silu" if name == "swish" else ACTIVATIONS.get(name, name)


def has_graph(model: Any) -> bool:
    """Whether the order of the calls is known for certain."""
    if isinstance(model, keras.Sequential):
        return bool(model.built and getattr(model, "_functional", None) is not None)
    return hasattr(model, "_nodes_by_depth")


def leaves(model: Any) -> list[Any]:
    """Every layer that holds no other one, models and wrappers of many opened; forward order where there is a graph."""
    if has_graph(model):
        return [call.layer for call in calls(model)]
    found: list[Any] = []
    for layer in model.layers:
        inside = getattr(layer, "layers", None)
        found += leaves(layer) if inside and kind(layer) not in OTHER_WEIGHTS else [layer]
    return found


def calls(model: Any) -> list[Call]:
    """The calls of a model with a graph, in forward order; models inside are opened."""
    found: list[Call] = []
    _walk(model, {}, found)
    return found


def ends(model: Any) -> list[int]:
    """For each output of the model the place in `calls(model)` of the layer that makes it (-1: not found)."""
    made = _walk(model, {}, [])
    return [made.get(id(tensor), -1) for tensor in _graph(model).outputs]


def _graph(model: Any) -> Any:
    return model._functional if isinstance(model, keras.Sequential) else model


def _walk(model: Any, known: dict[int, int], found: list[Call]) -> dict[int, int]:
    """Append the calls of a graph; returns where each of its tensors comes from."""
    graph, made = _graph(model), dict(known)
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            parents = tuple(made[id(t)] for t in node.input_tensors if id(t) in made)
            layer = node.operation
            if node.is_input and all(id(t) in made for t in node.outputs):
                continue  # an input of an inner model: it is the outer tensor
            if has_graph(layer) and not node.is_input:
                inside = _graph(layer)
                outer = {id(t): made[id(o)] for t, o in zip(inside.inputs, node.input_tensors, strict=False)}
                deeper = _walk(layer, outer, found)
                pairs = zip(node.outputs, inside.outputs, strict=False)
                made |= {id(t): deeper[id(o)] for t, o in pairs if id(o) in deeper}
                continue
            found.append(Call(layer, parents))
            made |= {id(t): len(found) - 1 for t in node.outputs}
    return made


def back(found: list[Call], place: int) -> Iterator[int]:
    """From a call towards the input, as long as there is but one way."""
    while place >= 0:
        yield place
        parents = set(found[place].parents)
        place = parents.pop() if len(parents) == 1 else -1


def children(found: list[Call]) -> list[list[int]]:
    """For each call the calls that read from it."""
    readers: list[list[int]] = [[] for _ in found]
    for place, call in enumerate(found):
        for parent in set(call.parents):
            readers[parent].append(place)
    return readers
