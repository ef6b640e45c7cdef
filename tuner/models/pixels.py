"""How do pixels enter a network? As float32 RGB or grey in 0..255, then as each network was taught to see them.

Every pretrained network wants its own range and order of channels. All that `keras.applications` knows is an affine map
of each channel, sometimes after turning RGB into BGR, so one `Rescaling` layer (and a flip) says it, inside the graph:
a saved model then takes raw pixels, and nobody can forget the preprocessing or do it twice.
Both are Keras's own and serializable, so `safe_mode=True` loads them.

Source: keras.applications.imagenet_utils.preprocess_input, modes caffe, tf and torch.
"""

from dataclasses import dataclass
from typing import Any

ImageShape = tuple[int, int, int]  # (height, width, channels)


@dataclass(frozen=True)
class Pixels:
    """`scale * pixel + offset` for each channel, in the order in which the network takes them (BGR if `bgr`)."""

    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...]
    bgr: bool = False


IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1]
IMAGENET_STD = (0.229, 0.224, 0.225)

SYMMETRIC = Pixels(1 / 127.5, -1.0)  # to [-1, 1]; Keras's mode "tf"
STANDARDIZED = Pixels(  # to mean 0 and deviation 1 over ImageNet; Keras's mode "torch"
    tuple(1 / (255 * std) for std in IMAGENET_STD),
    tuple(-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)),
)
CENTERED_BGR = Pixels(1.0, (-103.939, -116.779, -123.68), bgr=True)  # Keras's mode "caffe"
BYTE = Pixels(1 / 128, -127 / 128)  # (pixel - 127) / 128


def enter(image_shape: ImageShape, pixels: Pixels | None, rgb: bool = True) -> tuple[Any, Any]:
    """The input of a network and the tensor that its first convolution sees.

    Args:
        image_shape: (height, width, channels), 1 or 3 channels.
        pixels: the map of the values; None for a network that has its own inside.
        rgb: the network wants 3 channels, so a grey image is repeated.

    Returns:
        Two Keras tensors: images `(B, H, W, C)`, float32 in 0..255, and what was made of them.
    """
    import keras

    images = keras.Input(image_shape, dtype="float32", name="images")
    x = images
    if rgb and image_shape[-1] == 1:
        x = keras.layers.Concatenate(name="grey_to_rgb")([x, x, x])
    if pixels is None:
        return images, x
    if pixels.bgr:
        x = keras.ops.flip(x, axis=-1)
    scale, offset = (list(v) if isinstance(v, tuple) else v for v in (pixels.scale, pixels.offset))
    return images, keras.layers.Rescaling(scale, offset, name="preprocessing")(x)
