"""How does a compiled training step give the gradient of all images? Its optimizer adds gradients, and moves nothing.

So L-BFGS sees a Keras model through the very step that every other trial takes, on any backend, compiled once.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class Collecting(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Each step adds `learning_rate` (a batch's share of all images) times the gradient to what was collected."""

    def __init__(self, learning_rate: float = 1.0, weight_decay: float | None = None) -> None:
        """`weight_decay` is held for `make_optimizer`; no weight decays here."""
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, name="collecting")

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """A place like each variable."""
        if self.built:
            return
        super().build(variables)
        self.collected = self.add_optimizer_variables(variables, "collected")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's share."""
        place = self.collected[self._get_variable_index(variable)]
        self.assign_add(place, ops.cast(gradient, place.dtype) * ops.cast(learning_rate, place.dtype))

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        """Nothing."""
