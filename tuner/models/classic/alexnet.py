"""What won ImageNet in 2012? AlexNet: five convolutions, two dense layers of 4096, ReLU, dropout.

In one tower, as the lecture's table has it: 62,378,344 parameters with 1000 classes at 227 pixels. (The paper splits
it over two GPUs and has 60,965,224.) Its local response normalization is left out: VGG's authors found that it does
not help (arXiv 1409.1556, table 3). The paper drops half of the values behind both dense layers: the first dropout is
here, the second is the recipe's `model.dropout`.

Source: Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks".
"""

import keras
from keras import layers

from tuner.models.classic.parts import HE, NONE, chosen, convolved, entrance, finished
from tuner.models.pixels import ImageShape

DENSE = 4096  # units
DROPOUT = 0.5  # behind the first dense layer, in training

# filters, kernel, stride, padding, pooling after it
CONVOLUTIONS = (
    (96, 11, 4, "valid", True),
    (256, 5, 1, "same", True),
    (384, 3, 1, "same", False),
    (384, 3, 1, "same", False),
    (256, 3, 1, "same", True),
)


def build_alexnet(image_shape: ImageShape, weights: str, normalization: str) -> keras.Model:
    """AlexNet from images `(B, H, W, C)`, float32 in 0..255, grey or RGB, from 67 x 67, to features `(B, 4096)`.

    `normalization` stands after each convolution; its own is none. Raises `WeightsError` for `weights: imagenet`.
    """
    images, x = entrance("AlexNet", image_shape, weights)
    norm = chosen(normalization, NONE)
    for number, (filters, kernel, stride, padding, pools) in enumerate(CONVOLUTIONS, start=1):
        x = convolved(x, filters, kernel, f"conv{number}", stride, norm, padding)
        if pools:
            x = layers.MaxPooling2D(3, 2, name=f"maxpool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(DENSE, activation="relu", kernel_initializer=HE, name="fc6")(x)
    x = layers.Dropout(DROPOUT, name="fc6_dropout")(x)
    x = layers.Dense(DENSE, activation="relu", kernel_initializer=HE, name="fc7")(x)
    return finished(images, x, "alexnet", weights)
