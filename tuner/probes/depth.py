"""Is this a deep network without any way around its layers?

Beyond some twenty weight layers in a row, a plain network fits its training data worse than a shallower one, normalized
or not: it degrades, and neither overfitting nor vanishing gradients is the reason. A sum around every few layers cures
it. Said only where the training error is high: from fifteen layers on of a model that did not learn, from thirty on of
one that learned its training data less than well.

Source: He et al. 2016, arXiv 1512.03385, figure 1 (20 against 56 plain layers: higher training error), and section 4.1
(18 layers still train as well as 18 with sums, 34 do not).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.gradients import measure as gradients_of
from tuner.probes.gradients import vanishes
from tuner.probes.graph import calls, has_graph, kind
from tuner.probes.passes import passes
from tuner.probes.probe import Probe
from tuner.probes.subject import Subject
from tuner.probes.variance import measure as signal_of
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LOST = 1e-3  # signal of the last layer over that of the first, in the fresh network
DEEP = 15  # weight layers in a row
DEGRADED = 30  # weight layers in a row: He et al. saw it at 34 (ImageNet) and 32 (CIFAR-10), not at 18 and 20
FITTED = (
    0.9  # of the way from a constant answer to a perfect one, on training data: from there on the error is not high
)
STEPS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D", "SeparableConv1D")


@dataclass(frozen=True)
class Depth:
    """The longest row of weight layers that nothing goes around."""

    row: int
    vanishes: bool  # the gradients do, on the way back, or the signal on the way forth
    normalized: bool
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Depth | None:
    """The depth of a subject's model; None where its graph is not known."""
    found = passes(subject)
    if found is None or not has_graph(subject.model):
        return None
    row = longest(subject.model)
    gradients = gradients_of(subject) if row >= DEEP else None
    return Depth(
        row,
        (gradients is not None and vanishes(gradients)) or (row >= DEEP and _lost(subject)),
        any(o.kind == "BatchNormalization" for o in found.outputs),
        fitness(found),
    )


def judge(evidence: Depth, context: Context) -> Iterator[Verdict]:
    """`vanishing_gradient` where they do, else `degradation` from `DEGRADED` layers on, else `underfit`."""
    vanish, poor = evidence.vanishes, evidence.fitness.poor
    if evidence.row >= DEGRADED and not (vanish and poor) and evidence.fitness.below(FITTED):
        yield _degradation(evidence)
        return
    if evidence.row < DEEP or not poor:
        return
    says = "and signal or gradient is lost on the way" if vanish else "and it did not learn its training data"
    because = "a sum around every two layers passes signal and gradient on"
    norm = Change("layers.add_batch_normalization", True, "normalized layers keep the signal's size")
    yield Verdict(
        "vanishing_gradient" if vanish else "underfit",
        Outcome.WARN,
        f"{evidence.row} weight layers follow each other without a way around any of them, {says}.",
        {"row": evidence.row, "vanishes": vanish},
        (Change("layers.add_skip_connections", True, because), *(() if evidence.normalized else (norm,))),
        confidence=0.85 if vanish else 0.65,
        check="the same network with half the layers: if it fits better, depth is the reason",
        source="He et al. 2016, figure 1",
    )


def _degradation(evidence: Depth) -> Verdict:
    """Deep, plain, and a high training error."""
    missing = 1 - evidence.fitness.quality
    short = "it did not learn its training data" if evidence.fitness.poor else "the training error is high"
    how = f" ({min(missing, 1):.0%} of the way to a perfect fit is missing)" if math.isfinite(missing) else ""
    return Verdict(
        "degradation",
        Outcome.WARN,
        f"{evidence.row} weight layers follow each other without a way around any of them, and {short}{how}: so deep, "
        "plain networks fit worse than shallower ones.",
        {"row": evidence.row, "quality": evidence.fitness.quality},
        (Change("layers.add_skip_connections", True, "with a sum around every two layers each need only correct"),),
        confidence=0.8,
        check="the same network with a third of the layers: if its training error is lower, depth is the reason",
        source="He et al. 2016, arXiv 1512.03385, figure 1",
    )


def _lost(subject: Subject) -> bool:
    signal = signal_of(subject)
    return signal is not None and not signal.normalized and signal.overall < LOST


def longest(model: object) -> int:
    """Weight layers on the longest way that no other way goes around: a merge begins a new row."""
    found, rows = calls(model), list[int]()
    for call in found:
        before = max((rows[parent] for parent in call.parents), default=0)
        rows.append(0 if len(set(call.parents)) > 1 else before + (kind(call.layer) in STEPS))
    return max(rows, default=0)


PROBE = Probe("depth", "Is this a deep network without a way around its layers?", Depth, measure, judge)
