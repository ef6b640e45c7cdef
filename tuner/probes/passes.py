"""What do a few forward and backward passes give? Taken once for a subject, and shared by all probes on signals.

Gradients are those of the compiled loss in training mode, over several batches; weights are those of the moment.

Source: CS231n, neural-networks-3; none of the numbers is judged here.
"""

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.probes import forward, losses, targets_kind
from tuner.probes.outputs import Output, outputs
from tuner.probes.recording import leaves
from tuner.probes.stateless import Loss, compiled_loss, gradient_function, loss, problems, taken, values_of
from tuner.probes.subject import Subject

BATCHES = 6  # over which gradients are taken
SECONDS = 4.0  # after which no further batch is begun
LARGEST_BATCH = 256
TABLES = ("Embedding", "Normalization")  # no kernel: a batch touches a few rows of it


@dataclass(frozen=True)
class Weights:
    """One kernel (any variable of two or more dimensions), and its gradient over the batches."""

    path: str
    layer: str
    kind: str  # class name of the layer
    shape: tuple[int, ...]
    parameters: int
    trainable: bool
    table: bool  # an embedding
    head: bool  # the last kernel before an output of the model
    norm: float  # root mean square of the values
    gradient: float  # root mean square over values and batches; NaN where frozen or not known
    silent: bool  # trainable, and its gradient was exactly zero, or not there, in every batch

    @property
    def relative(self) -> float:
        """Gradient over weight: by which share of itself the kernel is asked to change; NaN for zeros."""
        return self.gradient / self.norm if self.norm > 0 else math.nan


class Passes:
    """What is known of a subject's signals; each part is computed when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.model = subject, subject.model

    @cached_property
    def batches(self) -> list[NDArray[np.intp]]:
        """Rows of the sample, batch by batch; at least one, all of one size."""
        rows = np.random.default_rng(0).permutation(forward.length(self.subject.x))[:512]
        size = max(1, min(self.subject.batch_size, LARGEST_BATCH, len(rows)))
        return [rows[i : i + size] for i in range(0, len(rows) - size + 1, size)]

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The whole sample."""
        return np.concatenate(self.batches)

    def batch(self, number: int) -> tuple[Any, Any]:
        """Inputs and targets of one batch; the numbers wrap around."""
        rows = self.batches[number % len(self.batches)]
        return taken(self.subject.x, rows), taken(self.subject.y, rows)

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """Every layer's output; empty where the model cannot take the data."""
        try:
            return outputs(self.model, self.subject.x, self.rows)
        except problems():
            return ()

    @cached_property
    def gradient_function(self) -> Any:
        """(values, x, y) -> loss and gradients; compiled once where the backend compiles."""
        return gradient_function(self.model)

    @cached_property
    def backward(self) -> tuple[tuple[Loss, ...], tuple[NDArray[Any] | None, ...]]:
        """Loss of each batch, and each trainable variable's gradients as (sum of squares over batches, batches)."""
        found: list[Loss] = []
        squares: list[Any] = [None] * len(self.model.trainable_variables)
        values, begun = values_of(self.model), time.monotonic()
        for number in range(min(BATCHES, len(self.batches))):
            one, gradients = self.gradient_function(values, *self.batch(number))
            found.append(one)
            for place, gradient in enumerate(gradients):
                if gradient is not None:
                    mean = np.mean(np.square(keras.ops.convert_to_numpy(gradient).astype("float64")))
                    squares[place] = mean if squares[place] is None else squares[place] + mean
            if time.monotonic() - begun > SECONDS:
                break
        return tuple(found), tuple(squares)

    @cached_property
    def weights(self) -> tuple[Weights, ...]:
        """Every kernel in the order of the calls."""
        order = {output.layer: place for place, output in enumerate(self.outputs)}
        layers = sorted(leaves(self.model), key=lambda layer: order.get(layer.name, len(order)))
        count, squares = len(self.backward[0]), self.backward[1]
        gradient = {v.path: s for v, s in zip(self.model.trainable_variables, squares, strict=True)}
        trainable = {v.path for v in self.model.trainable_variables}
        heads, found = self.heads, []
        for layer in layers:
            for variable in layer.weights:
                if len(variable.shape) < 2 or (type(layer).__name__ in TABLES and not layer.trainable):
                    continue
                found.append(_weights(layer, variable, gradient, trainable, count, layer.name in heads))
        return tuple({w.path: w for w in found}.values())

    @cached_property
    def heads(self) -> set[str]:
        """Names of the layers that hold the last kernel before an output."""
        owners = {layer.name for layer in leaves(self.model) if any(len(v.shape) > 1 for v in layer.weights)}
        found, last = set(), ""
        for output in self.outputs:
            last = output.layer if output.layer in owners else last
            if output.head:
                found.add(last)
        return found or {last}

    @cached_property
    def quality(self) -> float:
        """How much better than a constant answer on the training sample: 1 perfect, 0 no better; NaN where unknown."""
        names = list(getattr(self.model, "output_names", ["output"]))
        if len(names) != 1:
            return math.nan
        read = losses.of_outputs(self.subject.loss, names)[0]
        wanted = taken(self.subject.y, self.rows)
        found = forward.answers(self.model, taken(self.subject.x, self.rows))
        return math.nan if not found else forward.quality(found[0], wanted, targets_kind.describe(wanted), read)

    def loss(self, training: bool, others: Any = None) -> Loss:
        """Mean loss over the batches at the weights of the moment."""
        found = [
            loss(self.model, None, *self.batch(i), training, others) for i in range(min(BATCHES, len(self.batches)))
        ]
        return Loss(float(np.mean([f.total for f in found])), float(np.mean([f.data for f in found])))


def passes(subject: Subject) -> Passes | None:
    """The passes of a subject; None where it has no loss, no data, or the three do not fit together."""
    if "_passes" not in subject.__dict__:
        subject.__dict__["_passes"] = _tried(subject)  # as `cached_property` does: the fields stay frozen
    found: Passes | None = subject.__dict__["_passes"]
    return found


def _tried(subject: Subject) -> Passes | None:
    if subject.y is None or not forward.length(subject.x) or not compiled_loss(subject.model):
        return None
    found = Passes(subject)
    try:
        return found if found.backward and found.weights and found.outputs else None
    except problems():
        return None


def _weights(
    layer: Any, variable: Any, squares: dict[str, Any], trainable: set[str], count: int, head: bool
) -> Weights:
    values = np.asarray(keras.ops.convert_to_numpy(variable.value)).astype("float64")
    moves = variable.path in trainable
    square = squares.get(variable.path)
    gradient = math.nan if not moves else 0.0 if square is None else math.sqrt(square / count)
    return Weights(
        path=variable.path,
        layer=layer.name,
        kind=type(layer).__name__,
        shape=tuple(variable.shape),
        parameters=values.size,
        trainable=moves,
        table=type(layer).__name__ in TABLES,
        head=head,
        norm=float(np.sqrt(np.mean(np.square(values)))),
        gradient=gradient,
        silent=moves and gradient == 0.0,
    )
