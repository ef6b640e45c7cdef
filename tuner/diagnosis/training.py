"""What is known of a training that somebody else set up? The model, the examples, and what its epochs showed.

Programs, model files and calls from Python all end in one `Training`; what is diagnosed is always that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.probes import Subject
from tuner.records import LearningCurves
from tuner.symptoms.readers import Choice, Reading, read_data

MOST_CLASSES = 10_000  # columns of one-hot targets


@dataclass(frozen=True)
class Training:
    """One training run of a Keras model, as somebody set it up.

    Args:
        model: as it is after the run, or as it was handed over where nothing was run.
        x, y, val_x, val_y: examples as the model is given them; None where there are none or several inputs.
        train_examples, val_examples: how many there were in all; the arrays may hold only the first of them.
        history: column -> one value an epoch, None where nothing was measured; columns named as Keras names them,
            and none of them where nothing was trained.
        initial: the weights before the run, in the order of `model.weights`, where the run began with fresh ones.
        trained: whether the model has been trained; None where nobody knows.
        failure: where and why the run ended before its time; empty if it did not.
    """

    model: keras.Model
    x: NDArray[Any] | None = None
    y: NDArray[Any] | None = None
    val_x: NDArray[Any] | None = None
    val_y: NDArray[Any] | None = None
    train_examples: int | None = None
    val_examples: int | None = None
    history: Mapping[str, tuple[float | None, ...]] | None = None
    epochs_planned: int | None = None
    batch_size: int = 32
    class_weight: Mapping[int, float] | None = None
    initial: tuple[NDArray[Any], ...] | None = None
    trained: bool | None = None
    rate_is_scheduled: bool | None = None
    stops_early: bool = False  # it ends by itself, and the best epoch's weights are put back
    rehearsed: bool = False  # the epochs were run by this tool, and it chose how many
    failure: str = ""
    notes: tuple[str, ...] = ()


def subject_of(training: Training) -> Subject:
    """What the probes look at."""
    return Subject(
        training.model,
        training.x,
        training.y,
        training.val_x,
        training.val_y,
        trained=training.trained,
        batch_size=training.batch_size,
        initial=training.initial,
    )


def reading_of(training: Training, source: str) -> Reading | None:
    """The curves of its epochs, or None where none was finished.

    Of a model with several outputs without accuracies: each is that of one output, and the loss is the sum of all.
    """
    columns = {name: list(values) for name, values in (training.history or {}).items() if values}
    if len(getattr(training.model, "output_names", None) or ()) > 1:
        columns = {name: values for name, values in columns.items() if "acc" not in name}
    if not any("loss" in name for name in columns):
        return None
    weight = mean_weight(training)
    if weight != 1.0 and "loss" in columns:
        columns["loss"] = [None if value is None else value / weight for value in columns["loss"]]
    return read_data(columns, source, Choice())


def mean_weight(training: Training) -> float:
    """By how much `class_weight` lifts the training loss, which it does not do to the validation loss; 1 without it."""
    weighed = weights_of(training)
    mean = sum(weight * count for weight, count in weighed) / (sum(count for _, count in weighed) or 1)
    return mean if np.isfinite(mean) and mean > 0 else 1.0


def weights_of(training: Training) -> list[tuple[float, int]]:
    """The `class_weight` of each class that occurs in training, with its number of examples; none without weights."""
    weights, y = training.class_weight, training.y
    if not weights or y is None or not len(y) or y.size > len(y) * MOST_CLASSES:
        return []
    labels = y.reshape(len(y), -1)
    classes = labels.argmax(1) if labels.shape[1] > 1 else labels[:, 0]
    found, counts = np.unique(classes, return_counts=True)
    return [(float(weights.get(int(c), 1.0)), int(n)) for c, n in zip(found, counts, strict=True)]


def curves_of(training: Training, source: str) -> LearningCurves | None:
    """As `reading_of`, without the names of the columns."""
    reading = reading_of(training, source)
    return reading.curves if reading is not None else None


def size_of(model: keras.Model) -> int:
    """How many numbers the model's weights hold; 0 while it is not built."""
    return sum(int(np.prod(weight.shape)) for weight in model.weights) if model.built else 0
