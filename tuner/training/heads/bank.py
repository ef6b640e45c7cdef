"""What is a bank of heads? K heads on the same features, which take their steps together.

There are two: one in NumPy, and one in Keras for accelerators. The driver feeds both the same batches, learning rates
and random numbers, so both train the same heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.hyperparameters import Hyperparameters

Array = NDArray[Any]


@dataclass(frozen=True)
class Start:
    """Where one head begins."""

    weights: Sequence[Array]  # as Keras orders them: hidden kernel, hidden bias, dropout rate, kernel, bias
    state: Sequence[Array] = ()  # of its optimizer, as `Bank.state` gave it; empty for one that has not taken a step


@dataclass(frozen=True)
class Plan:
    """K heads side by side; heads of one dropout rate, and within it of one update rule, are neighbors."""

    points: tuple[Hyperparameters, ...]
    starts: tuple[Start, ...]  # one a head
    width: int  # D, features of an image
    num_classes: int  # C

    @property
    def hidden(self) -> int:
        """H, units of the hidden layer; 0 if there is none."""
        return self.points[0].head_units[0] if self.points[0].head_units else 0

    @property
    def dropped(self) -> int:
        """How many values an image has where dropout acts: in front of the last layer."""
        return self.hidden or self.width


class Bank(Protocol):
    """K heads that train together."""

    at_once: int  # how many steps it likes to be given together

    def steps(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """S training steps of every head, one after the other; 1 <= S <= `at_once`.

        Args:
            features: (S, B, D) float32.
            labels: (S, B) int32, class numbers.
            weights: (S, B) float32, of the examples in the loss; 0 for what only fills the batch up.
            rates: (S, K) float32, each head's learning rate.
            uniform: (S, B, `plan.dropped`) float32 in [0, 1): a value is kept by a head whose dropout rate is at most
                that; None if no head drops anything.

        Returns the loss (S, K) in nats (plain cross-entropy of the examples that count) and the accuracy (S, K), of
        each batch before its step.
        """
        ...

    def step(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """One step: `steps` without the first axis, of arguments and results."""
        ...

    def scores(self, features: Array) -> Array:
        """Logits (K, N, C), float32, in inference mode."""
        ...

    def head(self, place: int) -> list[Array]:
        """A copy of one head's weights, in the order of `Start.weights`."""
        ...

    def state(self, place: int) -> list[Array]:
        """A copy of one head's optimizer state: the steps taken, then each slot in the order of kernels and biases."""
        ...


def neighbors(values: Sequence[object]) -> list[tuple[int, int]]:
    """The runs [begin, end) of equal neighbors."""
    cuts = [place for place in range(1, len(values)) if values[place] != values[place - 1]]
    return list(zip([0, *cuts], [*cuts, len(values)], strict=True))


def trained(weights: Sequence[Array]) -> list[Array]:
    """Kernels and biases among the weights of a head, each kernel (rows, columns) followed by its bias (columns,)."""
    return [np.asarray(value, np.float32) for value in weights if np.ndim(value)]


def with_rate(values: Sequence[Array], rate: float) -> list[Array]:
    """The inverse of `trained`: the dropout rate stands in front of the last kernel, as in Keras's order."""
    return [*values[:-2], np.array(rate, np.float32), *values[-2:]]
