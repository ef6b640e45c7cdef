"""What do the logs of a training say so far? Epochs and steps, as a callback is told them, as learning curves.

Keras tells a callback the mean loss of the epoch so far; the loss of a step is what that mean moved by. Steps of a long
training are thinned to a few thousand means of neighbours, so that what they cost does not grow.

Source: keras.metrics.Mean, which Keras's own `train_step` keeps the loss in and resets at each epoch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tuner.symptoms.readers import Choice, Reading, read_data

MOST_STEPS = 2048  # kept; when there are so many, two neighbours become one
RATE = "learning_rate"


@dataclass
class LiveCurves:
    """The columns of a training that is going on, one row an epoch, and the losses of its steps."""

    source: str
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    epochs: int = 0
    steps: list[float] = field(default_factory=list)
    stride: int = 1  # steps that one entry of `steps` is the mean of
    pending: dict[int, float] = field(default_factory=dict)  # batch -> mean so far: of the epoch under way

    def step(self, batch: int, mean: float) -> None:
        """The mean loss of the epoch after its batch number `batch`, counted from 0; in any order."""
        self.pending[batch] = mean

    def epoch(self, logs: Mapping[str, Any], rate: float | None) -> None:
        """The end of an epoch, with its logs and the learning rate at that time."""
        row = {
            name: float(value) for name, value in logs.items() if hasattr(value, "__float__") and np.ndim(value) == 0
        }
        if rate is not None:
            row.setdefault(RATE, rate)
        for name in row.keys() - self.columns.keys():
            self.columns[name] = [None] * self.epochs
        for name, column in self.columns.items():
            column.append(row.get(name))
        self.epochs += 1
        self.settle()

    def settle(self) -> None:
        """Means of the epoch under way become losses of steps."""
        self.steps += _thinned(losses_of_steps(self.pending), self.stride)
        self.pending = {}
        while len(self.steps) > MOST_STEPS:
            self.steps, self.stride = _thinned(self.steps, 2), 2 * self.stride

    def reading(self) -> Reading:
        """The curves of the epochs so far. Raises `ReadError` where the logs hold neither a loss nor an accuracy."""
        reading = read_data(self.columns, self.source, Choice())
        return replace(reading, curves=replace(reading.curves, step_loss=tuple(self.steps)))


def losses_of_steps(means: Mapping[int, float]) -> list[float]:
    """Losses of single steps from running means, by the number of the batch after which each was taken.

    Where several steps ran at once (`steps_per_execution`) there is one loss for all of them. From the first mean on
    that is not finite none is known but this.
    """
    losses: list[float] = []
    before, total = 0, 0.0
    for batch, mean in sorted(dict(means).items()):  # a copy: another thread may be writing
        if not math.isfinite(mean):
            return [*losses, mean]
        count = batch + 1
        losses.append((mean * count - total) / (count - before))
        before, total = count, mean * count
    return losses


def _thinned(values: list[float], stride: int) -> list[float]:
    """Means of `stride` neighbours each; what is left over at the end is a mean of fewer."""
    if stride == 1:
        return values
    parts = [values[begin : begin + stride] for begin in range(0, len(values), stride)]
    return [sum(part) / len(part) for part in parts]
