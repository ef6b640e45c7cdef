"""Does the signal keep its size on the way through the fresh network?

Each layer's signal is the spread of its outputs over the examples. Between two weight layers a good initialization
keeps it within a factor of about two; one that changes it by the same large factor at every layer loses or blows it up.

Source: He et al. 2015, section 2.2 (forward propagation); SageMaker Debugger (ratio of variances above 10).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.outputs import outputs
from tuner.probes.passes import passes
from tuner.probes.probe import Probe
from tuner.probes.stateless import problems
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LEAST_LAYERS = 3
GROWS, SHRINKS = 2.5, 0.25  # a layer, geometric mean; relu under Glorot alone shrinks by 0.7, or 0.33 where it widens
OVERALL = 30.0  # first to last, either way
OVERALL_UNTRAINED = 100.0
NORMALIZATIONS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")


@dataclass(frozen=True)
class Signal:
    """Spread of each hidden weight layer's output over the examples, at the weights before training."""

    layers: tuple[str, ...]
    signals: tuple[float, ...]
    normalized: bool
    activations: tuple[str, ...]
    fitness: Fitness = field(default_factory=Fitness)

    @property
    def overall(self) -> float:
        """The last signal over the first."""
        return max(self.signals[-1], 1e-30) / self.signals[0] if self.signals and self.signals[0] > 0 else math.nan

    @property
    def factor(self) -> float:
        """By how much the signal changes from layer to layer, geometric mean."""
        if len(self.signals) < LEAST_LAYERS or self.signals[0] <= 0:
            return math.nan
        return float(self.overall ** (1 / (len(self.signals) - 1)))


def measure(subject: Subject) -> Signal | None:
    """The signal of a subject's fresh network; None where its fresh weights are not known."""
    found = passes(subject)
    weights = subject.initial if subject.initial is not None else None
    if found is None or (weights is None and subject.trained is not False):
        return None
    if weights is not None and len(weights) != len(found.model.weights):
        return None
    try:
        seen = outputs(found.model, subject.x, found.rows[:256], weights, training=True)
    except problems():
        return None
    owners = {w.layer for w in found.weights if not w.table}
    hidden = [o for o in seen if o.layer in owners and not o.head and o.layer not in found.heads and o.signal > 0]
    return Signal(
        tuple(o.layer for o in hidden),
        tuple(o.signal for o in hidden),
        any(o.kind in NORMALIZATIONS for o in seen),
        tuple(o.activation for o in hidden),
        fitness(found),
    )


def judge(evidence: Signal, context: Context) -> Iterator[Verdict]:
    """`bad_init` where the signal grows or shrinks by the same large factor from layer to layer."""
    factor = evidence.factor
    if evidence.normalized or not evidence.fitness.open or math.isnan(factor):
        return
    overall = evidence.overall
    limit = OVERALL_UNTRAINED if evidence.fitness.trained is False else OVERALL
    if not (factor > GROWS and overall > limit) and not (factor < SHRINKS and overall < 1 / limit):
        return
    grows = factor > 1
    rectified = sum("elu" in name for name in evidence.activations) * 2 >= len(evidence.activations)
    best = "he_normal" if rectified else "glorot_uniform"
    flat = (
        ()
        if rectified
        else tuple(n for n, a in zip(evidence.layers, evidence.activations, strict=True) if a == "sigmoid")
    )
    changes = tuple(
        Change(f"layers.{n}.kernel_initializer", best, "it keeps the signal's size") for n in evidence.layers
    )
    steeper = tuple(Change(f"layers.{n}.activation", "relu", "a sigmoid quarters the signal") for n in flat)
    norm = Change("layers.add_batch_normalization", True, "it brings every layer's output back to one scale")
    yield Verdict(
        "vanishing_gradient" if steeper and not grows else "bad_init",
        Outcome.WARN,
        f"In the fresh network the signal {'grows' if grows else 'shrinks'} {factor:.2g}-fold from layer to layer, "
        f"from {evidence.signals[0]:.2g} in '{evidence.layers[0]}' to {evidence.signals[-1]:.2g}.",
        {"layers": evidence.layers, "signals": evidence.signals, "factor": factor},
        (*changes, norm) if grows else (*steeper, norm, *changes),
        confidence=0.85 if overall > 100 * limit or overall < 0.01 / limit else 0.7,
        check=f"the same network with {best} everywhere: the signal should keep its size",
        source="He et al. 2015, section 2.2; SageMaker Debugger, variance of activations",
    )


PROBE = Probe("variance", "Does the signal keep its size through the fresh network?", Signal, measure, judge)
