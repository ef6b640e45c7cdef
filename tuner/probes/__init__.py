"""What does a look inside the model say? Each probe is one file; this table is their order, causes before consequences.

`look` measures (it touches Keras), `verdicts` is pure: it judges what was measured together with the curves, and keeps
quiet about what follows from a cause that is already named.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tuner.probes import (
    activations,
    broadcast,
    depth,
    first_steps,
    gradients,
    head_loss,
    initial_loss,
    initialisation,
    inputs,
    labels,
    leak,
    mismatch,
    padding,
    rate,
    schedule,
    split,
    structure,
    targets,
    tiny_fit,
    unchanged,
    update_ratio,
    variance,
    width,
    yardstick,
)
from tuner.probes.causes import joined
from tuner.probes.classes import classes
from tuner.probes.filters import filters
from tuner.probes.probe import Probe
from tuner.probes.readings import layers
from tuner.probes.subject import Subject
from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms import Context
from tuner.symptoms import diagnose as from_curves

__all__ = ["PROBES", "Probe", "Subject", "classes", "filters", "joined", "layers", "look", "verdicts"]

_MODULES: tuple[Any, ...] = (  # each has a PROBE; causes before consequences
    head_loss,
    broadcast,
    structure,
    inputs,
    padding,
    targets,
    leak,
    split,
    labels,
    initialisation,
    variance,
    initial_loss,
    schedule,
    unchanged,
    activations,
    gradients,
    update_ratio,
    first_steps,
    mismatch,
    depth,
    width,
    tiny_fit,
    rate,
    yardstick,
)

PROBES: dict[str, Probe] = {module.PROBE.name: module.PROBE for module in _MODULES}


def look(subject: Subject, trains: bool = True) -> dict[str, Any]:
    """Probe name -> what it measured; a probe that cannot be asked is left out. `trains=False` skips the slow ones."""
    found = {}
    for probe in PROBES.values():
        evidence = None if probe.trains and not trains else probe.measure(subject)
        if evidence is not None:
            found[probe.name] = evidence
    return found


def verdicts(
    evidence: Mapping[str, Any], curves: LearningCurves | None = None, context: Context | None = None
) -> tuple[Verdict, ...]:
    """Every verdict on a model and its curves, the most important first; never empty."""
    context = context or Context()
    inside = [v for name, probe in PROBES.items() if name in evidence for v in probe.judge(evidence[name], context)]
    outside = from_curves(curves, context) if curves is not None else ()
    if mismatch.PROBE.name in evidence:  # it was measured: what the curves suspect is no more than a note
        outside = tuple(replace(v, outcome=Outcome.PASS) if v.name == "train_eval_mismatch" else v for v in outside)
    return joined(inside, outside)
