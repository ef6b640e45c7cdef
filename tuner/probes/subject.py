"""What does a probe look at? A Keras model with its loss and optimizer, and a few hundred examples.

A probe never changes the model: who needs to train takes a copy (`copied`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

MOST = 512  # examples that are looked at


@dataclass(frozen=True)
class Subject:
    """A model as somebody trains it.

    Args:
        model: built; compiled where loss and optimizer are to be known.
        x: training inputs (N, ...), as the model is given them; `y` their targets as the loss is given them.
        val_x, val_y: validation data, if there is any.
        trained: whether `model` has been trained already; None where nobody knows.
        initial: the model's weights before training, in the order of `model.weights`, where they are known.
    """

    model: keras.Model
    x: NDArray[Any] | None = None
    y: NDArray[Any] | None = None
    val_x: NDArray[Any] | None = None
    val_y: NDArray[Any] | None = None
    trained: bool | None = None
    batch_size: int = 32
    initial: tuple[NDArray[Any], ...] | None = None

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Which training examples are looked at: at most `MOST`, the same ones every time, in a mixed order."""
        count = 0 if self.x is None else len(self.x)
        return np.random.default_rng(0).permutation(count)[:MOST]

    @property
    def optimizer(self) -> keras.optimizers.Optimizer | None:
        """The optimizer the model was compiled with."""
        return getattr(self.model, "optimizer", None)

    @property
    def loss(self) -> Any:
        """The loss as `compile` was given it: a name, a function, a `keras.losses.Loss`, or None."""
        return getattr(self.model, "loss", None)

    @property
    def learning_rate(self) -> float | None:
        """The rate of the next step, where the model is compiled."""
        return None if self.optimizer is None else float(np.asarray(self.optimizer.learning_rate))


def schedule_of(optimizer: Any) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """The schedule that the optimizer's rate follows, or None where it has none (callbacks are not seen here)."""
    found = getattr(optimizer, "_learning_rate", None)
    return found if isinstance(found, keras.optimizers.schedules.LearningRateSchedule) else None


def copied(model: keras.Model) -> keras.Model:
    """The same network with weights of its own (the same values), compiled alike with a fresh optimizer."""
    copy = keras.models.clone_model(model)
    if not copy.built and model.built:
        copy.build(model.input_shape)
    copy.set_weights(model.get_weights())
    for ours, theirs in zip(copy.layers, model.layers, strict=True):
        ours.trainable = theirs.trainable
    if getattr(model, "compiled", False):
        copy.compile_from_config(model.get_compile_config())
    return copy
