"""How does a training become an inspection? Curves, probes and context are put together, and the verdicts joined."""

from collections.abc import Callable
from typing import Any

import keras

import tuner.probes as probes
from tuner.diagnosis.background import context_of
from tuner.diagnosis.class_weights import weighed
from tuner.diagnosis.several_losses import drowned
from tuner.diagnosis.training import Training, mean_weight, reading_of, subject_of
from tuner.inspection import Inspection
from tuner.probes.classes import classes
from tuner.probes.filters import filters
from tuner.probes.readings import layers
from tuner.probes.stateless import problems
from tuner.records import LearningCurves, Outcome, Verdict, passed

BUDGET = ("undertrained", "overtrained_budget", "too_short_to_tell")  # say nothing where the tool chose the epochs
SHOWN: dict[str, tuple[Callable[[Any], Any], Any]] = {  # -> who shows it, and what stands where nobody can
    "layers": (layers, ()),
    "filters": (filters, None),
    "classes": (classes, ()),
}
LONGEST = 200  # characters of an error in a note


def inspect(training: Training, source: str, trains: bool = True) -> Inspection:
    """One diagnosis of a training. `trains=False` leaves out the probes that train a copy.

    A probe that this model cannot be asked leaves a note, and the others are asked all the same.
    """
    subject, notes = subject_of(training), list(_notes(training))
    evidence: dict[str, Any] = {}
    for probe in probes.PROBES.values():
        if trains or not probe.trains:
            found = _asked(probe.name, probe.measure, subject, None, notes)
            if found is not None:
                evidence[probe.name] = found
    reading = reading_of(training, source)
    curves = reading.curves if reading is not None else None
    verdicts = probes.verdicts(evidence, curves, context_of(training))
    for light in LIGHTS:
        verdicts = light(verdicts, training)
    shown = {name: _asked(name, show, subject, nothing, notes) for name, (show, nothing) in SHOWN.items()}
    return Inspection(
        source=source,
        verdicts=verdicts or (_nothing_seen(training, reading is not None),),
        curves=curves or LearningCurves(),
        columns=dict(reading.columns) if reading is not None else {},
        layers=shown["layers"],
        filters=shown["filters"],
        classes=shown["classes"],
        notes=tuple(dict.fromkeys(notes)),
        environment={"backend": keras.backend.backend()},
        epochs=reading.epochs if reading is not None else (),
    )


def _asked(name: str, ask: Callable[[Any], Any], subject: Any, nothing: Any, notes: list[str]) -> Any:
    """The answer of one probe, or `nothing` and a note."""
    try:
        return ask(subject)
    except problems() as error:
        said = " ".join(str(error).split())[:LONGEST]
        notes.append(f"{name} could not be looked at: {type(error).__name__}: {said}")
        return nothing


def _fair(found: tuple[Verdict, ...], training: Training) -> tuple[Verdict, ...]:
    """Without blame for a number of epochs that nobody but this tool chose."""
    if not training.rehearsed:
        return found
    ours = training.initial is not None  # the model that is looked at is the copy that was trained here
    return tuple(v for v in found if v.name not in BUDGET and not (ours and "yardstick" in v.evidence))


def _nothing_seen(training: Training, curves: bool) -> Verdict:
    """What is said where no probe and no symptom says anything: never that all is well without having seen it."""
    if training.failure:
        said = f"No epoch was finished: {training.failure}"
    elif curves:
        return passed("healthy", "Nothing wrong was seen in the curves of a few epochs, nor in the model.")
    else:
        said = "Nothing was trained that could be watched; the look inside the model found nothing wrong."
    return Verdict("too_short_to_tell", Outcome.PASS, said, check="train for some epochs, with validation data")


def _notes(training: Training) -> tuple[str, ...]:
    notes = list(training.notes)
    if training.failure:
        notes.insert(0, f"training ended early: {training.failure}")
    if training.x is None and not training.train_examples:
        notes.append("no training examples were given: what needs data was not looked at")
    elif training.val_x is None and not training.val_examples:
        notes.append("no validation data: overfitting and leaks cannot be seen")
    if (weight := mean_weight(training)) != 1.0:
        notes.append(f"the training loss is divided by the mean class weight ({weight:.3g}), as validation has none")
    if not any("loss" in name for name in training.history or {}):
        notes.append("no curves: nothing was trained that could be watched")
    return tuple(notes)


LIGHTS: tuple[Callable[[tuple[Verdict, ...], Training], tuple[Verdict, ...]], ...] = (weighed, drowned, _fair)
"""What else is known of the training, and puts the verdicts into its light: each gives them back, more or fewer."""
