"""Where in an image does a network look when it gives a class its score? A heat map over the last feature map.

Where images are so small that the last map has next to no places, an earlier one is taken.
Each channel of the map weighs as much as the score's gradient with respect to it, averaged over the places; what speaks
for the class, and only that, is summed (Grad-CAM). For average pooling under a linear head this is the class activation
map: the channel's weight is the head's own, over the number of places.

Source: Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2; Zhou et al. 2016, arXiv 1512.04150.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tuner.models import Classifier
from tuner.models.calls import nodes_of
from tuner.models.transfer import layers_to_cut_at

Array = NDArray[Any]

ENOUGH = 25  # places of a feature map: 5 x 5; networks for 224 px have 7 x 7 at their end, at 64 px only 2 x 2
FEWEST_PLACES = 4  # with fewer there is nothing to tell apart


@dataclass(frozen=True, eq=False)
class Looking:
    """A classifier, cut where its last feature map is."""

    lower: keras.Model  # images (B, H, W, C), float32 in 0..255 -> maps (B, h, w, D)
    upper: keras.Model  # maps -> features, or scores of a user's whole classifier
    head: keras.Model | None  # features -> scores
    from_logits: bool

    def scores(self, maps: Any) -> Any:
        """Scores (B, num_classes) of feature maps; of a classifier that gives probabilities, their logarithms."""
        found = ops.cast(self.upper(maps, training=False), "float32")
        if self.head is not None:
            found = ops.cast(self.head(found, training=False), "float32")
        return found if self.from_logits else ops.log(ops.maximum(found, keras.config.epsilon()))


def looking(classifier: Classifier) -> Looking | None:
    """The classifier, cut at the last feature map before its places are merged, or at the last one fine enough.

    None where there is no such map: the network is no graph, sees no images, or no map has places to tell apart.
    """
    model = classifier.model if classifier.backbone is None else classifier.backbone
    tensor = last_map(model)
    if tensor is not None and _places(tensor) < ENOUGH:
        tensor = finer_map(model, tensor)
    if tensor is None or _places(tensor) < FEWEST_PLACES:
        return None
    lower, upper = keras.Model(model.inputs[0], tensor), keras.Model(tensor, model.outputs[0])
    return Looking(lower, upper, classifier.head, classifier.from_logits)


def last_map(model: keras.Model) -> Any:
    """The last tensor (batch, h, w, D) that all of the rest of a graph reads; None if there is none."""
    if not hasattr(model, "operations") or len(model.inputs) != 1 or len(model.outputs) != 1:
        return None
    producers = {id(tensor): node for node in nodes_of(model) for tensor in node.output_tensors}
    found: dict[int, Any] = {}
    waiting = [producers[id(model.outputs[0])]]
    while waiting:  # from the end, and no further than where places are merged
        node = waiting.pop()
        if node.is_input:
            return None
        if _merges(node):
            found[id(node.input_tensors[0])] = node.input_tensors[0]
        else:
            waiting += [producers[id(tensor)] for tensor in node.input_tensors]
    if len(found) != 1:
        return None
    (tensor,) = found.values()
    return None if None in tensor.shape[1:3] or tensor is model.inputs[0] else tensor


def finer_map(model: keras.Model, last: Any) -> Any:
    """The last feature map with enough places at which the graph can be cut; `last` if there is none."""
    nodes = [node for node in nodes_of(model) if not node.is_input]
    for layer in reversed(layers_to_cut_at(model)):
        own = [node for node in nodes if node.operation is layer]
        tensors = own[0].output_tensors if len(own) == 1 else []
        if len(tensors) == 1 and len(tensors[0].shape) == 4 and _places(tensors[0]) >= ENOUGH:
            return tensors[0]
    return last


def _places(tensor: Any) -> int:
    return math.prod(tensor.shape[1:3])


def _merges(node: Any) -> bool:
    """Whether a call makes of a feature map something that has no places."""
    inputs, outputs = node.input_tensors, node.output_tensors
    return len(inputs) == 1 and len(inputs[0].shape) == 4 and all(len(output.shape) == 2 for output in outputs)


def heat(looks: Looking, images: Array, classes: Array) -> Array:
    """Heat maps (N, h, w), float32, each in [0, 1] with its largest value 1, or all 0 where nothing speaks for it.

    Args:
        looks: see `looking`.
        images: uint8 or float32 (N, H, W, C) in 0..255.
        classes: the class (N,) whose score is explained.
    """
    maps = ops.cast(looks.lower(ops.convert_to_tensor(np.asarray(images, np.float32)), training=False), "float32")
    slopes = np.asarray(ops.convert_to_numpy(slope(looks, maps, classes)))
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    summed = np.maximum((weights * np.asarray(ops.convert_to_numpy(maps))).sum(axis=-1), 0.0)
    highest = summed.max(axis=(1, 2), keepdims=True)
    found: Array = (summed / np.where(highest > 0, highest, 1.0)).astype(np.float32)
    return found


def slope(looks: Looking, maps: Any, classes: Array) -> Any:
    """The gradient of each image's score of its class with respect to its feature map: (N, h, w, D)."""
    wanted = ops.one_hot(np.asarray(classes), int(looks.scores(maps).shape[-1]), dtype="float32")

    def total(seen: Any) -> Any:
        return ops.sum(looks.scores(seen) * wanted)  # images do not see each other

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(maps)
            found = total(maps)
        return tape.gradient(found, maps)
    if backend == "jax":
        import jax

        return jax.grad(total)(maps)
    import torch  # type: ignore[import-not-found]

    watched = maps.detach().clone().requires_grad_(True)
    return torch.autograd.grad(total(watched), watched)[0]
