"""What would this optimizer do to these weights, without touching them?

The optimizer is made again from its own configuration over variables of its own (the model's values), with its slots
where it has some; gradients come from the stateless pass. So the step is the real one, for any optimizer.

Source: keras/src/optimizers/base_optimizer.py: `build`, `apply`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.probes.passes import Passes
from tuner.probes.stateless import Loss


@dataclass
class Shadow:
    """Weights that can be stepped, and the optimizer that steps them."""

    variables: list[Any]
    optimizer: keras.optimizers.Optimizer

    @property
    def values(self) -> list[Any]:
        """The weights as they are now, in the order of `model.trainable_variables`."""
        return [keras.ops.convert_to_tensor(variable.value) for variable in self.variables]

    def step(self, found: Passes, number: int) -> Loss:
        """One step on one batch; the loss before it. Variables that the loss does not reach stay as they are."""
        x, y = found.batch(number)
        loss: Loss
        loss, gradients = found.gradient_function(self.values, x, y)
        pairs = [(g, v) for g, v in zip(gradients, self.variables, strict=True) if g is not None]
        if pairs:
            filled = [
                keras.ops.zeros_like(v.value) if g is None else g
                for g, v in zip(gradients, self.variables, strict=True)
            ]
            self.optimizer.apply(filled)
        return loss


def shadow(found: Passes, factor: float = 1.0, start: Sequence[Any] | None = None, slots: bool = True) -> Shadow | None:
    """The subject's weights (or `start`) under its own optimizer at `factor` times its rate; None without an optimizer.

    With a schedule the rate is that of the moment, held.
    """
    subject = found.subject
    if subject.optimizer is None or not found.model.trainable_variables:
        return None
    real = getattr(subject.optimizer, "inner_optimizer", subject.optimizer)
    values = start or [variable.value for variable in found.model.trainable_variables]
    variables = [
        keras.Variable(np.array(keras.ops.convert_to_numpy(value)), dtype=theirs.dtype, name=theirs.name)
        for value, theirs in zip(values, found.model.trainable_variables, strict=True)
    ]
    made = real.get_config() | {"learning_rate": _rate(real) * factor}
    made |= {name: None for name in ("gradient_accumulation_steps", "loss_scale_factor") if name in made}
    optimizer = type(real).from_config(made)
    optimizer.build(variables)
    if slots and real.built and [v.shape for v in real.variables] == [v.shape for v in optimizer.variables]:
        for ours, theirs in zip(optimizer.variables, real.variables, strict=True):
            if theirs.path.split("/")[-1] != "learning_rate":
                ours.assign(theirs.value)
    return Shadow(variables, optimizer)


def _rate(optimizer: Any) -> float:
    rate = float(np.asarray(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return rate if math.isfinite(rate) else 0.0
