"""What is a family of trials? A compiled model with handles on everything that a trial of it sets before it begins.

Source: keras 3.15.1, src/trainers/trainer.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner import models
from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.training.batches import chunks_of
from tuner.training.layered import place
from tuner.training.optimizers import OptimizerKey, OptimizerStart, make_optimizer, set_numbers
from tuner.training.trainee import Trainee, dropout_layers, rekey, seed_states

Augmentation = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]


@dataclass(frozen=True)
class FamilyKey:
    """What changes the graph."""

    engine: str  # head: on cached features; cut: above a cut, on cached feature maps; net: the whole model
    model: str  # the model, its input and its runtime, as JSON
    structure: models.Structure
    optimizer: OptimizerKey
    batch_size: int
    augmentation: Augmentation


@dataclass(frozen=True)
class Family:
    """A compiled model with the handles of everything that is set between trials."""

    trainee: Trainee
    optimizer: keras.optimizers.Optimizer  # holds learning_rate and weight_decay, and ema_momentum where it averages
    optimizer_start: OptimizerStart
    variables: Sequence[keras.Variable]  # the last ones of the classifier's, in its order
    parts: Mapping[str, Sequence[keras.Variable]]  # weights: backbone and head, head alone, or model
    dropouts: Sequence[models.RateDropout]
    seeds: Sequence[keras.Variable]
    chunk: int  # rows of one prediction
    auxiliary: Sequence[keras.Variable] = ()  # of a second classifier, which only training has; it starts at zero

    def begin(self, fresh: Sequence[np.ndarray], point: Hyperparameters) -> None:
        """Put everything to the start of a trial: first weights, an untouched optimizer, the values of `point`.

        `fresh` are values of all of the classifier's variables; a head takes the last of them.
        """
        for variable, value in zip(self.variables, fresh[-len(self.variables) :], strict=True):
            variable.assign(value)
        for variable in self.auxiliary:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.restart_optimizer(point)
        self.trainee.label_smoothing.assign(point.label_smoothing)
        self.trainee.l1.assign(point.l1)
        self.trainee.l2.assign(point.l2)
        self.trainee.auxiliary_weight.assign(point.auxiliary_head)
        for layer in self.dropouts:
            layer.set_rate(point.dropout)

    def restart_optimizer(self, point: Hyperparameters) -> None:
        """An optimizer that has not taken a step from the weights as they are now."""
        self.optimizer_start.restore(self.trainee.optimizer, self.trainee.trainable_variables)
        set_numbers(self.optimizer, point)

    def rekey(self, seed: int, epoch: int) -> None:
        """Give every random layer its stream for one epoch (from 0): the same whether or not the run was continued."""
        rekey(self.seeds, seed, epoch)

    def scores(self, inputs: np.ndarray, check: Callable[[], None] = lambda: None) -> np.ndarray:
        """Scores (N, num_classes), float32, in inference mode; `check` is called before each chunk."""
        found = []
        for chunk, count in chunks_of(inputs, self.chunk):
            check()
            found.append(np.asarray(self.trainee.predict_on_batch(chunk), np.float32)[:count])
        return np.concatenate(found)


def parts_of(classifier: models.Classifier) -> dict[str, list[keras.Variable]]:
    """The weights of a classifier by part: backbone and head, or model."""
    if classifier.backbone is None or classifier.head is None:
        return {"model": classifier.model.weights}
    return {"backbone": classifier.backbone.weights, "head": classifier.head.weights}


def with_auxiliary(
    problem: Problem,
    structure: models.Structure,
    classifier: models.Classifier,
    trained: keras.Model,
    above: str | None = None,
) -> tuple[keras.Model, keras.Model | None]:
    """What trains of a classifier, with its middle's feature map and a second head for that, if the structure says."""
    if not structure.auxiliary_head:
        return trained, None
    whole = classifier.backbone is None
    middle = models.tapped(classifier.backbone or classifier.model, structure.trainable, whole, above)
    return middle, models.build_auxiliary(middle, problem.dataset.num_classes)


def depths_of(key: FamilyKey, classifier: models.Classifier) -> Mapping[int, int]:
    """How deep each variable lies, where the optimizer wants to know."""
    return models.depths(classifier) if key.optimizer.layered else {}


def compiled(
    problem: Problem,
    key: FamilyKey,
    trainee: Trainee,
    model: keras.Model,
    parts: Mapping[str, Sequence[keras.Variable]],
    chunk: int,
    depths: Mapping[int, int] | None = None,
) -> Family:
    """The family of `key`. Its variables are those of `model`; `parts` names them as checkpoints do.

    `depths` are those of `models.depths`, for an optimizer that tells layers apart.
    """
    optimizer = make_optimizer(key.optimizer)
    if key.optimizer.layered:
        place(optimizer, trainee.trainable_variables, depths or {})
    trainee.compile(optimizer, jit_compile=problem.recipe.runtime.jit_compile)
    trainee.optimizer.build(trainee.trainable_variables)
    start = OptimizerStart.of(trainee.optimizer)
    auxiliary = [] if trainee.auxiliary is None else trainee.auxiliary.weights
    parts = {**parts, **({models.AUXILIARY: auxiliary} if auxiliary else {})}
    return Family(
        trainee,
        optimizer,
        start,
        model.variables,
        parts,
        dropout_layers(model),
        seed_states(trainee),
        chunk,
        auxiliary,
    )
