"""Are the targets of a size that the last layer can reach, and are all classes there often enough?

A last layer starts near 0 and moves by about its rate a step: targets in the thousands are out of its reach for long. A
class that is a hundred times rarer than another is learned last; whether the run minds is read off its answers.

Source: A. Karpathy, A recipe for training neural networks (bias of the last layer); SageMaker Debugger (10 : 1).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.probes import forward
from tuner.probes.head_facts import Output, outputs_of
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

LARGE, HUGE = 50.0, 500.0  # root mean square of the targets
SMALL = 1e-3  # of targets in tiny units
OFF = 10.0  # mean over deviation, from which the answer is nearly a constant
REACHED = 0.5  # R2 of the model's answers from which the size has evidently done no harm
UNEVEN, VERY_UNEVEN = 10.0, 30.0  # largest class over smallest
FEW_CLASSES = 10  # a long tail over many classes is how words and products are
FORGOTTEN = 0.1  # recall of the rarest class below which it is not learned


@dataclass(frozen=True)
class Aims:
    """The targets of one output."""

    output: Output
    quality: float  # of the answers by now; NaN where nobody knows
    rarest_recall: float  # NaN where nobody knows
    trained: bool


@dataclass(frozen=True)
class AllAims:
    """Every output."""

    outputs: tuple[Aims, ...]


def measure(subject: Any) -> AllAims | None:
    """Describe the targets of each output, and how they are met by now."""
    outputs = outputs_of(subject)
    if subject.y is None or not outputs:
        return None
    if len(outputs) > 1 or isinstance(subject.y, dict | list | tuple) or subject.x is None:
        return AllAims(tuple(Aims(out, math.nan, math.nan, False) for out in outputs))
    trained = subject.trained is not False
    index = forward.sample(subject, forward_most(outputs[0]))
    found = forward.answers(subject.model, forward.rows(subject.x, index)) if trained else None
    if found is None or len(found) != 1:
        return AllAims((Aims(outputs[0], math.nan, math.nan, False),))
    wanted = np.asarray(subject.y)[index]
    good = forward.quality(found[0], wanted, outputs[0].targets, outputs[0].loss)
    return AllAims((Aims(outputs[0], good, _rarest(found[0], wanted, outputs[0]), subject.trained is True),))


def forward_most(out: Output) -> int:
    """Enough examples to meet a rare class."""
    uneven = out.targets is not None and out.targets.frequencies and min(out.targets.frequencies) < 100
    return 2048 if uneven else 512


def _rarest(answers: Any, wanted: Any, out: Output) -> float:
    if out.targets is None or out.targets.kind not in ("one_hot", "classes", "binary") or not out.targets.frequencies:
        return math.nan
    truth, said = forward.labels(wanted), forward.chosen(answers + (0.5 if out.loss.from_logits else 0.0))
    if truth.shape != said.shape:
        return math.nan
    values, counts = np.unique(truth, return_counts=True)
    rare = values[counts.argmin()]
    return float((said[truth == rare] == rare).mean()) if counts.min() >= 5 else math.nan


def judge(evidence: AllAims, context: Context) -> Iterator[Verdict]:
    """Size for numbers, balance for classes."""
    for aims in evidence.outputs:
        t = aims.output.targets
        if t is None or t.kind == "other":
            continue
        if t.missing > 0:
            yield _missing(t.missing)
        if t.kind == "constant" or (t.kind == "one_hot" and sum(n > 0 for n in t.frequencies) == 1):
            yield _one_answer(t.low)
        elif t.kind in ("numbers", "classes") and aims.output.loss.family == "regression":
            yield from _size(aims)
        elif aims.output.loss.family in ("categorical", "sparse", "binary") and len(t.frequencies) > 1:
            yield from _balance(aims)


def _missing(share: float) -> Verdict:
    return Verdict(
        "nan_input",
        Outcome.FAIL,
        f"{share:.1%} of the targets are NaN or infinite.",
        {"targets": share},
        (Change("data.drop_non_finite", True, "a loss against NaN is NaN"),),
        confidence=0.98,
        check="np.isfinite(y).all()",
        source="UMLAUT, DeepLocalize",
    )


def _one_answer(value: float) -> Verdict:
    return Verdict(
        "class_imbalance",
        Outcome.FAIL,
        f"Every target is the same ({value:g}): there is nothing to tell apart.",
        {"value": value},
        (Change("data.labels", "look", "a split by order, or labels that were lost on the way"),),
        confidence=0.95,
        check="np.unique(y, return_counts=True)",
        source="SageMaker Debugger",
    )


def _size(aims: Aims) -> Iterator[Verdict]:
    out, t = aims.output, aims.output.targets
    assert t is not None
    size = math.hypot(t.mean, t.std)
    scaled = out.ending.activation != "linear" or not out.ending.certain or aims.quality >= REACHED
    large, tiny = size >= LARGE, 0 < size < SMALL
    offset = t.std > 0 and abs(t.mean) >= OFF * t.std and size >= LARGE / 10
    if scaled or not (large or tiny or offset) or "logarithmic" in out.loss.name or "percentage" in out.loss.name:
        return
    yield Verdict(
        "target_scale",
        Outcome.WARN,
        f"The targets lie around {t.mean:.3g} with a deviation of {t.std:.3g}: the last layer starts near 0 and has "
        "to walk there.",
        {"mean": t.mean, "std": t.std, "size": size, "quality": aims.quality},
        (Change("data.scale_targets", "standardize", "mean 0 and deviation 1; turn the answers back afterwards"),),
        confidence=0.85 if size >= HUGE or tiny else 0.7,
        check="the same training on (y - mean) / std",
        source="Karpathy's recipe (initialise the last bias to the mean)",
    )


def _balance(aims: Aims) -> Iterator[Verdict]:
    t = aims.output.targets
    assert t is not None
    counts = [n for n in t.frequencies if n > 0]
    ratio = max(counts) / min(counts)
    if ratio < UNEVEN or len(t.shape) > 1:
        return
    forgotten = aims.trained and aims.rarest_recall < FORGOTTEN and len(counts) <= FEW_CLASSES
    numbers: dict[str, Any] = {"ratio": ratio, "rarest": min(counts), "rarest_recall": aims.rarest_recall}
    said = f"The largest class comes {ratio:.0f} times as often as the smallest ({min(counts)} examples)"
    if not forgotten:
        yield passed("class_imbalance", f"{said}; look at its recall beside the accuracy.", **numbers)
        return
    yield Verdict(
        "class_imbalance",
        Outcome.WARN,
        f"{said}, and the model finds {aims.rarest_recall:.0%} of these.",
        numbers,
        (Change("data.class_weight", "balanced", "a rare class has to weigh as much as a frequent one"),),
        confidence=0.85 if ratio >= VERY_UNEVEN else 0.75,
        check="recall of each class instead of accuracy",
        source="SageMaker Debugger (10 : 1)",
    )


PROBE = Probe("target_scale", "Are the targets within reach, and all classes there?", AllAims, measure, judge)
