"""How large is the optimizer's step against the weights it changes?

A few real steps are taken on a copy of the weights by a copy of the optimizer with its own slots, so the figure counts
for any optimizer. About one thousandth a step is usual; a tenth rewrites the weights, a hundred-thousandth leaves them.
A ratio alone accuses nobody: too high is said where the steps also raise the loss of the very batch they were made for.

Source: CS231n, neural-networks-3 (about 1e-3); TheDeepChecker and DeepDiagnosis (above 1e-1 or below 1e-5).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import keras
import numpy as np

from tuner.probes.decayed import decayed
from tuner.probes.fitness import Fitness, fitness
from tuner.probes.gradients import steepness
from tuner.probes.passes import Passes, passes
from tuner.probes.probe import Probe
from tuner.probes.shadow import shadow
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

STEPS = 5
HIGH, HIGH_UNTRAINED = 0.1, 0.5  # of a weight, in one step; Adam's first steps are large by its bias correction
LOW = 1e-5
USUAL, MOST_DECADES = 1e-3, 3  # the remedy goes to the usual ratio, but no further than this at once
REACHES = 1e-2  # steepness from which gradients are there: below, it is not the rate that is too small
RISES = 0.6  # of the steps, that raise the loss of their own batch
FIRM = 10.0


@dataclass(frozen=True)
class Updates:
    """Steps of the optimizer, taken on a copy."""

    layers: tuple[str, ...]  # one entry a trainable kernel, in the order of the layers
    ratios: tuple[float, ...]  # |step| / |weight|, median over the steps; NaN for a kernel of zeros
    unmoved: tuple[str, ...]  # kernels that no step changed
    typical: float  # median of the ratios
    rises: float  # share of the steps that raised the loss of their own batch
    steepness: float  # |gradient| |weight| / loss of the steepest kernel
    learning_rate: float | None
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Updates | None:
    """Update ratios of a subject; None where it has no loss, no optimizer or nothing that trains."""
    found = passes(subject)
    return None if found is None else updates(found)


def updates(found: Passes) -> Updates | None:
    """The same from passes; measured once for a subject."""
    kept = found.__dict__
    if "_updates" not in kept:
        kept["_updates"] = _updates(found)
    result: Updates | None = kept["_updates"]
    return result


def _updates(found: Passes) -> Updates | None:
    stepped = shadow(found)
    if stepped is None:
        return None
    kernels = {w.path: w for w in found.weights if w.trainable}
    places = {v.path: i for i, v in enumerate(found.model.trainable_variables)}
    seen: dict[str, list[float]] = {path: [] for path in kernels}
    moved: set[str] = set()
    rises = []
    before = _arrays(stepped.values)
    for number in range(STEPS):
        start = stepped.step(found, number)
        after = _arrays(stepped.values)
        end, _ = found.gradient_function(stepped.values, *found.batch(number))
        rises.append(not end.total <= start.total)
        for path in kernels:
            old, new = before[places[path]], after[places[path]]
            size = float(np.linalg.norm(old))
            step = float(np.linalg.norm(new - old))
            seen[path].append(step / size if size > 0 else math.nan)
            if step != 0:
                moved.add(path)
        before = after
    ratios = {path: _middle(values) for path, values in seen.items()}
    plain = [r for path, r in ratios.items() if not kernels[path].table and not math.isnan(r)]
    return Updates(
        layers=tuple(w.layer for w in kernels.values()),
        ratios=tuple(ratios.values()),
        unmoved=tuple(path for path in kernels if path not in moved),
        typical=median(plain) if plain else math.nan,
        rises=sum(rises) / len(rises),
        steepness=steepness(list(kernels.values()), found),
        learning_rate=found.subject.learning_rate,
        fitness=fitness(found),
    )


def judge(evidence: Updates, context: Context) -> Iterator[Verdict]:
    """`lr_too_high` where steps rewrite the weights and hurt; `lr_too_low` where they do nothing to a poor model."""
    high = HIGH_UNTRAINED if evidence.fitness.trained is False else HIGH
    if not evidence.fitness.open or evidence.learning_rate == 0 or math.isnan(evidence.typical):
        return
    if evidence.typical > high and evidence.rises >= RISES:
        yield _verdict(evidence, True, f"{evidence.rises:.0%} of the steps raise the loss of their own batch")
    elif decayed(evidence.learning_rate, context):
        return
    elif 0 < evidence.typical < LOW and evidence.fitness.poor and evidence.steepness > REACHES:
        yield _verdict(evidence, False, "and the model has not learned yet")


def _verdict(evidence: Updates, high: bool, also: str) -> Verdict:
    now = evidence.learning_rate
    decades = round(math.log10(evidence.typical / USUAL))
    factor = 10.0 ** -(min(max(decades, 1), MOST_DECADES) if high else max(min(decades, -1), -MOST_DECADES))
    value: Any = f"×{factor:g}" if now is None else float(f"{now * factor:.2g}")
    because = "steps about a thousandth of the weights are usual"
    beyond = evidence.typical / HIGH if high else LOW / evidence.typical
    return Verdict(
        "lr_too_high" if high else "lr_too_low",
        Outcome.WARN,
        f"One step changes the weights by {evidence.typical:.1g} of their size, and {also}"
        if high
        else f"One step changes the weights by only {evidence.typical:.1g} of their size, {also}.",
        {"update_ratio": evidence.typical, "rises": evidence.rises, "learning_rate": now},
        (Change("optimizer.learning_rate", value, because, now),),
        confidence=0.8 if beyond > FIRM else 0.6,
        check=f"thirty steps at {'a tenth' if high else 'ten times'} of the rate: the loss should fall faster",
        source="CS231n, neural-networks-3 (about 1e-3); TheDeepChecker (1e-1); DeepDiagnosis (1e-5)",
    )


def _arrays(values: list[Any]) -> list[Any]:
    return [np.asarray(keras.ops.convert_to_numpy(v)).astype("float64") for v in values]


def _middle(values: list[float]) -> float:
    finite = [v for v in values if not math.isnan(v)]
    return median(finite) if finite else math.nan


PROBE = Probe("update_ratio", "How large are the steps against the weights?", Updates, measure, judge)
