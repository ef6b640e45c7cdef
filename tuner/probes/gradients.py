"""Do the gradients reach the first layers, and do they stay finite?

Compared are relative gradients (gradient over weight), so that neither the loss's unit nor the layers' sizes count:
what the first third of the kernels gets against the last third.

Source: AUTOTRAINER (first over last kernel below 1e-3 or above 70), here relative to the weights and only where the
model is untrained or did not learn; SageMaker Debugger (anything non-finite).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.passes import Passes, Weights, passes
from tuner.probes.probe import Probe
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LEAST_KERNELS = 4  # below, first and last are neighbours
VANISHED = 1e-3, 1e-4  # first third over last third, of a poor and of an untrained model
EXPLODED = 100.0, 1e4  # the other way round
FLAT = 1e-3  # the same, of the steepest kernel: the loss does not depend on any weight any more
STEEP = 1e4  # |gradient| |weight| / loss of one kernel: the loss changes so many times faster than the weight
FIRM = 10.0  # so many times beyond a threshold nothing is left to ask
FLATTENING = ("sigmoid", "tanh", "softsign", "hard_sigmoid")


@dataclass(frozen=True)
class Gradients:
    """Gradients of the compiled loss, in the order of the layers."""

    layers: tuple[str, ...]
    relative: tuple[float, ...]  # of each kernel: root mean square of the gradient over that of the weights
    ratio: float  # largest of the first third over the median of the last third; NaN below four kernels
    steepness: float
    finite: bool
    finite_weights: bool
    flattening: tuple[str, ...] = ()  # hidden layers with a sigmoid or the like
    activation: str = ""  # theirs
    dead_share: float = 0.0  # of the layer with the most dead units
    zero_head: bool = False  # an untrained head of zeros passes no gradient on: it will after one step
    normalized: bool = False  # there is a normalization layer already
    learning_rate: float | None = None
    clipped: bool = False
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Gradients | None:
    """The gradients of a subject; None where there is no loss or nothing that trains."""
    found = passes(subject)
    kernels = [w for w in found.weights if w.trainable and not w.table] if found else []
    if found is None or not kernels:
        return None
    hidden = [o for o in found.outputs if not o.head and o.activation in FLATTENING and o.kind != "LSTM"]
    optimizer = subject.optimizer
    return Gradients(
        layers=tuple(w.layer for w in kernels),
        relative=tuple(w.relative for w in kernels),
        ratio=_ratio(kernels),
        steepness=steepness(kernels, found),
        finite=all(math.isfinite(w.gradient) for w in kernels)
        and all(math.isfinite(loss.data) for loss in found.backward[0]),
        finite_weights=all(math.isfinite(w.norm) for w in found.weights),
        flattening=tuple(o.layer for o in hidden if o.kind in ("Dense", "Activation") or o.kind.startswith("Conv")),
        activation=hidden[0].activation if hidden else "",
        dead_share=max([o.dead_share for o in found.outputs if not math.isnan(o.dead_share)], default=0.0),
        zero_head=any(w.norm == 0 for w in kernels if w.head),
        normalized=any("Normalization" in o.kind for o in found.outputs if o.kind != "Normalization"),
        learning_rate=subject.learning_rate,
        clipped=any(getattr(optimizer, name, None) for name in ("clipnorm", "global_clipnorm", "clipvalue")),
        fitness=fitness(found),
    )


def judge(evidence: Gradients, context: Context) -> Iterator[Verdict]:
    """At most one of `nan_or_inf`, `exploding_gradient`, `vanishing_gradient`."""
    if not evidence.finite_weights:
        yield _not_finite(evidence, "Weights are NaN or infinite: nothing can be learned from here.")
    elif not evidence.finite:
        yield _not_finite(evidence, "The gradients are NaN or infinite on the training data.")
    elif not evidence.fitness.open or evidence.zero_head:
        return
    elif evidence.steepness > STEEP or (evidence.steepness > 1 and evidence.ratio > _limit(evidence, *EXPLODED)):
        yield _exploding(evidence)
    elif vanishes(evidence):
        yield _vanishing(evidence)


def vanishes(evidence: Gradients) -> bool:
    """Whether the start of the network gets next to nothing, or nothing in it matters."""
    lost = 0 < evidence.steepness < FLAT and not math.isnan(evidence.ratio) and evidence.fitness.poor
    return 0 < evidence.ratio < _limit(evidence, *VANISHED) or lost


def _limit(evidence: Gradients, poor: float, untrained: float) -> float:
    return untrained if evidence.fitness.trained is False else poor


def _not_finite(evidence: Gradients, sentence: str) -> Verdict:
    return Verdict(
        "nan_or_inf",
        Outcome.FAIL,
        sentence,
        {"layers": [n for n, r in zip(evidence.layers, evidence.relative, strict=True) if not math.isfinite(r)]},
        (_slower(evidence, 10, "smaller steps stay finite"), *_clip(evidence)),
        confidence=0.95,
        check="the loss of one batch before the first step: if it is NaN there, it is the data or the loss",
        source="SageMaker Debugger, exploding tensor; one backward pass of the compiled loss",
    )


def _exploding(evidence: Gradients) -> Verdict:
    limit = _limit(evidence, *EXPLODED)
    firm = max(evidence.ratio / limit if not math.isnan(evidence.ratio) else 0.0, evidence.steepness / STEEP) > FIRM
    norm = () if evidence.normalized else (_batch_norm("it brings every layer back to one scale"),)
    return Verdict(
        "exploding_gradient",
        Outcome.WARN,
        "Gradients explode: relative to its weights the start of the network is asked to change "
        f"{evidence.ratio:.3g} times as much as its end (steepness {evidence.steepness:.2g}).",
        {"ratio": evidence.ratio, "steepness": evidence.steepness, "layers": evidence.layers[:1]},
        (*_clip(evidence), _slower(evidence, 10, "smaller steps survive steep places"), *norm),
        confidence=0.85 if firm else 0.65,
        check="one epoch with global_clipnorm=1: the loss should fall smoothly",
        source="AUTOTRAINER, first over last kernel above 70; here relative to the weights",
    )


def _vanishing(evidence: Gradients) -> Verdict:
    changes = [
        Change(f"layers.{name}.activation", "relu", f"{evidence.activation} passes on a quarter of a gradient at most")
        for name in evidence.flattening
    ]
    if not evidence.normalized:
        changes.append(_batch_norm("normalized layers pass gradients on at full size"))
    if not changes:
        changes.append(Change("layers.add_skip_connections", True, "a sum passes the gradient on unchanged"))
    limit = _limit(evidence, *VANISHED)
    along = evidence.ratio < limit
    return Verdict(
        "vanishing_gradient",
        Outcome.WARN,
        f"Gradients vanish on the way back through {len(evidence.layers)} kernels: "
        + (
            f"relative to its weights, the start of the network gets {evidence.ratio:.1g} of what its end gets."
            if along
            else f"no kernel matters to the loss any more (steepness {evidence.steepness:.1g})."
        ),
        {"ratio": evidence.ratio, "steepness": evidence.steepness, "flattening": evidence.flattening},
        tuple(changes),
        confidence=0.9 if evidence.ratio < limit / FIRM else 0.75,
        check="the same network with relu and he_normal: the first kernels should get as much as the last",
        source="AUTOTRAINER, first over last kernel below 1e-3; here relative to the weights",
    )


def _ratio(kernels: list[Weights]) -> float:
    relative = [w.relative for w in kernels if math.isfinite(w.relative)]
    third = len(relative) // 3
    if len(relative) < LEAST_KERNELS:
        return math.nan
    last = median(relative[-third:])
    return max(relative[:third]) / last if last > 0 else math.nan


def steepness(kernels: list[Weights], found: Passes) -> float:
    """|gradient| |weight| / loss of the steepest kernel: free of units; about one in a healthy network."""
    losses = [abs(loss.total) for loss in found.backward[0]]
    scale = sum(losses) / len(losses)
    steepest = max(w.gradient * w.norm * w.parameters for w in kernels)
    return steepest / scale if scale > 0 else math.nan


def _slower(evidence: Gradients, factor: int, because: str) -> Change:
    now = evidence.learning_rate
    value = f"÷{factor}" if now is None else float(f"{now / factor:.2g}")
    return Change("optimizer.learning_rate", value, because, now)


def _clip(evidence: Gradients) -> tuple[Change, ...]:
    because = "a gradient that is cut to one length cannot throw the weights out"
    return () if evidence.clipped else (Change("optimizer.global_clipnorm", 1.0, because),)


def _batch_norm(because: str) -> Change:
    return Change("layers.add_batch_normalization", True, because)


PROBE = Probe("gradients", "Do gradients reach the first layers, and stay finite?", Gradients, measure, judge)
