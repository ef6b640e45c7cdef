"""What is the loss of a Keras model on all its images, and its slope? From the compiled step that other trials take.

The step's optimizer only collects gradients (`Collecting`); each batch counts by its share of the images. The loss
itself is taken from the scores of all images, in float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.models import RateDropout
from tuner.models.errors import ModelError
from tuner.models.fresh import leaves
from tuner.training.batches import Examples, epoch_of
from tuner.training.checkpoints import copied
from tuner.training.course import Course
from tuner.training.family import Family
from tuner.training.lbfgs.objective import Array, Look
from tuner.training.scores import log_probabilities
from tuner.training.stepping import stepping
from tuner.training.variables import value_of

MOST_PARAMETERS = 2_000_000  # that train: with 20 pairs of steps and gradients in float64, 700 MB
MOST_IMAGES = (
    50_000  # of an iteration; with more, an epoch of small steps has arrived before the first large one is taken
)


@dataclass(frozen=True)
class Net:
    """A model in the variables of a family; see `tuner.training.lbfgs.objective.Objective`."""

    family: Family
    course: Course
    stop: StopFlag

    @property
    def point(self) -> Hyperparameters:
        """What is asked for."""
        return self.course.spec.hyperparameters

    @property
    def kernels(self) -> Sequence[keras.Variable]:
        """What l1 and l2 penalize."""
        return self.family.trainee.penalized

    @property
    def trained(self) -> list[keras.Variable]:
        """The variables whose numbers are free."""
        found: list[keras.Variable] = self.family.trainee.trainable_variables
        return found

    @property
    def start(self) -> Array:
        """See `Objective.start`."""
        return _flat([value_of(variable) for variable in self.trained])

    @property
    def absolute(self) -> Array | None:
        """See `Objective.absolute`."""
        if not self.point.l1:
            return None
        penalized = {id(kernel) for kernel in self.kernels}
        costs = [np.full(v.shape, self.point.l1 if id(v) in penalized else 0.0) for v in self.trained]
        return _flat(costs)

    def look(self, x: Array) -> Look:
        """See `Objective.look`."""
        self._put(x)
        examples, weights = self.course.train, self.course.class_weights
        labels = examples.labels[examples.rows]
        importance = np.ones(len(labels)) if weights is None else weights[labels].astype(np.float64)
        slope = self._slope(importance.sum())
        inputs = examples.inputs if len(labels) == len(examples.labels) else examples.inputs[examples.rows]
        log_p = log_probabilities(self.family.scores(inputs, self.stop.check), self.family.trainee.from_logits)
        losses, smoothing = -log_p[np.arange(len(labels)), labels], self.point.label_smoothing
        smooth = (1 - smoothing) * losses - smoothing * log_p.mean(axis=1)
        squares = sum(float(np.square(value_of(kernel).astype(np.float64)).sum()) for kernel in self.kernels)
        decay = self.point.weight_decay
        objective = (smooth * importance).sum() / importance.sum() + self.point.l2 * squares + decay / 2 * (x @ x)
        accuracy = (log_p.argmax(axis=1) == labels).mean()
        return Look(float(objective), slope + decay * x, float(losses.mean()), float(accuracy))

    def scores(self, x: Array) -> Array:
        """See `Objective.scores`."""
        assert self.course.validation is not None
        self._put(x)
        return self.family.scores(self.course.validation.inputs, self.stop.check)

    def weights(self, x: Array) -> dict[str, Sequence[np.ndarray]]:
        """See `Objective.weights`."""
        self._put(x)
        return dict(copied({name: self.family.parts[name] for name in self.course.keep}))

    def _slope(self, total: float) -> Array:
        """The gradient without `weight_decay` and l1, from a pass over all batches."""
        collected = self.family.optimizer.collected
        for place in collected:
            place.assign(np.zeros(place.shape, place.dtype))
        size = self.point.batch_size
        with stepping(self.family) as step:
            for batch in epoch_of(self.course.train, size, None, self.course.class_weights):
                self.stop.check()
                step(batch, float(batch.weights.sum() / total))
        return _flat([value_of(place) for place in collected])

    def _put(self, x: Array) -> None:
        begin = 0
        for variable in self.trained:
            size = int(np.prod(variable.shape))
            variable.assign(x[begin : begin + size].reshape(variable.shape).astype(variable.dtype))
            begin += size


def refuse(family: Family, examples: Examples) -> None:
    """Raises `ModelError` for a model or data set that L-BFGS does not take, and says what to do instead."""
    trainee = family.trainee
    parameters = sum(int(np.prod(variable.shape)) for variable in trainee.trainable_variables)
    if parameters > MOST_PARAMETERS:
        raise ModelError(
            f"L-BFGS keeps 40 copies of what trains, at most {MOST_PARAMETERS:,} parameters; here are {parameters:,}. "
            "Train the head alone (trainable: none), or write optimizer.name: AdamW."
        )
    if len(examples) > MOST_IMAGES:
        raise ModelError(
            f"L-BFGS looks at all images for each step, at most {MOST_IMAGES:,} of them; here are {len(examples):,}. "
            "Write optimizer.name: AdamW."
        )
    restless = next((layer for part in trainee.parts for layer in leaves(part) if not _steady(layer)), None)
    if restless is not None:
        raise ModelError(
            "L-BFGS needs a loss that is the same whenever it is asked, and the layer "
            f"'{restless.name}' ({type(restless).__name__}) computes something else in training. "
            "Write optimizer.name: AdamW, or normalize by LayerNormalization and leave dropout out."
        )
    if trainee.losses:
        raise ModelError(
            "L-BFGS does not see the regularizers inside of a model. Take them out and write regularization.l2, or "
            "write optimizer.name: AdamW."
        )


def _steady(layer: Any) -> bool:
    """Whether a layer computes in training what it computes in inference: neither random, nor by the batch."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return not layer.trainable
    if isinstance(layer, RateDropout):
        return True  # its rate is 0: the engine sees to that
    held = any(getattr(layer, name, None) == 0.0 for name in ("rate", "drop_path_rate"))
    return held or not hasattr(layer, "seed_generator")


def _flat(values: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(value).astype(np.float64) for value in values])
