"""What does L-BFGS need to know of a model? What its loss is at any weights, and how it slopes there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Look:
    """The training images, seen at one place."""

    objective: float  # what is minimized, in nats, without the l1 penalty
    slope: Array  # (P,), its gradient
    loss: float  # plain cross-entropy of the images that count, in nats
    accuracy: float  # in [0, 1]


class Objective(Protocol):
    """A model whose P numbers are free; how they are made from its weights is its own affair."""

    @property
    def start(self) -> Array:
        """(P,) float64: where the search begins."""
        ...

    @property
    def absolute(self) -> Array | None:
        """(P,), what a unit of |x| costs at each place (the l1 penalty), in nats; None if it is 0 everywhere."""
        ...

    def look(self, x: Array) -> Look:
        """The training images at `x`."""
        ...

    def scores(self, x: Array) -> Array:
        """Scores (N, C) of the validation images at `x`."""
        ...

    def weights(self, x: Array) -> dict[str, Sequence[np.ndarray]]:
        """A copy of what a checkpoint keeps of the model at `x`, by part."""
        ...
