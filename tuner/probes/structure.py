"""Do layers follow each other in a way that can work?

Two layers of weights with nothing but straight lines between them are one layer: what the second could add is lost.
Bottlenecks, separable and factorised convolutions, projections of attention and branches that are added do this on
purpose and stay quiet; so does everything whose order is not known for certain.

Source: NeuraLint (missing and linear activations, order of dropout and batch norm), UMLAUT (linear hidden layers).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuner.probes import graph
from tuner.probes.graph import Call
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

HEAVY_DROPOUT = 0.8  # share of units struck out from which hardly anything gets through
STRAIGHT: tuple[str, ...] = (
    *(*graph.TRANSPARENT, "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "Rescaling"),
)
POOLS = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D")
DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout")


@dataclass(frozen=True)
class Structure:
    """Names of layers, in forward order."""

    straight: tuple[tuple[str, str], ...] = ()  # a layer of weights without activation, and the one that reads it
    chosen: tuple[tuple[str, str], ...] = ()  # a hidden layer with a softmax, and the layer of weights that reads it
    kernels: int = 0  # dense and convolutional layers
    only_pooled: tuple[str, ...] = ()  # where no hidden layer has an activation: those that lie under a max pooling
    dropped_before_norm: tuple[str, ...] = ()
    heavy_dropout: tuple[tuple[str, float], ...] = ()  # name and rate
    bent: bool = True  # whether anything in the model is not linear, its last layer left aside


def measure(subject: Any) -> Structure | None:
    """Read the graph; None where there is none."""
    if not graph.has_graph(subject.model):
        return None
    calls = graph.calls(subject.model)
    readers, ends = graph.children(calls), set(graph.ends(subject.model))
    straight, chosen, pooled = [], [], []
    for place, call in enumerate(calls):
        if graph.kind(call.layer) not in graph.KERNELS:
            continue
        between, before = _between(calls, place)
        if before is None or before in ends or len(readers[before]) > 1:
            continue
        pair = (calls[before].layer.name, call.layer.name)
        what = graph.activation(calls[before].layer)
        if what == "softmax" and between == "straight" and graph.kind(call.layer) == "Dense":
            chosen.append(pair)
        elif what == "linear" and between == "straight" and not _on_purpose(calls[before].layer, call.layer):
            straight.append(pair)
        elif what == "linear" and between == "pooled":
            pooled.append(pair[0])
    hidden = [c for place, c in enumerate(calls) if place not in _heads(calls, ends)]
    return Structure(
        tuple(straight),
        tuple(chosen),
        sum(graph.kind(call.layer) in graph.KERNELS for call in calls),
        tuple(pooled),
        _dropped_before_norm(calls),
        tuple(
            (call.layer.name, float(call.layer.rate))
            for call in calls
            if graph.kind(call.layer) in DROPOUTS and HEAVY_DROPOUT <= float(call.layer.rate) < 1
        ),
        any(_bends(call.layer) for call in hidden),
    )


def _between(calls: list[Call], place: int) -> tuple[str, int | None]:
    """What lies between a layer of weights and the one it reads (straight, pooled, bent), and that layer's place."""
    pooled = False
    for step in list(graph.back(calls, place))[1:]:
        name = graph.kind(calls[step].layer)
        if name in graph.KERNELS:
            return ("pooled" if pooled else "straight"), step
        if name in POOLS:
            pooled = True
        elif name == "Activation" and graph.activation(calls[step].layer) == "linear":
            continue
        elif name not in STRAIGHT:
            return "bent", None
    return "bent", None


def _on_purpose(first: Any, second: Any) -> bool:
    """Bottlenecks, factorised and separable convolutions, and layers that do not train."""
    first, second = graph.inner(first), graph.inner(second)
    if not first.trainable or not getattr(first, "kernel", None) is not None:
        return True
    if hasattr(first, "kernel_size"):
        sizes = (tuple(first.kernel_size), tuple(getattr(second, "kernel_size", (0,))))
        patches = tuple(getattr(first, "strides", ())) == sizes[0] and math.prod(sizes[0]) > 1
        return patches or any(1 in size for size in sizes if size != (0,))
    width = _width(first)
    return width < _width(second) and width < int(math.prod(first.kernel.shape[:-1]))


def _width(layer: Any) -> int:
    return int(getattr(layer, "units", None) or getattr(layer, "filters", None) or layer.kernel.shape[-1])


def _heads(calls: list[Call], ends: set[int]) -> set[int]:
    """The last layers of weights and what stands behind them."""
    found: set[int] = set()
    for end in ends:
        for step in graph.back(calls, end):
            found.add(step)
            if graph.kind(calls[step].layer) in (*graph.KERNELS, *graph.OTHER_WEIGHTS):
                break
    return found


def _bends(layer: Any) -> bool:
    name = graph.kind(layer)
    if name in (*STRAIGHT, *POOLS, "BatchNormalization"):
        return False
    return name not in (*graph.KERNELS, "Activation") or graph.activation(layer) != "linear"


def _dropped_before_norm(calls: list[Call]) -> tuple[str, ...]:
    return tuple(
        calls[parent].layer.name
        for call in calls
        if graph.kind(call.layer) == "BatchNormalization"
        for parent in call.parents
        if graph.kind(calls[parent].layer) in DROPOUTS
    )


def judge(evidence: Structure, context: Context) -> Iterator[Verdict]:
    """Straight pairs first, then the order."""
    pairs = evidence.straight or evidence.chosen
    if pairs:
        yield _activations(evidence)
    elif not evidence.bent and len(evidence.only_pooled) > 1:
        names = ", ".join(evidence.only_pooled)
        yield _missing(f"No hidden layer has an activation ({names}): only the pooling bends.", evidence, 0.7)
    for name, rate in evidence.heavy_dropout:
        yield Verdict(
            "reg_overwhelming",
            Outcome.WARN,
            f"The dropout {name} strikes out {rate:.0%} of what passes.",
            {"layer": name, "rate": rate},
            (Change("model.dropout", 0.3, "half of the units and fewer are usual", rate),),
            confidence=0.7,
            check="train once without dropout: the training loss shows what it cost",
            source="Srivastava et al. 2014 (0.2 to 0.5)",
        )
    for name in evidence.dropped_before_norm:
        yield passed(
            "layer_order",
            f"The dropout {name} stands directly before a batch normalization, whose averages then fit training only.",
            layer=name,
        )


def _activations(evidence: Structure) -> Verdict:
    if evidence.straight:
        pair = "; ".join(f"{first} and {second}" for first, second in evidence.straight[:3])
        whole = "" if evidence.bent else " Nothing in the model bends: all of it is one linear layer."
        said = f"Nothing lies between {pair} but straight lines: two layers that do the work of one.{whole}"
        return _missing(said, evidence, 0.75 if evidence.bent else 0.85)
    pair = "; ".join(f"{first} before {second}" for first, second in evidence.chosen[:3])
    return _missing(f"A hidden layer ends in a softmax: {pair}. Its units share one unit of signal.", evidence, 0.75)


def _missing(said: str, evidence: Structure, confidence: float) -> Verdict:
    names = [first for first, _ in (*evidence.straight, *evidence.chosen)] or list(evidence.only_pooled)
    return Verdict(
        "missing_or_linear_activation",
        Outcome.WARN,
        said,
        {"layers": names, "bent": evidence.bent},
        tuple(Change(f"layers.{name}.activation", "relu", "a bend makes the layer count") for name in names),
        confidence=confidence,
        check="the same training with relu in the layers named",
        source="NeuraLint, UMLAUT",
    )


PROBE = Probe("structure", "Do layers follow each other in a way that can work?", Structure, measure, judge)
