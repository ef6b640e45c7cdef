"""What did a program's function hand over? A model, its data, a history; or nothing, because it called `fit` itself.

What was seen while it ran counts first; what it returns fills in the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.examples import Examples, is_stream, of_arrays, of_stream
from tuner.diagnosis.recording import Record, training_of
from tuner.diagnosis.training import Training

FORMS = "a compiled model, (model, x, y), (model, (x, y), (val_x, val_y)), (model, data, history), a dict or a History"
TRAIN_KEYS = (("x", "y"), ("x_train", "y_train"), ("train_x", "train_y"))
VALIDATION_KEYS = (("val_x", "val_y"), ("x_val", "y_val"), ("x_test", "y_test"))


@dataclass(frozen=True)
class Returned:
    """What was found in a return value."""

    model: keras.Model | None = None
    train: Examples = field(default_factory=Examples)
    validation: Examples = field(default_factory=Examples)
    history: Mapping[str, tuple[float, ...]] | None = None
    epochs: int | None = None
    batch_size: int | None = None


def training_from(value: Any, record: Record, failure: str, what: str) -> Training:
    """The training to diagnose, of what a program returned and what was seen. Raises `DiagnosisError`."""
    seen, returned = training_of(record), read(value)
    if seen is not None and (returned.model is None or returned.model is seen.model):
        filled = _filled(seen, returned)
        return filled if filled.failure or not failure else replace(filled, notes=(*filled.notes, _after(failure)))
    if returned.model is not None:
        empty = Training(
            returned.model,
            batch_size=returned.batch_size or 32,
            trained=None if returned.history is None else True,
        )
        return _filled(empty, returned)
    if failure:
        raise DiagnosisError(f"{what}: the program failed before it called fit: {failure}")
    if value is not None:
        raise DiagnosisError(f"{what}: the function returned a {type(value).__name__}; wanted {FORMS}.")
    raise DiagnosisError(
        f"{what}: the program ended without a call of Model.fit; train_on_batch and training loops of one's own are "
        "not recorded. Name a function that returns a compiled model and its data: tuner diagnose file.py:function."
    )


def _after(failure: str) -> str:
    return f"after training the program failed, which changes nothing here: {failure}"


def read(value: Any) -> Returned:
    """Whatever can be recognized in a return value."""
    if isinstance(value, keras.Model):
        return Returned(value)
    if isinstance(value, keras.callbacks.History):
        return Returned(value.model, history=history_of(value))
    if isinstance(value, Mapping):
        return _of_dict(value)
    if isinstance(value, tuple | list):
        return _of_tuple(list(value))
    return Returned()


def history_of(value: Any) -> dict[str, tuple[float, ...]] | None:
    """A history's columns, from a `History` or a dict of lists; None for anything else."""
    columns = value.history if isinstance(value, keras.callbacks.History) else value
    if not isinstance(columns, Mapping) or not any("loss" in str(name) for name in columns):
        return None
    return {str(name): tuple(float(v) for v in values) for name, values in columns.items() if np.ndim(values) == 1}


def _of_tuple(items: list[Any]) -> Returned:
    found = Returned()
    loose: list[Any] = []  # x, y, val_x, val_y one after another
    pairs: list[Examples] = []
    for item in items:
        if isinstance(item, keras.Model):
            found = replace(found, model=item)
        elif (history := history_of(item)) is not None:
            found = replace(found, history=history, model=found.model or getattr(item, "model", None))
        elif isinstance(item, tuple) and len(item) in (2, 3):
            pairs.append(of_arrays(item[0], item[1]))
        elif item is not None and is_stream(item):
            pairs.append(of_stream(item)[0])
        elif item is not None:
            loose.append(item)
    pairs += [of_arrays(*loose[index : index + 2]) for index in range(0, len(loose) - 1, 2)]
    pairs += [Examples(), Examples()]
    return replace(found, train=pairs[0], validation=pairs[1])


def _of_dict(value: Mapping[str, Any]) -> Returned:
    if history_of(value) is not None and "model" not in value:
        return Returned(history=history_of(value))

    def pair(names: tuple[tuple[str, str], ...], whole: tuple[str, ...]) -> Examples:
        for key in whole:
            if value.get(key) is not None:
                data = value[key]
                return of_stream(data)[0] if is_stream(data) else of_arrays(*tuple(data)[:2])
        for x, y in names:
            if value.get(x) is not None:
                return of_stream(value[x])[0] if is_stream(value[x]) else of_arrays(value[x], value.get(y))
        return Examples()

    history = value.get("history")
    return Returned(
        value.get("model", getattr(history, "model", None)),
        pair(TRAIN_KEYS, ("data", "train")),
        pair(VALIDATION_KEYS, ("validation_data", "validation", "val")),
        None if history is None else history_of(history),
        value.get("epochs"),
        value.get("batch_size"),
    )


def _filled(training: Training, returned: Returned) -> Training:
    """The training, with what was returned where nothing is known."""
    train, validation = returned.train, returned.validation
    notes = tuple(note for note in (train.note, validation.note) if note and training.x is None)
    if training.x is None and train.count is not None:
        training = replace(training, x=train.x, y=train.y, train_examples=train.count)
    if training.val_x is None and validation.count is not None:
        training = replace(training, val_x=validation.x, val_y=validation.y, val_examples=validation.count)
    return replace(
        training,
        history=training.history or returned.history,
        epochs_planned=training.epochs_planned or returned.epochs,
        notes=training.notes + notes,
    )


def given(model: keras.Model, data: Any, validation_data: Any, history: Mapping[str, Any] | None) -> Training:
    """The training of a model that somebody holds in hand. Raises `DiagnosisError` for data of another form."""
    examples = [Examples(), Examples()]
    for place, part in enumerate((data, validation_data)):
        if part is not None and is_stream(part):
            examples[place] = of_stream(part)[0]
        elif isinstance(part, tuple | list) and len(part) in (2, 3):
            examples[place] = of_arrays(part[0], part[1])
        elif part is not None:
            raise DiagnosisError(f"data is a {type(part).__name__}; wanted (x, y) or a data set of batches.")
    columns = None if history is None else history_of(history)
    steps = getattr(getattr(model, "optimizer", None), "iterations", None)
    stepped = steps is not None and int(keras.ops.convert_to_numpy(steps)) > 0
    empty = Training(
        model,
        batch_size=examples[0].batch_size or 32,
        epochs_planned=None if columns is None else max(map(len, columns.values())),
        trained=True if columns or stepped else None,
    )
    return _filled(empty, Returned(model, examples[0], examples[1], columns))
