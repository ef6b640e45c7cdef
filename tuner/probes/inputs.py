"""Are the inputs of a size that a network can take, finite, and not all the same?

Weights are drawn for inputs of about unit size. Ten times larger ones are as if the rate of the first layer were a
hundred times higher. What the model normalizes itself, what an embedding looks up and what a frozen layer reads is
quiet, and so is a range of [-1, 1] as well as features with a mean of 0 and a deviation of 1.

Source: UMLAUT and TheDeepChecker (range or z-score, either will do); LeCun et al. 1998, Efficient backprop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.probes import forward, graph
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LARGE, VERY_LARGE, HUGE = 10.0, 40.0, 150.0  # root mean square of the largest feature; unit scale is 1
TINY = 0.02  # largest absolute value of all: such as pixels divided by 255 twice
GOOD = 0.9  # quality (1 is perfect) from which a model has evidently coped with its inputs
MOST = 2048  # examples that are looked at
NORMALIZING = (
    *("Rescaling", "Normalization", "BatchNormalization", "LayerNormalization", "GroupNormalization"),
    *("UnitNormalization", "RMSNormalization", "SpectralNormalization"),
    *("CategoryEncoding", "Discretization", "TextVectorization", "StringLookup", "IntegerLookup", "Hashing"),
)


@dataclass(frozen=True)
class Inputs:
    """One input array; features are its last axis."""

    count: int
    whole: bool  # integers only
    low: float
    high: float
    mean: float
    std: float
    largest: float  # root mean square of the largest feature
    smallest: float  # of the smallest that varies
    non_finite: float  # share of the values
    rows_non_finite: float  # share of the examples
    constant: bool  # every example is the same
    normalized: bool  # the model sees to it, or nobody knows what it does first
    embedded: int | None  # rows of the embedding that the input goes into
    quality: float  # how good the model is by now: 1 perfect, 0 no better than one answer; NaN where nobody knows


def measure(subject: Any) -> Inputs | None:
    """Look at up to 2,048 examples; None where there is more than one input array, or no numbers."""
    x = subject.x
    if x is None or isinstance(x, dict | list | tuple):
        return None
    x = np.asarray(x)
    if x.dtype.kind not in "biuf" or x.ndim < 2 or not len(x):
        return None
    every = np.isfinite(x).reshape(len(x), -1).all(1) if x.dtype.kind == "f" else np.ones(len(x), bool)
    few = x[np.random.default_rng(0).permutation(len(x))[:MOST]].astype("float64")
    finite = np.isfinite(few)
    kept = np.where(finite, few, 0.0)
    flat = kept.reshape(-1, kept.shape[-1])
    sizes, varies = np.sqrt((flat**2).mean(0)), flat.std(0) > 0
    normalized, rows = _first_layers(subject.model)
    return Inputs(
        len(x),
        bool((kept == np.round(kept)).all()),
        float(kept.min()),
        float(kept.max()),
        float(kept.mean()),
        float(kept.std()),
        float(sizes.max()),
        float(sizes[varies].min()) if varies.any() else 0.0,
        float(1 - finite.mean()),
        float(1 - every.mean()),
        bool(len(few) > 1 and (few == few[:1]).all()),
        normalized,
        rows,
        forward.quality_of(subject),
    )


def _first_layers(model: Any) -> tuple[bool, int | None]:
    """Whether the model brings its inputs to size, and how many rows the embedding has that reads them."""
    layers = graph.leaves(model)
    for place, layer in enumerate(layers):
        name = graph.kind(layer)
        if name == "Embedding":
            return True, int(layer.input_dim)
        if name in NORMALIZING:
            return True, None
        if name in (*graph.KERNELS, *graph.OTHER_WEIGHTS):
            return not layer.trainable or _normalized_soon(layers[place + 1 : place + 3]), None
        if name not in graph.TRANSPARENT and not name.startswith("Random"):
            return True, None  # somebody's own: it may do anything
    return True, None


def _normalized_soon(layers: list[Any]) -> bool:
    """A batch norm directly behind the first weights takes any size out again."""
    return any(graph.kind(layer) in NORMALIZING for layer in layers[:1]) or (
        len(layers) > 1 and graph.kind(layers[0]) in graph.TRANSPARENT and graph.kind(layers[1]) in NORMALIZING
    )


def judge(evidence: Inputs, context: Context) -> Iterator[Verdict]:
    """Not a number, then indices, then constants, then size."""
    if evidence.rows_non_finite > 0:
        yield Verdict(
            "nan_input",
            Outcome.FAIL,
            f"{evidence.rows_non_finite:.1%} of the examples hold NaN or infinity: one is enough to spoil all weights.",
            {"rows": evidence.rows_non_finite, "values": evidence.non_finite},
            (Change("data.drop_non_finite", True, "a mean over NaN is NaN"),),
            confidence=0.98,
            check="np.isfinite(x).all()",
            source="UMLAUT, DeepLocalize",
        )
    if evidence.embedded is not None:
        yield from _indices(evidence)
    elif evidence.constant and evidence.rows_non_finite == 0:
        yield _verdict(
            "ignores_input", Outcome.FAIL, "Every example is the same: there is nothing to learn from.", 0.98
        )
    elif not evidence.normalized and not evidence.constant:
        yield from _size(evidence)


def _indices(evidence: Inputs) -> Iterator[Verdict]:
    assert evidence.embedded is not None
    if evidence.high >= evidence.embedded or evidence.low < 0:
        said = f"The embedding has rows 0 to {evidence.embedded - 1}, and the inputs run from {evidence.low:g} to "
        yield _verdict("int_input", Outcome.FAIL, f"{said}{evidence.high:g}.", 0.97)
    elif not evidence.whole:
        said = "An embedding looks up whole numbers, and the inputs are not: their fractions are cut off."
        yield _verdict("int_input", Outcome.FAIL, said, 0.95)


def _verdict(name: str, outcome: Outcome, said: str, confidence: float) -> Verdict:
    return Verdict(
        name,
        outcome,
        said,
        {},
        (Change("data.inputs", "look", "the inputs are not what the first layer takes"),),
        confidence=confidence,
        check="print three rows of x as the model is given them",
        source="UMLAUT",
    )


def _size(evidence: Inputs) -> Iterator[Verdict]:
    coped = evidence.quality >= GOOD  # False where nobody knows
    largest = max(abs(evidence.low), abs(evidence.high))
    tiny = largest < TINY
    if coped or not (tiny or evidence.largest >= LARGE):
        return
    sure = 0.9 if evidence.largest >= HUGE else 0.8 if evidence.largest >= VERY_LARGE else 0.65
    spread = f", the smallest about {evidence.smallest:.3g}" if evidence.smallest < evidence.largest / 10 else ""
    yield Verdict(
        "input_scale",
        Outcome.WARN,
        f"The inputs run from {evidence.low:.3g} to {evidence.high:.3g}, the largest feature about "
        f"{evidence.largest:.3g} in size{spread}; weights are drawn for inputs of about 1.",
        {
            "low": evidence.low,
            "high": evidence.high,
            "largest": evidence.largest,
            "smallest": evidence.smallest,
            "mean": evidence.mean,
            "std": evidence.std,
            "quality": evidence.quality,
        },
        (Change("data.scale_inputs", "standardize", "mean 0 and deviation 1, feature by feature"),),
        confidence=0.75 if tiny else sure,
        check="the same training on (x - mean) / std",
        source="UMLAUT, TheDeepChecker; LeCun et al. 1998",
    )


PROBE = Probe("input_scale", "Are the inputs finite, of a usual size, and not all the same?", Inputs, measure, judge)
