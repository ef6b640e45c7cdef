"""Are units dead, or stuck where their activation is flat?

A rectified unit that is active for fewer than one of a hundred examples passes on nothing and learns nothing; a sigmoid
or tanh whose argument lies outside -5 to 5 nearly so. Single such units are normal, also many in a trained net that
fits; a whole layer of them in a net that did not learn is the reason.

Source: SageMaker Debugger (dead unit: active for fewer than 1 % of the examples); DeepDiagnosis (pre-activation outside
-5 to 5 for more than half). Not the share of outputs that are zero, which half of a healthy layer's are.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.outputs import Output
from tuner.probes.passes import passes
from tuner.probes.probe import Probe
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LEAST_EXAMPLES = 64  # fewer cannot show that a unit is dead
LEAST_UNITS = 4
DEAD, DEAD_UNTRAINED = 0.5, 0.9  # of a layer's units; an untrained layer may be sparse and recover
ALL = 0.98  # of a layer's units: nothing comes through it at all
SATURATED, SATURATED_UNTRAINED = 0.5, 0.7  # of a layer's outputs
FAINT = 0.05  # spread over the examples against the size of the output: it says nearly the same for all
LARGE_RATE = 0.1  # from it on the rate is the likelier killer, whatever the optimizer: Keras' own are 0.01 and below
GATE = ("Multiply",)  # sigmoids that weigh others are meant to be open or shut


@dataclass(frozen=True)
class Activations:
    """Shares of dead units and saturated outputs, by hidden layer."""

    examples: int
    dead: tuple[tuple[str, float], ...]  # layer, share of its units
    saturated: tuple[tuple[str, float], ...]  # layer, share of its outputs
    silent: tuple[str, ...] = ()  # layers that say the same for every example
    input_size: float = math.nan  # root mean square of the inputs' numbers, as the first layer gets them
    learning_rate: float | None = None
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Activations | None:
    """Dead and saturated shares of a subject's hidden layers; None where it has no such layer."""
    found = passes(subject)
    if found is None:
        return None
    owners = {w.layer for w in found.weights}
    hidden = [o for o in found.outputs if not o.head and o.units >= LEAST_UNITS and o.layer not in found.heads]
    gated = any(o.kind in GATE for o in found.outputs)
    dead = [(o.layer, o.dead_share) for o in hidden if not math.isnan(o.dead_share) and o.finite and not _lost(o)]
    flat = [(o.layer, o.saturated_share) for o in hidden if not math.isnan(o.saturated_share) and not gated]
    if not dead and not flat:
        return None
    return Activations(
        examples=min(o.examples for o in found.outputs),
        dead=tuple(dead),
        saturated=tuple(flat),
        silent=tuple(o.layer for o in hidden if o.layer in owners and _silent(o)),
        learning_rate=subject.learning_rate,
        fitness=fitness(found),
    )


def judge(evidence: Activations, context: Context) -> Iterator[Verdict]:
    """`dead_relu` and `saturated`, each at most once, for the layer nearest to the input."""
    untrained = evidence.fitness.trained is False
    if evidence.examples < LEAST_EXAMPLES or not evidence.fitness.open:
        return
    dead = [pair for pair in evidence.dead if pair[1] > (DEAD_UNTRAINED if untrained else DEAD)]
    if dead:
        yield _dead(evidence, dead)
    flat = [pair for pair in evidence.saturated if pair[1] > (SATURATED_UNTRAINED if untrained else SATURATED)]
    if flat:
        yield _saturated(evidence, flat)


def _dead(evidence: Activations, layers: list[tuple[str, float]]) -> Verdict:
    name, share = max(layers, key=lambda pair: pair[1])
    now = evidence.learning_rate
    slower = "÷10" if now is None else float(f"{now / 10:.2g}")
    lower = Change("optimizer.learning_rate", slower, "a unit dies when one large step pushes it below zero", now)
    leaky = [Change(f"layers.{n}.activation", "leaky_relu", "it passes a gradient below zero too") for n, _ in layers]
    drawn = Change("layers.kernel_initializer", "he_normal", "made for rectified units")
    large = now is not None and now >= LARGE_RATE
    changes = (lower, *leaky, drawn) if large else (*leaky, lower, drawn)
    return Verdict(
        "dead_relu",
        Outcome.WARN,
        f"Of the rectified units of layer '{name}', {share:.0%} are zero for (nearly) every example: "
        "they can neither answer nor learn.",
        {"layers": [n for n, _ in layers], "dead_share": [s for _, s in layers], "examples": evidence.examples},
        changes,
        confidence=0.9 if share >= ALL else 0.65,
        check="leaky_relu in place of relu, or a tenth of the rate, from fresh weights: the loss should fall",
        source="SageMaker Debugger, dead relu; only in a model that did not learn",
    )


def _saturated(evidence: Activations, layers: list[tuple[str, float]]) -> Verdict:
    name, share = layers[0]
    changes = (
        Change("data.scale_inputs", "standardize", "numbers of size one keep sigmoid and tanh where they are steep"),
        *(Change(f"layers.{n}.kernel_initializer", "glorot_uniform", "made for sigmoid and tanh") for n, _ in layers),
        *(Change(f"layers.{n}.activation", "relu", "it is not flat above zero") for n, _ in layers),
    )
    return Verdict(
        "saturated",
        Outcome.WARN,
        f"{share:.0%} of the outputs of layer '{name}' lie at the flat ends of its activation: no gradient passes.",
        {"layers": [n for n, _ in layers], "saturated_share": [s for _, s in layers], "examples": evidence.examples},
        changes,
        confidence=0.85 if share > 0.8 else 0.7,
        check="the size of the inputs and of the first kernel: inputs near one and glorot_uniform do not saturate",
        source="DeepDiagnosis, pre-activation outside -5 to 5 for more than half",
    )


def _lost(output: Output) -> bool:
    """Whether the living units are on for every example: then the signal was lost further up."""
    return output.dead_share < ALL and output.signal < FAINT * math.hypot(output.mean, output.std)


def _silent(output: Output) -> bool:
    return output.finite and output.signal <= 1e-6 * max(abs(output.mean), output.std, 1e-30)


PROBE = Probe("activations", "Are units dead, or stuck where their activation is flat?", Activations, measure, judge)
