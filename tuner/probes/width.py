"""Is there a layer that everything must squeeze through?

A hidden layer of one or two units leaves one or two numbers of whatever the inputs say. Where the model is good it is
there on purpose; an autoencoder's code is never judged.

Source: the lecture's step 5 (underfitting: more capacity); Szegedy et al. 2016, section 2 (no narrow places early on).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner.probes import graph
from tuner.probes.fitness import Fitness, fitness
from tuner.probes.passes import passes
from tuner.probes.probe import Probe
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

NARROW = 2  # units
MEDIOCRE = 0.8  # quality (0 a constant answer, 1 perfect) from which so few are enough


@dataclass(frozen=True)
class Width:
    """Hidden layers of `NARROW` units or fewer that all ways to an output pass, from the input on."""

    narrow: tuple[tuple[str, int], ...] = ()  # name and units
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Width | None:
    """The narrow places; None where the graph is not known, or the targets are as wide as the inputs."""
    found = passes(subject)
    if found is None or not graph.has_graph(subject.model) or _same_shape(subject.x, subject.y):
        return None
    calls = graph.calls(subject.model)
    narrow: dict[str, int] = {}
    for end in graph.ends(subject.model):
        dense = [calls[place].layer for place in graph.back(calls, end) if graph.kind(calls[place].layer) == "Dense"]
        narrow |= {layer.name: int(layer.units) for layer in reversed(dense[1:]) if layer.units <= NARROW}
    return Width(tuple(narrow.items()), fitness(found))


def _same_shape(x: Any, y: Any) -> bool:
    return np.shape(x)[1:] == np.shape(y)[1:] if isinstance(y, np.ndarray) and isinstance(x, np.ndarray) else True


def judge(evidence: Width, context: Context) -> Iterator[Verdict]:
    """`underfit` where there is a narrow place and the model is no good."""
    if not evidence.narrow or not evidence.fitness.below(MEDIOCRE):
        return
    name, units = evidence.narrow[0]
    yield Verdict(
        "underfit",
        Outcome.WARN,
        f"Whatever the inputs say must pass the {'one unit' if units == 1 else f'{units} units'} of layer '{name}', "
        "and the model did not learn its training data well.",
        {"layers": [name for name, _ in evidence.narrow], "units": units, "quality": evidence.fitness.quality},
        (Change("model.units", "x16", "more units can hold more than one number"),),
        confidence=0.75,
        check="the same network with sixteen units in that layer",
        source="Szegedy et al. 2016, section 2; the lecture's step 5",
    )


PROBE = Probe("width", "Is there a layer that everything must squeeze through?", Width, measure, judge)
