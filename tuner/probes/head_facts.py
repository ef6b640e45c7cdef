"""What does each output of a model end in, and what is it held against?

The layers after the last weights are read from the graph; what the outputs look like is measured on a few examples,
which also tells where a subclassed model hides its softmax.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from tuner.probes import forward, graph, losses
from tuner.probes.losses import Loss
from tuner.probes.recording import recording
from tuner.probes.targets_kind import SUM_TOLERANCE, Targets, describe

EXAMPLES = 64  # enough to see the range of an output and whether it sums to one
DROPPING = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout")
SHAPES_ONLY = ("Flatten", "Reshape", "Permute", "Identity", "Cast", "Squeeze", "Transpose", "InputLayer", "GetItem")


@dataclass(frozen=True)
class Ending:
    """The layers from the last weights to an output, in forward order."""

    layer: str  # name of the last layer with weights; "" where it was not found
    units: int  # length of the output's last axis; 0 where unknown
    rank: int  # axes of the output, the batch included
    activations: tuple[str, ...] = ()  # in the order of application, without linear ones; "custom" is anybody's guess
    places: tuple[str, ...] = ()  # names of the layers that apply them
    softmax_axis: int = -1
    before: str = ""  # activation of the layer with weights before the last one, read directly by it
    before_layer: str = ""  # its name
    after: tuple[str, ...] = ()  # names of dropout layers after the last weights
    normalized: str = ""  # name of a batch normalization behind the last activation
    certain: bool = True  # read from a graph

    @property
    def activation(self) -> str:
        """What is applied last."""
        return self.activations[-1] if self.activations else "linear"


@dataclass(frozen=True)
class Output:
    """One output with its loss and its targets."""

    name: str
    ending: Ending
    loss: Loss
    targets: Targets | None = None
    low: float = math.nan  # of the answers, on a few examples
    high: float = math.nan
    sums_to_one: bool = False  # along the last axis
    backend: str = ""
    metrics: tuple[str, ...] = ()
    copies_input: bool = False  # the targets are the inputs: an autoencoder


def outputs_of(subject: Any) -> tuple[Output, ...]:
    """Every output of a compiled model; empty where the model has no loss of its own."""
    model = subject.model
    if subject.loss is None:
        return ()
    index = forward.sample(subject, EXAMPLES)
    few = forward.rows(subject.x, index) if subject.x is not None else None
    found = forward.answers(model, few) if few is not None else None
    endings = _endings(subject, few, found)
    names = list(getattr(model, "output_names", None) or [f"output_{n}" for n in range(len(endings))])
    names = names if len(names) == len(endings) else [f"output_{n}" for n in range(len(endings))]
    wanted = losses.split(subject.y, names)
    made = []
    for place, loss in enumerate(losses.of_outputs(subject.loss, names)):
        seen = found[place] if found is not None and len(found) == len(names) else None
        facts = _seen(seen)
        targets = describe(wanted[place])
        copies = wanted[place] is not None and _same(subject.x, wanted[place])
        ending = endings[place]
        made.append(
            Output(names[place], ending, loss, targets, *facts, keras.backend.backend(), metrics_of(model), copies)
        )
    return tuple(made)


def metrics_of(model: Any) -> tuple[str, ...]:
    """Names of the metrics that `compile` was given."""
    given = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None) or []
    return tuple(str(part) for part in keras.tree.flatten(given) if isinstance(part, str))


def _same(x: Any, y: Any) -> bool:
    if x is None or isinstance(x, dict | list | tuple) or isinstance(y, dict | list | tuple):
        return False
    x, y = np.asarray(x), np.asarray(y)
    size = x[0].size > 1 and y[0].size == x[0].size
    return bool(size and x.dtype.kind in "biuf" and np.array_equal(x[:50].ravel(), y[:50].ravel()))


def _seen(answers: Any) -> tuple[float, float, bool]:
    if answers is None or not answers.size or not np.isfinite(answers).any():
        return math.nan, math.nan, False
    sums = answers.sum(-1)
    probable = answers.shape[-1] > 1 and answers.min() >= -1e-6 and bool((np.abs(sums - 1) < SUM_TOLERANCE).all())
    return float(np.nanmin(answers)), float(np.nanmax(answers)), probable


def _endings(subject: Any, few: Any, found: Any) -> list[Ending]:
    model = subject.model
    if graph.has_graph(model):
        calls = graph.calls(model)
        shapes = [tuple(t.shape) for t in graph._graph(model).outputs]
        return [_ending(calls, place, shape) for place, shape in zip(graph.ends(model), shapes, strict=True)]
    return _endings_seen(subject, few, found)


def _endings_seen(subject: Any, few: Any, found: Any) -> list[Ending]:
    """For a model without a graph: the layers are watched while it runs, and the last has to give the very answer."""
    shapes = [tuple(part.shape) for part in found] if found else []
    unknown = [Ending("", int(s[-1] or 0), len(s), ("custom",), certain=False) for s in shapes]
    if len(shapes) != 1:
        return unknown
    seen: list[tuple[Any, Any]] = []
    with recording(subject.model, lambda layer, output: seen.append((layer, output))):
        forward.answers(subject.model, few)
    last = seen[-1][1] if seen else None
    if last is None or not hasattr(last, "shape") or tuple(last.shape) != shapes[0]:
        return unknown
    if not np.allclose(keras.ops.convert_to_numpy(last), found[0], rtol=1e-3, atol=1e-5, equal_nan=True):
        return unknown
    order = [graph.Call(layer, (place - 1,) if place else ()) for place, (layer, _) in enumerate(seen)]
    ending = _ending(order, len(order) - 1, shapes[0])
    return [replace(ending, before="")]  # what is read before the head is not known for certain


def _ending(calls: list[graph.Call], place: int, shape: tuple[Any, ...]) -> Ending:
    activations: list[str] = []
    places: list[str] = []
    dropped: list[str] = []
    normalized, axis, last, before = "", -1, "", ("", "")
    for step in graph.back(calls, place):
        layer = calls[step].layer
        name, function = graph.kind(layer), graph.activation(layer)
        if name in DROPPING:
            dropped.append(layer.name)
        if name == "BatchNormalization" and not activations:
            normalized = layer.name
        if function != "linear":
            activations.insert(0, function)
            places.insert(0, layer.name)
            axis = getattr(layer, "axis", -1) if function == "softmax" and name == "Softmax" else axis
        if name in (*graph.KERNELS, *graph.OTHER_WEIGHTS):
            last, before = layer.name, _activation_before(calls, step)
            break
        if function == "linear" and name not in (*graph.TRANSPARENT, "BatchNormalization", "Activation"):
            activations.insert(0, "custom")  # a rescaling of the answers: their range is somebody's own
            places.insert(0, layer.name)
    units = int(shape[-1] or 0) if len(shape) > 1 else 1
    axis = axis if isinstance(axis, int) else -1
    return Ending(
        *(last, units, len(shape), tuple(activations), tuple(places)),
        axis - len(shape) if axis > 0 else axis,
        *before,
        tuple(dropped),
        normalized if activations else "",
        bool(last),
    )


def _activation_before(calls: list[graph.Call], place: int) -> tuple[str, str]:
    for step in list(graph.back(calls, place))[1:]:
        layer = calls[step].layer
        if graph.kind(layer) not in (*SHAPES_ONLY, *DROPPING):
            return graph.activation(layer), layer.name
    return "", ""
