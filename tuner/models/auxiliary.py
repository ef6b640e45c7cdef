"""What helps the lower layers of a deep net to learn? A second, linear classifier in its middle, in training only.

The feature map in the middle of the layers that train is averaged over its places and goes through one dense layer;
its cross-entropy, times a weight, is added to the loss. So the lower layers get a gradient that did not have to come
through the upper ones. It starts at zero, where a linear classifier knows nothing and sends no noise down, and it is no
part of a classifier: what predicts, is saved or handed over never has it. GoogLeNet has two, with hidden layers, at
0.3.

Source: Szegedy et al. 2014, arXiv 1409.4842, section 5; Lee et al. 2014 (deeply supervised nets), arXiv 1409.5185.
"""

import keras
from keras import layers

from tuner.models.errors import ModelError
from tuner.models.transfer import middle_map

AUXILIARY = "auxiliary"  # its name among the parts of what trains


def tapped(model: keras.Model, trainable: str, with_head: bool, above: str | None = None) -> keras.Model:
    """The same layers, from the same inputs to [feature map in the middle of what trains, output].

    Args:
        model: from images to features or scores.
        trainable: which of its layers train, as in `apply_trainable`; not `none`.
        with_head: whether the last layer with weights is a classifier's.
        above: a layer where the model can be cut, below all that trains: from its output instead.

    Raises `ModelError` where there is no such place.
    """
    name = middle_map(model, trainable, with_head)
    if name is None:
        raise ModelError(
            "model.auxiliary_head needs a feature map (height, width, channels) between two layers that train, through "
            f"which all goes, and there is none where the layers that train are '{trainable}'. Set "
            "model.auxiliary_head: 0, or let more layers train."
        )
    inputs = model.inputs[0] if above is None else model.get_layer(above).output
    return keras.Model(inputs, [model.get_layer(name).output, model.outputs[0]], name="tapped")


def build_auxiliary(model: keras.Model, num_classes: int) -> keras.Model:
    """The second classifier of what `tapped` gave: feature maps (B, h, w, D) to logits (B, num_classes), float32."""
    maps = keras.Input(model.outputs[0].shape[1:], name="maps")
    x = layers.GlobalAveragePooling2D(name="auxiliary_pooling")(maps)
    x = layers.Dense(num_classes, kernel_initializer="zeros", dtype="float32", name="auxiliary_logits")(x)
    return keras.Model(maps, x, name=AUXILIARY)
