"""What is left of batch norm when nothing trains? One product and one sum, which a convolution before it can take over.

In inference mode batch norm maps each channel to `scale * x + shift` with constants, and so does a convolution's or a
dense layer's own kernel and bias: the pair is one layer, and the pass over memory between them is saved. Keras does not
do this by itself. The map is the same; in float32 the features differ by rounding alone. The tests compare every family
of `keras.applications` that has batch norm; a model of the user's own is compared before it is used.

Source: Jacob et al. 2018, arXiv 1712.05877, section 3.2. Measured in CPU time under TensorFlow: MobileNetV2 and
EfficientNet-Lite0 take 0.64 of what they took, ResNet50 0.89. Under JAX nothing: XLA merges the norms by itself.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from tuner.models.calls import Calls, Network, nodes_of
from tuner.models.fresh import Array

TOLERANCE = 1e-4  # largest difference of features over their largest size; rounding alone gives 1e-7 to 1e-5 (measured)
PROBES = 2  # random images that the folded network is compared on
_FOLDABLE = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)

Pairs = Mapping[int, Any]  # id of a layer -> the batch normalization right after it


def folded(backbone: keras.Model, compare: bool = True) -> Network:
    """A functional float32 model with each batch norm folded into the layer before it, where that is exact.

    A pair is folded if nothing else reads what is between, neither is called twice, and the layer before is linear.
    Returns `backbone` itself if there is no such pair, a layer is none of Keras's own or computes in another
    precision, or what was folded fails `agrees`, which is asked if `compare`: it takes as long as 50 to 100 images.
    """
    pairs = _pairs(backbone)
    if not pairs:
        return backbone
    found = _written_out(backbone, pairs)
    return found if not compare or agrees(backbone, found) else backbone


def can_fold(backbone: keras.Model) -> bool:
    """Whether `folded` would fold anything."""
    return bool(_pairs(backbone))


def in_bfloat16(backbone: keras.Model) -> Calls | None:
    """Folded, and computed in bfloat16, pixels and pooled features excepted; None if it is not worth it.

    bfloat16 has 8 bits, and what is seen differs from what the backbone sees by about 0.3 % and more: compare the
    features before it is used. Without folding there is nothing to gain, because batch norm computes in float32 anyway.
    None too for a network with depthwise convolutions: their channels differ too much in size for 8 bits. (Measured:
    EfficientNet-Lite0 with its weights sees features of cosine 0.995 to float32's, ResNet50 of 0.99999.)
    """
    if not _is_known(backbone) or any(isinstance(layer, layers.DepthwiseConv2D) for layer in backbone.layers):
        return None
    return _written_out(backbone, _pairs(backbone), "bfloat16")


def agrees(one: keras.Model, other: Network) -> bool:
    """Whether two networks see the same in a few random images: within `TOLERANCE`, of the largest feature."""
    images = np.random.default_rng(0).integers(0, 256, (PROBES, *one.input_shape[1:])).astype(np.float32)
    first, second = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (one, other))
    return bool(np.abs(first - second).max() <= TOLERANCE * np.abs(first).max())  # NaN agrees with nothing


def _pairs(model: keras.Model) -> Pairs:
    """The batch normalizations that can be folded, by the id of the layer that takes them over."""
    if not _is_known(model):
        return {}
    readers: dict[int, list[Any]] = {id(operation): [] for operation in model.operations}
    calls = dict.fromkeys(readers, 0)
    for node in nodes_of(model):
        calls[id(node.operation)] += 1
        for parent in node.parent_nodes:
            readers[id(parent.operation)].append(node.operation)
    for tensor in model.outputs:
        readers[id(tensor._keras_history.operation)].append(None)  # whoever asks for the output
    return {
        id(layer): norm
        for layer in model.operations
        for norm in readers[id(layer)]
        if len(readers[id(layer)]) == 1 and _takes_over(layer, norm) and calls[id(layer)] == calls[id(norm)] == 1
    }


def _is_known(model: keras.Model) -> bool:
    """Whether it is a graph, and of each part it is known what it computes."""
    return hasattr(model, "_nodes_by_depth") and all(_is_plain(operation) for operation in model.operations)


def _is_plain(operation: Any) -> bool:
    """Whether it is one of Keras's own, in float32, and no model inside the model."""
    ours = type(operation).__module__.startswith("keras.") and not isinstance(operation, keras.Model)
    return ours and getattr(operation, "compute_dtype", "float32") == "float32"


def _takes_over(layer: Any, norm: Any) -> bool:
    """Whether `norm`, which alone reads `layer`, is a batch norm of the axis that a linear layer's kernel writes to."""
    if not isinstance(layer, _FOLDABLE) or not isinstance(norm, layers.BatchNormalization):
        return False
    rank = len(layer.output.shape)
    return layer.activation is keras.activations.linear and norm.axis % rank == _axis(layer) % rank


def _written_out(model: keras.Model, pairs: Pairs, precision: str = "float32") -> Calls:
    """The model without the norms of `pairs`, and with what those did inside the layers before them."""
    values: dict[int, Array] = {}
    shifts: dict[int, Array] = {}
    for layer in model.operations:
        if id(layer) not in pairs:
            continue
        scale, shift = _affine(pairs[id(layer)])
        *_, kernel = (variable for variable in layer.weights if not (layer.use_bias and variable is layer.bias))
        values[id(kernel)] = _scaled(layer, _value(kernel), scale)
        if layer.use_bias:
            values[id(layer.bias)] = (_value(layer.bias) * scale + shift).astype(np.float32)
        else:
            shifts[id(layer)] = shift.reshape(_channels(layer)).astype(np.float32)
    return Calls(model, values, shifts, {id(norm) for norm in pairs.values()}, precision)


def _scaled(layer: Any, kernel: Array, scale: Array) -> Array:
    """A kernel whose output channels are larger by `scale` (C,)."""
    if isinstance(layer, layers.DepthwiseConv2D):  # (h, w, in, multiplier): an output channel each
        scale = scale.reshape(kernel.shape[2:])
    return (kernel * scale).astype(np.float32)  # else output channels are the last axis


def _channels(layer: Any) -> list[int]:
    """The shape in which a number for each channel is added to the layer's output."""
    shape = [1] * len(layer.output.shape)
    shape[_axis(layer)] = -1
    return shape


def _axis(layer: Any) -> int:
    """The axis of the output that the layer's kernel writes to."""
    return 1 if getattr(layer, "data_format", "channels_last") == "channels_first" else -1


def _affine(norm: Any) -> tuple[Array, Array]:
    """The scale and the shift (C,), float64, of a batch norm with its moving averages."""
    gamma = _value(norm.gamma) if norm.scale else 1.0
    beta = _value(norm.beta) if norm.center else 0.0
    scale = gamma / np.sqrt(_value(norm.moving_variance) + norm.epsilon)
    return scale, beta - _value(norm.moving_mean) * scale


def _value(variable: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float64)
