"""How is a training step taken, so that it costs its arithmetic and nothing beside it?

Keras's `train_on_batch` waits for every loss, which leaves an accelerator idle between two steps; on JAX it also takes
every variable apart and puts it together again. Here a step returns while its loss may still be computed, and on JAX
the state stays with the step function until the epoch ends. The compiled step is Keras's own.

Source: keras 3.15.1, src/backend/{tensorflow,jax}/trainer.py: `fit` does the same.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.training.batches import Batch
from tuner.training.family import Family

SECONDS = 0.1  # between two looks at what the steps returned: no person sees a bar move faster
MOST_AHEAD = 32  # steps that may be asked for before their results are looked at: their batches lie in memory

Step = Callable[[Batch, float], Mapping[str, Any]]  # a batch and its learning rate -> loss and accuracy, scalars


@dataclass(frozen=True)
class Taken:
    """A step that was asked for."""

    result: Mapping[str, Any]
    rate: float
    count: int  # examples

    def figures(self) -> tuple[float, float]:
        """Loss and accuracy; waits for them."""
        loss, accuracy = (np.asarray(self.result[name]) for name in ("loss", "accuracy"))
        return float(loss), float(accuracy)


class Ahead:
    """The steps whose results nobody has looked at, oldest first."""

    def __init__(self) -> None:
        self.steps: deque[Taken] = deque()
        self._looked = time.monotonic()

    def __len__(self) -> int:
        return len(self.steps)

    def due(self) -> bool:
        """Whether it is time to look."""
        return len(self.steps) >= MOST_AHEAD or time.monotonic() - self._looked >= SECONDS

    def drained(self) -> Iterator[Taken]:
        """The steps, taken out one by one."""
        while self.steps:
            yield self.steps.popleft()
        self._looked = time.monotonic()


@contextmanager
def stepping(family: Family) -> Iterator[Step]:
    """A function that takes one training step of `family`. On leaving, its variables are what the last step made."""
    backend = keras.backend.backend()
    family.trainee.make_train_function()
    if backend == "jax":
        with _on_jax(family) as step:
            yield step
    else:
        yield _plain(family) if backend == "tensorflow" else _waiting(family)


def _set_rate(family: Family) -> Callable[[float], None]:
    last = None

    def assign(rate: float) -> None:
        nonlocal last
        if rate != last:
            family.optimizer.learning_rate = last = rate

    return assign


def _plain(family: Family) -> Step:
    assign = _set_rate(family)

    def step(batch: Batch, rate: float) -> Mapping[str, Any]:
        assign(rate)
        found: Mapping[str, Any] = family.trainee.train_function(iter([(batch.inputs, batch.labels, batch.weights)]))
        return found

    return step


def _waiting(family: Family) -> Step:
    """By the call that every backend has."""
    assign = _set_rate(family)

    def step(batch: Batch, rate: float) -> Mapping[str, Any]:
        assign(rate)
        found: Mapping[str, Any] = family.trainee.train_on_batch(
            batch.inputs, batch.labels, batch.weights, return_dict=True
        )
        return found

    return step


@contextmanager
def _on_jax(family: Family) -> Iterator[Step]:
    """The step function consumes the state and returns the next; the variables get theirs back at the end."""
    trainee = family.trainee
    metrics: list[keras.Variable] = []  # `Trainee` has none
    groups = (trainee.trainable_variables, trainee.non_trainable_variables, trainee.optimizer.variables, metrics)
    state = tuple([variable.value for variable in group] for group in groups)
    place = next(i for i, variable in enumerate(groups[2]) if variable.name == "learning_rate")
    last = None

    def step(batch: Batch, rate: float) -> Mapping[str, Any]:
        nonlocal state, last
        if rate != last:
            state[2][place] = keras.ops.convert_to_tensor(rate, groups[2][place].dtype)
            last = rate
        result, state = trainee.train_function(state, iter([(batch.inputs, batch.labels, batch.weights)]))
        return dict(result)

    try:
        yield step
    finally:
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
