"""What does a look inside the model say? Each probe is one file; this table is their order, causes before consequences.

`look` measures (it touches Keras), `verdicts` is pure: it judges what was measured together with the curves, and keeps
quiet about what follows from a cause that is already named.
"""

from collections.abc import Mapping
from typing import Any

from tuner.probes.probe import Probe
from tuner.probes.subject import Subject
from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms import Context
from tuner.symptoms import diagnose as from_curves

__all__ = ["PROBES", "Probe", "Subject", "look", "verdicts"]

_MODULES: tuple[Any, ...] = ()  # each has a PROBE; causes before consequences

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
    return joined(inside, outside)


def joined(inside: list[Verdict], outside: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Probes before symptoms; `healthy` only where nothing else asks for anything."""
    alarms = [v for v in (*inside, *outside) if v.outcome is not Outcome.PASS]
    rest = [v for v in (*inside, *outside) if v.outcome is Outcome.PASS and not (alarms and v.name == "healthy")]
    return (*alarms, *rest)
