"""Of which weights and which images is a loss landscape drawn? Kernels that move, and one loss as a function of them.

A head on a frozen backbone stands on features that were computed once, so its landscape costs seconds. Weights are
never assigned: Keras's stateless scope lets the network be asked at weights that it does not have.

Source: Li et al. 2018, arXiv 1712.09913, section 4; keras.StatelessScope.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tuner import models
from tuner.data import Problem
from tuner.models.fresh import leaves
from tuner.records import Trial
from tuner.store import Store
from tuner.training.asked import first_seed
from tuner.training.batches import even_chunk
from tuner.training.features import at_once
from tuner.training.trained import after
from tuner.training.views import split_features

Array = NDArray[Any]

IMAGES = 512  # training images whose mean loss is taken: rows stand in random order, the first ones are a sample
FEATURES_AT_ONCE = 1024  # rows of one pass of a head
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
TINY = 1e-7  # probabilities are clipped to it before the logarithm, as Keras does


@dataclass(frozen=True, eq=False)
class Kernel:
    """One variable that moves, and over which of its axes one filter extends."""

    variable: keras.Variable
    axes: tuple[int, ...]

    @property
    def value(self) -> Array:
        """Its value now, float32."""
        return np.asarray(ops.convert_to_numpy(self.variable.value), np.float32)


@dataclass(frozen=True, eq=False)
class Ground:
    """A network, the kernels that move, and the examples on which its loss is taken."""

    network: keras.Model  # inputs -> scores (B, num_classes)
    kernels: tuple[Kernel, ...]
    inputs: Array  # uint8 images (N, H, W, C), or features (N, D)
    labels: Array  # int64 (N,)
    from_logits: bool
    part: str  # head | trained | all: what moves
    chunk: int  # examples of one pass


def ground_of(problem: Problem, run: Store, trial: Trial, images: int = IMAGES, whole: bool = False) -> Ground:
    """The ground of a trial's landscape: what trained in it, or with `whole` every kernel, over some training images.

    Raises `tuner.store.StoreError` if the trial kept no weights.
    """
    classifier, train = after(problem, run, trial), problem.dataset.train
    labels = np.asarray(train.labels[:images])
    if trial.hyperparameters.trainable == "none" and not whole and classifier.head is not None:
        structure, seed = models.structure_of(trial.hyperparameters), first_seed(run, trial.spec)
        inputs = split_features(problem, run, seed, structure, "train")[: len(labels)]
        kernels, chunk = kernels_of(classifier.head), even_chunk(len(labels), FEATURES_AT_ONCE)
        return Ground(classifier.head, kernels, inputs, labels, classifier.from_logits, "head", chunk)
    inputs, chunk = train.images[: len(labels)], even_chunk(len(labels), at_once(train.images.shape))
    kernels = kernels_of(classifier.model, trained_only=not whole)
    part = "all" if whole else "trained"
    return Ground(classifier.model, kernels, inputs, labels, classifier.from_logits, part, chunk)


def kernels_of(model: keras.Model, trained_only: bool = False) -> tuple[Kernel, ...]:
    """The kernels of a model: trainable by birth, of two or more dimensions. Biases and normalizations are none."""
    wanted = {id(variable) for variable in model.trainable_variables}
    return tuple(
        Kernel(variable, _filter_axes(layer, variable))
        for layer in leaves(model)
        for variable in _born_trainable(layer)
        if len(variable.shape) > 1 and (not trained_only or id(variable) in wanted)
    )


def _born_trainable(layer: Any) -> list[Any]:
    """The variables that a layer would train if it were not frozen, those of its inner layers included."""
    found = list(getattr(layer, "_trainable_variables", []))
    for inner in getattr(layer, "_layers", []):
        found += _born_trainable(inner)
    return found


def _filter_axes(layer: Any, variable: Any) -> tuple[int, ...]:
    """A filter is what makes one output channel: all axes but the last; of a depthwise kernel the spatial ones."""
    rank = len(variable.shape)
    depthwise = type(layer).__name__ in DEPTHWISE or variable.name == "depthwise_kernel"
    return tuple(range(rank - 2 if depthwise else rank - 1))


def cross_entropy(scores: Any, labels: Any, from_logits: bool) -> Any:
    """Of each row, in nats: scores (B, C), labels (B,) -> (B,)."""
    scores = ops.cast(scores, "float32")
    if from_logits:
        log_p = ops.log_softmax(scores, axis=-1)
    else:
        log_p = ops.log(ops.clip(scores / ops.sum(scores, axis=-1, keepdims=True), TINY, 1.0))
    return -ops.sum(ops.one_hot(labels, log_p.shape[-1], dtype="float32") * log_p, axis=-1)


def plane(
    ground: Ground, directions: Sequence[Sequence[Array]], check: Callable[[], None] = lambda: None
) -> Callable[[Sequence[float]], float]:
    """The mean loss, in nats and inference mode, at `weights + sum of coordinate * direction`.

    `directions` hold an array for each kernel; coordinates one number for each direction. Traced once. `check` is
    called before each batch, and may raise.
    """
    here = [ops.convert_to_tensor(kernel.value) for kernel in ground.kernels]
    ways = [[ops.convert_to_tensor(array, "float32") for array in direction] for direction in directions]

    def summed(coordinates: Any, x: Any, y: Any, counts: Any) -> Any:
        mapping = []
        for place, (kernel, value) in enumerate(zip(ground.kernels, here, strict=True)):
            for number, way in enumerate(ways):
                value = value + coordinates[number] * way[place]
            mapping.append((kernel.variable, ops.cast(value, kernel.variable.dtype)))
        with keras.StatelessScope(state_mapping=mapping):
            scores = ground.network(ops.cast(x, "float32"), training=False)
        return ops.sum(cross_entropy(scores, y, ground.from_logits) * counts)

    compiled, batches = compiled_once(summed), _batches(ground)

    def loss(coordinates: Sequence[float]) -> float:
        at = ops.convert_to_tensor(np.asarray(coordinates, np.float32))
        total = 0.0
        for x, y, counts in batches:
            check()
            total += float(ops.convert_to_numpy(compiled(at, x, y, counts)))
        return total / len(ground.labels)

    return loss


def _batches(ground: Ground) -> list[tuple[Array, Array, Array]]:
    """Inputs, labels and weights in batches of one size: what fills up the last one weighs nothing."""
    found = []
    for begin in range(0, len(ground.labels), ground.chunk):
        rows = np.arange(begin, begin + ground.chunk)
        counts = (rows < len(ground.labels)).astype(np.float32)
        rows = np.minimum(rows, len(ground.labels) - 1)
        found.append((np.asarray(ground.inputs[rows]), ground.labels[rows], counts))
    return found


def compiled_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled where the backend compiles; all arguments are arrays."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        compiled: Callable[..., Any] = tf.function(function)
        return compiled
    if backend == "jax":
        import jax

        jitted: Callable[..., Any] = jax.jit(function)
        return jitted
    return function
