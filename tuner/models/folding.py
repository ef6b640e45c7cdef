"""What is left of batch norm when nothing trains? One product and one sum, which a convolution before it can take over.

In inference mode batch norm maps each channel to `scale * x + shift` with constants, and so does a convolution's or a
dense layer's own kernel and bias: the pair is one layer, and the pass over memory between them is saved. Keras does not
do this by itself. The map is the same; in float32 the features differ by rounding alone, which is measured before the
folded network is used.

Source: Jacob et al. 2018, arXiv 1712.05877, section 3.2. Measured in CPU time under TensorFlow: MobileNetV2 and
EfficientNet-Lite0 take 0.64 of what they took, ResNet50 0.89. Under JAX nothing: XLA merges the norms by itself.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from tuner.models.fresh import Array
from tuner.models.transfer import own_rate

TOLERANCE = 1e-4  # largest difference of features over their largest size; rounding alone gives 1e-7 to 1e-5 (measured)
PROBES = 4  # random images that the folded network is compared on
_FOLDABLE = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
_IN_FLOAT32 = (  # in any case: pixels of 8 bits less a mean want more bits, and so do sums over many values
    *(layers.Rescaling, layers.Normalization),
    *(layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Reshape),
)

Pairs = Mapping[int, Any]  # id of a layer -> the batch normalization right after it


def folded(backbone: keras.Model) -> keras.Model:
    """A copy of a functional float32 model with each batch norm folded into the layer before it, where that is exact.

    A pair is folded if nothing else reads what is between, neither is called twice, and the layer before is linear.
    The copy is for inference alone, and shares no weight with `backbone`. Returns `backbone` itself if there is no such
    pair, a layer is none of Keras's own or computes in another precision, or the copy fails `agrees`.
    """
    pairs = _pairs(backbone)
    if not pairs:
        return backbone
    copy = _copy(backbone, pairs)
    return copy if agrees(backbone, copy) else backbone


def can_fold(backbone: keras.Model) -> bool:
    """Whether `folded` would fold anything."""
    return bool(_pairs(backbone))


def in_bfloat16(backbone: keras.Model) -> keras.Model | None:
    """A folded copy whose layers compute in bfloat16, pixels and pooled features excepted; None if it is not worth one.

    bfloat16 has 8 bits, and what a copy sees differs from what the backbone sees by about 0.3 % and more: compare the
    features before it is used. Without folding there is nothing to gain, because batch norm computes in float32 anyway.
    None too for a network with depthwise convolutions: their channels differ too much in size for 8 bits. (Measured:
    EfficientNet-Lite0 with its weights sees features of cosine 0.995 to float32's, ResNet50 of 0.99999.)
    """
    if not _can_copy(backbone) or any(isinstance(layer, layers.DepthwiseConv2D) for layer in backbone.layers):
        return None
    return _copy(backbone, _pairs(backbone), "mixed_bfloat16")


def agrees(one: keras.Model, other: keras.Model) -> bool:
    """Whether two models see the same in a few random images: within `TOLERANCE`, of the largest feature."""
    images = np.random.default_rng(0).integers(0, 256, (PROBES, *one.input_shape[1:])).astype(np.float32)
    first, second = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (one, other))
    return bool(np.abs(first - second).max() <= TOLERANCE * np.abs(first).max())  # NaN agrees with nothing


def _pairs(model: keras.Model) -> Pairs:
    """The batch normalizations that can be folded, by the id of the layer that takes them over."""
    if not _can_copy(model):
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


def nodes_of(model: keras.Model) -> list[Any]:
    """The calls of layers that a functional model consists of, from the input on; not those of models that share them.

    Each has an `operation` and `parent_nodes`.
    """
    return [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]


def _can_copy(model: keras.Model) -> bool:
    """Whether it is a graph, and a copy of each part of it is known to compute the same."""
    return hasattr(model, "_nodes_by_depth") and all(_is_plain(operation) for operation in model.operations)


def _is_plain(operation: Any) -> bool:
    """Whether it is one of Keras's own, in float32, and no model inside the model."""
    ours = type(operation).__module__.startswith("keras.") and not isinstance(operation, keras.Model)
    return ours and getattr(operation, "compute_dtype", "float32") == "float32"


def _takes_over(layer: Any, norm: Any) -> bool:
    """Whether `norm`, which alone reads `layer`, is a batch norm of the axis that a linear layer's kernel writes to."""
    if not isinstance(layer, _FOLDABLE) or not isinstance(norm, layers.BatchNormalization):
        return False
    axis = 1 if getattr(layer, "data_format", "channels_last") == "channels_first" else -1
    rank = len(layer.output.shape)
    return layer.activation is keras.activations.linear and norm.axis % rank == axis % rank


def _copy(model: keras.Model, pairs: Pairs, precision: str = "float32") -> keras.Model:
    """The model anew, without the norms of `pairs`, and with what those did inside the layers before them."""
    skipped = {norm.name for norm in pairs.values()}
    sources: list[tuple[Any, Any]] = []

    def clone(layer: Any) -> Any:
        config = {**layer.get_config(), **own_rate(layer)}
        if id(layer) in pairs:
            config["use_bias"] = True
        if hasattr(layer, "compute_dtype"):  # a bare operation has none, and follows its input
            config["dtype"] = "float32" if isinstance(layer, _IN_FLOAT32) else precision
        copy = type(layer).from_config(config)
        sources.append((copy, layer))
        return copy

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in skipped else layer(*args, **kwargs)

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for target, source in sources:
        if target.name not in skipped and hasattr(target, "weights"):
            _fill(target, source, pairs.get(id(source)))
    return copy


def _fill(target: Any, source: Any, norm: Any | None) -> None:
    """Give a cloned layer the weights of its original, and what `norm` does after it."""
    if norm is None:
        for new, old in zip(target.weights, source.weights, strict=True):
            new.assign(old.value)
        if isinstance(target, layers.Normalization):
            target.finalize_state()  # it computes with constants that it derives from its weights
        return
    scale, shift = _affine(norm)
    *kernels, bias = target.weights
    values = [_value(variable) for variable in source.weights]
    old_bias = values[len(kernels)] if source.use_bias else 0.0
    kernel = values[len(kernels) - 1]
    if isinstance(source, layers.DepthwiseConv2D):  # (h, w, in, multiplier): an output channel each
        values[0] = kernel * scale.reshape(kernel.shape[2:])
    else:
        values[len(kernels) - 1] = kernel * scale  # output channels are the last axis
    for new, value in zip(kernels, values, strict=False):
        new.assign(value.astype(np.float32))
    bias.assign((old_bias * scale + shift).astype(np.float32))


def _affine(norm: Any) -> tuple[Array, Array]:
    """The scale and the shift (C,), float64, of a batch norm with its moving averages."""
    gamma = _value(norm.gamma) if norm.scale else 1.0
    beta = _value(norm.beta) if norm.center else 0.0
    scale = gamma / np.sqrt(_value(norm.moving_variance) + norm.epsilon)
    return scale, beta - _value(norm.moving_mean) * scale


def _value(variable: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float64)
