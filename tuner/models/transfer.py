"""Which layers of a backbone train, which are held, and where can the held part be cut off and its output kept?

A held layer computes in training what it computes in inference. Keras's idiom `backbone(x, training=False)` does not
achieve that inside a functional model: `fit` hands its own flag to every layer. So each held BatchNormalization gets
`trainable = False`, which makes Keras use the moving averages, and each held dropout layer the rate 0.

Source: https://keras.io/guides/transfer_learning/; keras.src.models.functional.operation_fn (3.15.1)
"""

import difflib
import inspect
import itertools
import math
import re
from typing import Any
from weakref import WeakKeyDictionary

import keras

from tuner.models.errors import ModelError
from tuner.models.fresh import leaves
from tuner.models.head import RateDropout
from tuner.models.structure import Classifier

_RATES: "WeakKeyDictionary[Any, float]" = WeakKeyDictionary()
"""The rates of dropout layers that are held at 0, for the day when they train again."""

WINDOW = 0.1  # of the layers with weights: how far below a share of them its boundary is looked for
DEPTHS = 3  # parts of a backbone whose rates `transfer.layer_decay` tells apart: those of gradual unfreezing
_RATE_NAMES = ("rate", "drop_path_rate")  # of Dropout and its kin, and of ConvNeXt's stochastic depth


def apply_trainable(classifier: Classifier, trainable: str, freeze_batch_norm: bool) -> None:
    """Makes part of the backbone train and holds the rest in inference mode; the head always trains.

    Args:
        classifier: of a user's whole classifier, the last layer with weights counts as the head.
        trainable: `none` | `half` (the upper half, by the count of layers with weights, from the end of a block just
            below the middle, where the network can be cut) | `top:K/N` (the upper K of N parts, likewise) | `all` |
            `last:N` (layers with weights) | `from:LAYER` (it and all above).
        freeze_batch_norm: hold the batch normalization of trainable layers too.

    A train function that was traced before has to be traced again. Raises `ModelError` for an unknown layer, naming
    the nearest ones.
    """
    model = classifier.backbone or classifier.model
    layers = leaves(model)
    first = _first_trainable(model, trainable, classifier.backbone is None)
    model.trainable = True
    for place, layer in enumerate(layers):
        held = place < first
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = not (held or (normalizes and freeze_batch_norm))
        _hold_dropout(layer, held)


def _hold_dropout(layer: Any, held: bool) -> None:
    """Sets a dropout layer's rate to 0 while it is held, and back to its own afterwards."""
    name = next((name for name in _RATE_NAMES if isinstance(getattr(layer, name, None), int | float)), None)
    if name is None or isinstance(layer, RateDropout):
        return
    if held:
        _RATES.setdefault(layer, getattr(layer, name))
        setattr(layer, name, 0.0)
    elif layer in _RATES:
        setattr(layer, name, _RATES.pop(layer))


def own_rate(layer: Any) -> dict[str, float]:
    """The rate of a dropout layer while it is held at 0, by its name in the layer's config; otherwise nothing."""
    return {name: _RATES[layer] for name in _RATE_NAMES if layer in _RATES and hasattr(layer, name)}


def _first_trainable(model: keras.Model, trainable: str, with_head: bool) -> int:
    """Index, among the leaf layers, of the first one that trains; their number if none does."""
    layers = leaves(model)
    weighted = [place for place, layer in enumerate(layers) if layer.weights]
    last = weighted.pop() if with_head and weighted else len(layers)
    if trainable == "all":
        return 0
    if trainable == "none" or not weighted:
        return last
    if trainable == "half":
        return _boundary(model, weighted, 1 / 2)
    kind, _, value = trainable.partition(":")
    if kind == "top" and re.fullmatch(r"[1-9]/[1-9]", value):
        upper, parts = int(value[0]), int(value[2])
        return 0 if upper >= parts else _boundary(model, weighted, 1 - upper / parts)
    if kind == "last" and value.isdecimal() and int(value) > 0:
        return weighted[-min(int(value), len(weighted))]
    if kind == "from" and value:
        return _index(layers, value)
    law = "none, half, all, last:N (N from 1), top:K/N (K parts of N, both 1 to 9) or from:LAYER"
    raise ModelError(f"trainable is {law}, not '{trainable}'")


def _boundary(model: keras.Model, weighted: list[int], below: float) -> int:
    """The first leaf layer above the share `below` of the layers with weights, at the end of a block if it can be."""
    earliest, latest = (weighted[max(0, int(share * len(weighted)))] for share in (below - WINDOW, below))
    return _after_thinnest_cut(model, earliest, latest)


def depths(classifier: Classifier) -> dict[int, int]:
    """How many parts lie above a variable: `id(variable)` -> 0 for the head's, 1 to `DEPTHS` from the top down.

    What is in neither counts as a head. Of a user's whole classifier, the last layer with weights is the head.
    """
    model, with_head = classifier.backbone or classifier.model, classifier.backbone is None
    firsts = [_first_trainable(model, f"top:{part}/{DEPTHS}", with_head) for part in range(1, DEPTHS)]
    head = _first_trainable(model, "none", with_head)
    return {
        id(variable): 1 + sum(place < first for first in firsts)
        for place, layer in enumerate(leaves(model))
        for variable in (layer.weights if place < head else ())
    }


def below_head(model: keras.Model) -> keras.Model | None:
    """A user's whole classifier up to what its last layer with weights reads, flat: images -> features (B, D).

    None where that is no tensor of the graph: a model inside the model, or one that was not built as a graph.
    """
    weighted = [layer for layer in leaves(model) if layer.weights]
    if not weighted or weighted[-1] not in model.layers or not hasattr(model, "operations"):
        return None
    read = weighted[-1].input
    flat = read if len(read.shape) == 2 else keras.layers.Flatten(name="flat")(read)
    return keras.Model(model.inputs[0], flat, name="below_head")


def _index(layers: list[Any], name: str) -> int:
    """The place of the layer of that name. Raises `ModelError` with the nearest names."""
    names = [layer.name for layer in layers]
    if name in names:
        return names.index(name)
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Nearest: {', '.join(near)}." if near else f"The last ones: {', '.join(names[-3:])}."
    raise ModelError(f"transfer: the backbone has no layer '{name}'. {hint}")


def _after_thinnest_cut(model: keras.Model, earliest: int, latest: int) -> int:
    """The place just after the cut in [earliest, latest) that has the smallest output, the last of equal ones.

    That is the end of a block, and the cheapest output to keep. Where there is none: `latest`.
    """
    leaf = _leaf_places(model)
    cuts = [cut for cut in _cuts(model) if earliest <= leaf[cut] < latest]
    if not cuts:
        return latest
    return leaf[min(reversed(cuts), key=lambda cut: math.prod(model.layers[cut].output.shape[1:]))] + 1


def _leaf_places(model: keras.Model) -> list[int]:
    """For each of `model.layers`, its place among the leaf layers; of a nested model, that of its last one."""
    counts = [len(leaves(layer)) if isinstance(layer, keras.Model) else 1 for layer in model.layers]
    return [end - 1 for end in itertools.accumulate(counts)]


def cut_layer(backbone: keras.Model, trainable: str) -> str | None:
    """The last layer whose output is all that the trainable part sees of an image: its output can be kept.

    None where no such layer exists: everything trains, or a connection goes around every layer below, or the model
    was not built as a graph. With `none` it is the backbone's last layer.
    """
    first = _first_trainable(backbone, trainable, with_head=False)
    leaf = _leaf_places(backbone)
    below = [cut for cut in _cuts(backbone) if leaf[cut] < first]
    if not below or not any(layer.weights for layer in backbone.layers[: below[-1] + 1]):
        return None  # nothing is gained by keeping preprocessed pixels
    return str(backbone.layers[below[-1]].name)


def middle_map(model: keras.Model, trainable: str, with_head: bool) -> str | None:
    """The layer whose feature map (height, width, channels) lies in the middle of the layers that train.

    All that is above sees the image through that map alone, and layers with weights train on either side of it, as many
    below as above, as nearly as can be; the last one of several. None where there is no such layer. `with_head`: the
    last layer with weights is a classifier's, which trains in any case.
    """
    first = _first_trainable(model, trainable, with_head)
    weighted = [place for place, layer in enumerate(leaves(model)) if layer.weights and place >= first]
    leaf = _leaf_places(model) if hasattr(model, "operations") else []
    below = {cut: sum(place <= leaf[cut] for place in weighted) for cut in _cuts(model)}
    between = [cut for cut, count in below.items() if 0 < count < len(weighted)]
    maps = [cut for cut in between if len(model.layers[cut].output.shape) == 4]
    if not maps:
        return None
    return str(model.layers[min(reversed(maps), key=lambda cut: abs(2 * below[cut] - len(weighted)))].name)


def moves(backbone: keras.Model, trainable: str, layer: str) -> bool:
    """Whether `trainable` moves the weights of `layer`, of `backbone.layers`, or of a layer before it."""
    place = _leaf_places(backbone)[_index(backbone.layers, layer)]
    return _first_trainable(backbone, trainable, with_head=False) <= place


def same_in_training(held: keras.Model) -> bool:
    """Whether all layers of a held part are known to compute in training what they compute in inference.

    Batch norm and dropout do, since `apply_trainable` holds them. Of any other layer that takes a `training` flag, such
    as noise or flips, and of a model inside, it is not known.
    """
    return all(_ignores_training(layer) for layer in held.layers)


def _ignores_training(layer: Any) -> bool:
    if isinstance(layer, keras.layers.BatchNormalization):
        return not layer.trainable
    if isinstance(layer, keras.Model):
        return False
    held = any(getattr(layer, name, None) == 0.0 for name in _RATE_NAMES)
    return held or "training" not in inspect.signature(layer.call).parameters


def layers_to_cut_at(model: keras.Model) -> list[Any]:
    """The layers, from the input on, whose output is all that the later layers read, and that see learned features."""
    first = next((place for place, layer in enumerate(model.layers) if layer.weights), len(model.layers))
    return [model.layers[place] for place in _cuts(model) if place >= first]


def _cuts(model: keras.Model) -> list[int]:
    """The places of `model.layers` where one tensor is all that the later layers read of the earlier ones.

    A model inside the model is no such place, because its `output` is a tensor of its own graph.
    """
    if not hasattr(model, "operations"):
        return []
    place_of = {id(operation): place for place, operation in enumerate(model.operations)}
    last_use = list(range(len(model.operations)))
    for operation in model.operations:
        for node in operation._inbound_nodes:
            for parent in node.parent_nodes if _inside(node, place_of) else ():
                source = place_of[id(parent.operation)]
                last_use[source] = max(last_use[source], place_of[id(operation)])
    layer_places = {id(layer): place for place, layer in enumerate(model.layers)}
    cuts, live = [], -1
    for place, operation in enumerate(model.operations):
        inner = isinstance(operation, keras.layers.InputLayer | keras.Model)
        if live <= place and id(operation) in layer_places and not inner:
            cuts.append(layer_places[id(operation)])
        live = max(live, last_use[place])
    return cuts


def _inside(node: Any, place_of: dict[int, int]) -> bool:
    """Whether a call of a layer belongs to the model: all that it reads is the model's own."""
    return all(id(parent.operation) in place_of for parent in node.parent_nodes)


def split_at(backbone: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """The backbone up to and including `layer`, and the rest; together they are the backbone, and share its layers.

    `layer` has to be a cut, such as `cut_layer` names one. Raises `ModelError` if it is not.
    """
    place = _index(backbone.layers, layer)
    if place not in _cuts(backbone):
        raise ModelError(f"the backbone cannot be cut at '{layer}': a connection goes around it")
    middle = backbone.layers[place].output
    lower = keras.Model(backbone.inputs[0], middle, name="lower")
    upper = keras.Model(middle, backbone.outputs[0], name="upper")
    return lower, upper
