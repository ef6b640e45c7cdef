"""Were the kernels drawn at a size that suits their layers?

Glorot, He, LeCun and orthogonal kernels differ by a factor of two or so; all of them are fine, and so are small heads,
zero branches that are added to a sum, and embeddings. What is not: a hidden kernel whose units are all alike (they
get the same gradient for ever), one several times larger than He's, or one a hundred times smaller than Glorot's.

Source: Glorot and Bengio 2010; He et al. 2015; TheDeepChecker (variance against those families); DeepDiagnosis (0).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.passes import Passes, Weights, passes
from tuner.probes.probe import Probe
from tuner.probes.stateless import problems
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LARGE, LARGE_FIRM = 4.0, 8.0  # standard deviation over He's, sqrt(2 / fan_in)
SMALL = 0.02  # over the smaller of LeCun's and Glorot's
LEAST_FAN_IN = 8  # below, a standard deviation of one is ordinary
ALIKE = 1e-6  # largest difference between units, relative to the kernel: they are the same unit
PLAIN = ("Dense", "Conv1D", "Conv2D", "Conv3D")  # kernels (..., in, out) whose fans are known
RECURRENT = ("LSTM", "GRU", "SimpleRNN")
NORMALIZED = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")


@dataclass(frozen=True)
class Kernel:
    """One trainable hidden kernel before training."""

    layer: str
    size: float  # standard deviation
    he: float  # that of He's for its fan-in
    smallest: float  # that of the smallest usual family
    alike: bool  # all units have the same weights
    zero: bool
    stuck: bool  # its gradient is zero, or the same for all units
    normalized: bool  # a normalization right behind makes its size meaningless
    activation: str
    fan_in: int


@dataclass(frozen=True)
class Initialisation:
    """The hidden kernels of a fresh network."""

    kernels: tuple[Kernel, ...]
    head: str = ""
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Initialisation | None:
    """The kernels before training; None where they are not known."""
    found = passes(subject)
    if found is None or (subject.initial is None and subject.trained is not False):
        return None
    fresh = subject.initial if subject.initial is not None else found.model.get_weights()
    if len(fresh) != len(found.model.weights):
        return None
    values = {v.path: np.asarray(w, "float64") for v, w in zip(found.model.weights, fresh, strict=True)}
    wanted = [w for w in found.weights if w.trainable and not w.head and w.kind in (*PLAIN, *RECURRENT)]
    gradients = _gradients(found, values)
    return Initialisation(
        tuple(_kernel(found, w, values[w.path], gradients.get(w.path)) for w in wanted if w.path.endswith("kernel")),
        next(iter(found.heads), ""),
        fitness(found),
    )


def judge(evidence: Initialisation, context: Context) -> Iterator[Verdict]:
    """`bad_init`: FAIL where units are alike for ever, WARN where the size is far off."""
    if not evidence.fitness.open:
        return
    alike = [k for k in evidence.kernels if k.alike and k.stuck]
    large = [k for k in evidence.kernels if _judged(k) and k.size > LARGE * k.he]
    small = [k for k in evidence.kernels if _judged(k) and k.size < SMALL * k.smallest]
    if alike:
        what = "zeros" if alike[0].zero else "one constant"
        yield _verdict(
            Outcome.FAIL,
            alike,
            f"The units of layer '{alike[0].layer}' all start alike ({what}): they stay one unit.",
            0.95,
        )
    elif large:
        times = max(k.size / k.he for k in large)
        yield _verdict(
            Outcome.WARN,
            large,
            f"The weights of layer '{large[0].layer}' start {times:.1f} times as large as He's: "
            "every layer multiplies the signal.",
            0.85 if times > LARGE_FIRM or len(large) > 1 else 0.65,
        )
    elif small:
        yield _verdict(
            Outcome.WARN,
            small,
            f"The weights of layer '{small[0].layer}' start at {small[0].size:.1g}, "
            f"{small[0].smallest / small[0].size:.0f} times smaller than usual: the signal dies out.",
            0.85 if len(small) > 1 else 0.65,
        )


def _judged(kernel: Kernel) -> bool:
    return not kernel.alike and not kernel.normalized and kernel.fan_in >= LEAST_FAN_IN


def _verdict(outcome: Outcome, kernels: list[Kernel], sentence: str, confidence: float) -> Verdict:
    def best(kernel: Kernel) -> str:
        return "he_normal" if "elu" in kernel.activation or kernel.activation == "linear" else "glorot_uniform"

    names = list({k.layer: k for k in kernels}.values())
    return Verdict(
        "bad_init",
        outcome,
        sentence,
        {"layers": [k.layer for k in names], "size": [k.size for k in names], "he": [k.he for k in names]},
        tuple(Change(f"layers.{k.layer}.kernel_initializer", best(k), "drawn at the layer's own size") for k in names),
        confidence=confidence,
        check="the same network with Keras's default initializers",
        source="Glorot and Bengio 2010; He et al. 2015; TheDeepChecker, variance of the initial weights",
    )


def _gradients(found: Passes, values: dict[str, Any]) -> dict[str, Any]:
    """Gradients of two batches at the fresh weights, summed; a dropout mask makes even equal units differ."""
    variables = found.model.trainable_variables
    total: dict[str, Any] = {}
    try:
        for number in range(2):
            _, gradients = found.gradient_function(
                [values[v.path].astype(v.dtype) for v in variables], *found.batch(number)
            )
            for variable, gradient in zip(variables, gradients, strict=True):
                if gradient is not None:
                    total[variable.path] = total.get(variable.path, 0.0) + np.asarray(gradient, "float64")
    except problems():
        return {}
    return total


def _kernel(found: Passes, weights: Weights, values: Any, gradient: Any) -> Kernel:
    *_, fan_in, fan_out = values.shape
    field_size = math.prod(values.shape[:-2])
    fan_out = fan_out // {"LSTM": 4, "GRU": 3}.get(weights.kind, 1)
    fans = fan_in * field_size, fan_out * field_size
    alike = _alike(values) and values.shape[-1] > 1
    position = [o.layer for o in found.outputs].index(weights.layer) if _called(found, weights.layer) else None
    behind = found.outputs[position + 1].kind if position is not None and position + 1 < len(found.outputs) else ""
    return Kernel(
        layer=weights.layer,
        size=float(values.std()),
        he=math.sqrt(2 / fans[0]),
        smallest=min(math.sqrt(1 / fans[0]), math.sqrt(2 / sum(fans))),
        alike=alike,
        zero=not values.any(),
        stuck=alike and gradient is not None and _alike(gradient),
        normalized=behind in NORMALIZED,
        activation=found.outputs[position].activation if position is not None else "",
        fan_in=fans[0],
    )


def _called(found: Passes, name: str) -> bool:
    return any(o.layer == name for o in found.outputs)


def _alike(values: Any) -> bool:
    columns = values.reshape(-1, values.shape[-1])
    return bool(np.abs(columns - columns[:, :1]).max() <= ALIKE * max(np.abs(columns).max(), 1e-30))


PROBE = Probe("initialisation", "Were the kernels drawn at a suitable size?", Initialisation, measure, judge)
