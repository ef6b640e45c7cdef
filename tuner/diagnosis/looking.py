"""How does a training become an inspection? Curves, probes and context are put together, and the verdicts joined."""

from collections.abc import Callable
from typing import Any

import keras

import tuner.probes as probes
from tuner.diagnosis.background import context_of
from tuner.diagnosis.training import Training, reading_of, subject_of
from tuner.inspection import Inspection
from tuner.records import LearningCurves, Outcome, Verdict, passed

BUDGET = ("undertrained", "overtrained_budget", "too_short_to_tell")  # say nothing where the tool chose the epochs


def inspect(training: Training, source: str, trains: bool = True) -> Inspection:
    """One diagnosis of a training. `trains=False` leaves out the probes that train a copy."""
    subject, context = subject_of(training), context_of(training)
    reading = reading_of(training, source)
    evidence = probes.look(subject, trains)
    curves = reading.curves if reading is not None else None
    found = probes.verdicts(evidence, curves, context)
    return Inspection(
        source=source,
        verdicts=_fair(found, training) or (_nothing_seen(training, reading is not None),),
        curves=curves or LearningCurves(),
        columns=dict(reading.columns) if reading is not None else {},
        layers=_asked("layers", subject) or (),
        filters=_asked("filters", subject),
        classes=_asked("classes", subject) or (),
        notes=_notes(training, reading is not None),
        environment={"backend": keras.backend.backend()},
        epochs=reading.epochs if reading is not None else (),
    )


def _asked(name: str, subject: Any) -> Any:
    """What a function of `tuner.probes` shows of the model; None where there is no such function."""
    function: Callable[[Any], Any] | None = getattr(probes, name, None)
    return function(subject) if callable(function) else None


def _fair(found: tuple[Verdict, ...], training: Training) -> tuple[Verdict, ...]:
    """Without blame for a number of epochs that nobody but this tool chose."""
    return tuple(v for v in found if not (training.rehearsed and v.name in BUDGET))


def _nothing_seen(training: Training, curves: bool) -> Verdict:
    """What is said where no probe and no symptom says anything: never that all is well without having seen it."""
    if training.failure:
        said = f"No epoch was finished: {training.failure}"
    elif curves:
        return passed("healthy", "Nothing wrong was seen in the curves of a few epochs, nor in the model.")
    else:
        said = "Nothing was trained that could be watched; the look inside the model found nothing wrong."
    return Verdict("too_short_to_tell", Outcome.PASS, said, check="train for some epochs, with validation data")


def _notes(training: Training, curves: bool) -> tuple[str, ...]:
    notes = list(training.notes)
    if training.failure:
        notes.insert(0, f"training ended early: {training.failure}")
    if training.x is None:
        notes.append("no training examples were given: what needs data was not looked at")
    elif training.val_x is None:
        notes.append("no validation data: overfitting and leaks cannot be seen")
    if not curves:
        notes.append("no curves: nothing was trained that could be watched")
    return tuple(notes)
