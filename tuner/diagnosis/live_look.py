"""What does a callback see inside the model that is being trained? The probes, one by one, and a note where one cannot.

Source: tuner/probes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

import tuner.probes as probes
from tuner.diagnosis.background import context_of, loss_name
from tuner.diagnosis.examples import Examples, is_stream, of_arrays, of_stream
from tuner.diagnosis.recording import DEFAULT_BATCH, MOST_WEIGHTS
from tuner.diagnosis.training import Training, size_of, subject_of
from tuner.inspection import Inspection
from tuner.probes.classes import classes
from tuner.probes.filters import filters
from tuner.probes.readings import layers
from tuner.probes.stateless import problems
from tuner.probes.subject import schedule_of
from tuner.symptoms import Context

AT_ONCE = frozenset({"head_loss_mismatch", "structure", "input_scale", "target_scale", "split"})
"""Probes that read how the model, its loss and its data were put together, which no training changes."""

SLOW = frozenset({"labels", "leak"})  # probes of the data alone; seconds, so only at the end
EACH = 20  # examples of each class on average, from which on their counts say how frequent the classes are
SMALLEST_BATCH = 8  # examples; fewer a step mean that `data` holds only a part of what is trained on
SHOWN: dict[str, tuple[Callable[[Any], Any], Any]] = {  # -> who shows it, and what stands where nobody can
    "layers": (layers, ()),
    "filters": (filters, None),
    "classes": (classes, ()),
}


@dataclass
class LiveLook:
    """The model under training, the examples to look at, and what the probes measured last."""

    training: Training
    evidence: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def possible(self) -> bool:
        """Whether there are examples to look with."""
        return self.training.x is not None

    def before_training(self) -> bool:
        """Ask the probes that only read. Whether one of them had an answer."""
        return self._ask(probe for name, probe in probes.PROBES.items() if name in AT_ONCE)

    def inside(self) -> None:
        """Ask every probe whose answer changes while the model is trained, and that trains nothing itself."""
        self.training = replace(self.training, trained=True)
        asked = (probe for name, probe in probes.PROBES.items() if name not in AT_ONCE | SLOW)
        self._ask(probe for probe in asked if not probe.trains)

    def closely(self) -> None:
        """Ask what is left: the slow probes of the data, and those that train a copy for a few steps."""
        self._ask(probe for name, probe in probes.PROBES.items() if probe.trains or name in SLOW)

    def note(self, text: str) -> None:
        """Say once what could not be looked at."""
        if text and text not in self.notes:
            self.notes.append(text)

    def completed(self, inspection: Inspection) -> Inspection:
        """The inspection with what is shown of layers, filters and classes."""
        if not self.possible:
            return inspection
        subject = subject_of(self.training)
        shown: dict[str, Any] = {}
        for name, (show, nothing) in SHOWN.items():
            try:
                shown[name] = show(subject)
            except problems() as error:
                shown[name] = nothing
                self.note(_no_way(name, error))
        return replace(inspection, **shown, notes=tuple(self.notes))

    def _ask(self, asked: Iterable[probes.Probe]) -> bool:
        if not self.possible:
            return False
        subject, answered = subject_of(self.training), False
        for probe in asked:
            try:
                found = probe.measure(subject)
            except problems() as error:
                self.note(_no_way(probe.name, error))
                continue
            if found is not None:
                self.evidence[probe.name] = found
                answered = True
        return answered


def look_at(model: keras.Model, data: Any, validation_data: Any, fit: Mapping[str, Any]) -> LiveLook:
    """A look at a model that is about to be trained.

    Args:
        model: built and, unless its training step is its own, compiled.
        data, validation_data: as `Diagnose` was given them.
        fit: what Keras tells a callback of the call: `epochs`, `steps`.
    """
    train, validation = examples(data), examples(validation_data)
    steps = fit.get("steps")
    batch = train.batch_size or (round(train.count / steps) if train.count and steps else 0)
    whole = batch >= SMALLEST_BATCH
    keep = train.x is not None and 0 < size_of(model) <= MOST_WEIGHTS
    training = Training(
        model,
        train.x,
        train.y,
        validation.x,
        validation.y,
        train_examples=train.count if whole else None,
        val_examples=validation.count,
        epochs_planned=fit.get("epochs"),
        batch_size=batch if whole else DEFAULT_BATCH,
        initial=tuple(np.array(keras.ops.convert_to_numpy(w)) for w in model.weights) if keep else None,
        trained=None,
        rate_is_scheduled=True if schedule_of(getattr(model, "optimizer", None)) else None,
    )
    return LiveLook(training, notes=[note for note in (train.note, validation.note) if note])


def live_context(look: LiveLook, told: Context, steps: int | None) -> Context:
    """What the model, its examples and the call of `fit` tell the judge; what the user told comes first."""
    try:
        found = replace(context_of(look.training), steps_per_epoch=steps)
    except problems() as error:
        look.note(_no_way("background", error))
        found = Context(steps_per_epoch=steps, epochs_planned=look.training.epochs_planned)
    classes = found.num_classes or 0
    if sum(found.class_frequencies or ()) < EACH * classes or told.num_classes is not None:
        found = replace(found, class_frequencies=None)  # too few to count, or counted otherwise
    found = replace(found, num_classes=classes_of(look.training.model) or found.num_classes)
    known = {name: getattr(told, name) for name in ("num_classes", "train_examples", "val_examples")}
    return replace(found, **{name: value for name, value in known.items() if value is not None})


def classes_of(model: keras.Model) -> int | None:
    """How many classes the model's head tells apart; None where the loss is not one of classes, or not known."""
    loss = loss_name(model)
    if "categorical_crossentropy" not in loss:
        return None
    try:
        shape = model.output_shape
    except (AttributeError, ValueError):  # a subclassed model does not know it
        return None
    units = shape[-1] if isinstance(shape, tuple) and shape and not isinstance(shape[-1], tuple) else None
    return units if isinstance(units, int) and units > 1 else None


def examples(data: Any) -> Examples:
    """The examples of what `Diagnose` was given. Raises `ValueError` for a stream that can be read only once."""
    if data is None:
        return Examples()
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        return of_arrays(data[0], data[1])
    if hasattr(data, "__next__"):
        raise ValueError(
            "data is a generator that can be read only once, and the training needs it: give a batch (x, y) instead"
        )
    return of_stream(data)[0] if is_stream(data) else of_arrays(data, None)


def _no_way(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return f"the probe '{name}' found no way into this model: {type(error).__name__}: {reason}"
