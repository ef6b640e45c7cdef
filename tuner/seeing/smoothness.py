"""How far does the gradient hold? During a short plain descent: losses and gradients some way along the gradient.

At chosen steps the batch's loss and gradient are taken again at several lengths along the negative gradient. Where the
loss covers a wide range, or the gradient turns, a step cannot be trusted. Everything is in training mode, with batch
statistics; the descent is plain (weights less rate times gradient), so that only the network is compared.

Source: Santurkar et al. 2018, arXiv 1805.11604, section 3.1, figure 4: lengths from half to four times the rate.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tuner import models
from tuner.data import Problem
from tuner.interrupts import StopFlag
from tuner.probes.stateless import gradient_function, values_of
from tuner.progress import Progress
from tuner.records import Trial
from tuner.store import Store
from tuner.training.asked import first_seed
from tuner.training.families import build
from tuner.training.views import split_features

Array = NDArray[Any]
Gradient = Callable[[Sequence[Any], Any, Any], tuple[Any, list[Any]]]  # values, inputs, labels -> loss, gradients

FILE = "smoothness.json"  # the artifact of a run
LENGTHS = (0.5, 1.0, 2.0, 3.0, 4.0)  # of a step, in rates; the paper's range
STEPS, EVERY = 40, 4  # of the descent, and from one look to the next
BATCH = 64  # examples
SECONDS = 90.0  # after which no further look is taken
FIRST_RATE, LEAST_RATE = 1.0, 1e-6  # halved from the first until one step makes the first batch's loss fall


@dataclass(frozen=True)
class Look:
    """What lies along the gradient at one step; lists have one entry a length."""

    step: int
    loss: float  # of the batch, nats, training mode
    gradient: float  # l2 length over all trainable weights
    losses: tuple[float, ...]
    changes: tuple[float, ...]  # l2 distance of the gradient there from the gradient here


@dataclass(frozen=True)
class WayDown:
    """A short descent and what was seen on it."""

    trial: int
    part: str  # head | trained | all
    rate: float
    lengths: tuple[float, ...]  # in rates
    batch: int
    steps: tuple[Look, ...]
    seconds: float


def look(gradient: Gradient, values: Sequence[Any], x: Any, y: Any, rate: float, step: int) -> tuple[Look, list[Any]]:
    """What lies along the gradient at `values` on one batch, and that gradient (zeros where there is none)."""
    here, own = _taken(gradient, values, x, y)
    losses, changes = [], []
    for length in LENGTHS:
        there, other = _taken(gradient, moved(values, own, length * rate), x, y)
        losses.append(there)
        changes.append(_long([a - b for a, b in zip(other, own, strict=True)]))
    return Look(step, here, _long(own), tuple(losses), tuple(changes)), own


def descent(
    gradient: Gradient,
    values: Sequence[Any],
    batches: Sequence[tuple[Any, Any]],
    rate: float,
    steps: int,
    every: int,
    progress: Progress,
    stop: StopFlag,
) -> tuple[Look, ...]:
    """Looks at every so many steps of a plain descent from `values`; batches come in turn.

    Ends early where the loss is not finite, or after `SECONDS`. Raises `Interrupted` when a stop was asked for.
    """
    found: list[Look] = []
    began = perf_counter()
    progress.start("along the gradient", steps, "steps")
    try:
        for step in range(steps):
            stop.check()
            x, y = batches[step % len(batches)]
            if step % every == 0:
                seen, own = look(gradient, values, x, y, rate, step + 1)
                found.append(seen)
                loss = seen.loss
            else:
                loss, own = _taken(gradient, values, x, y)
            progress.advance(1, f"loss {loss:.3g}")
            if not math.isfinite(loss) or perf_counter() - began > SECONDS:
                break
            values = moved(values, own, rate)
    finally:
        progress.end()
    return tuple(found)


def workable_rate(gradient: Gradient, values: Sequence[Any], x: Any, y: Any) -> float:
    """The largest of 1, 1/2, 1/4, ... at which one step makes the loss of the batch fall."""
    here, own = _taken(gradient, values, x, y)
    rate = FIRST_RATE
    while rate > LEAST_RATE and not _taken(gradient, moved(values, own, rate), x, y)[0] < here:
        rate /= 2
    return rate


def beta(seen: Look, rate: float) -> float:
    """The paper's effective beta: the largest change of the gradient over the length of the step."""
    return max(c / (n * rate * seen.gradient) for c, n in zip(seen.changes, LENGTHS, strict=True))


def of_trial(problem: Problem, run: Store, trial: Trial, whole: bool = False) -> WayDown:
    """The way down from the first weights of a trial's network, by what trains in it; `whole`: by all of it."""
    began, seed = perf_counter(), first_seed(run, trial.spec)
    structure = models.structure_of(trial.hyperparameters)
    if whole:
        structure = dataclasses.replace(structure, trainable="all")
    classifier, labels = build(problem, structure, seed), np.asarray(problem.dataset.train.labels)
    network, inputs = _sees(problem, run, structure, classifier, seed)
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=classifier.from_logits)
    network.compile(loss=keras_loss, jit_compile=problem.recipe.runtime.jit_compile)
    size = min(BATCH, len(labels))
    begins = range(0, min(len(labels), STEPS * size) - size + 1, size)
    batches = [(np.asarray(inputs[n : n + size], np.float32), labels[n : n + size]) for n in begins]
    gradient, values = gradient_function(network), values_of(network)
    rate = workable_rate(gradient, values, *batches[0])
    seen = descent(gradient, values, batches, rate, STEPS, EVERY, run.progress, run.stop)
    part = "all" if whole else "head" if network is classifier.head else "trained"
    return WayDown(trial.number, part, rate, LENGTHS, size, seen, perf_counter() - began)


def _sees(
    problem: Problem, run: Store, structure: models.Structure, classifier: models.Classifier, seed: int
) -> tuple[keras.Model, Array]:
    """The network that descends and its inputs: a head and its features, or the whole and images."""
    if structure.trainable == "none" and classifier.head is not None:
        return classifier.head, split_features(problem, run, seed, structure, "train")
    return classifier.model, problem.dataset.train.images


def moved(values: Sequence[Any], gradients: Sequence[Any], length: float) -> list[Any]:
    """`values - length * gradients`."""
    return [value - ops.cast(length * way, value.dtype) for value, way in zip(values, gradients, strict=True)]


def _taken(gradient: Gradient, values: Sequence[Any], x: Any, y: Any) -> tuple[float, list[Any]]:
    found, gradients = gradient(values, x, y)
    ways = [ops.zeros_like(v) if g is None else g for v, g in zip(values, gradients, strict=True)]
    return found.total, ways


def _long(gradients: Sequence[Any]) -> float:
    squares = [float(ops.convert_to_numpy(ops.sum(ops.square(ops.cast(g, "float32"))))) for g in gradients]
    return math.sqrt(sum(squares))
