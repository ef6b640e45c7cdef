"""What does one training step compute? A classifier and its loss, with every number of that loss in a weight.

`Trainee` is the only subclass of `keras.Model` here: Keras offers no other way to keep label smoothing and the
penalties out of the trace. Its loss is sum(w * cross-entropy) / sum(w) over the batch, plus l1 and l2 penalties of the
head's kernels. What a step reports is another matter: the plain cross-entropy (no smoothing, no class weights, no
penalty) of the examples that count, so that training and validation are measured by one ruler, whatever the trial.

Source: keras 3.15.1, src/trainers/trainer.py and src/backend/{tensorflow,jax}/trainer.py.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tuner.models import RateDropout
from tuner.models.calls import Network
from tuner.models.fresh import leaves

TINY = 1e-7  # probabilities are clipped to it before the logarithm, as Keras does

TRACES: Counter[str] = Counter()  # of this process, by what was traced: train, predict, features, augment


def trace_count() -> int:
    """How many times anything was traced in this process: both steps of a family, a frozen pass over images."""
    return TRACES.total()


class Trainee(keras.Model):  # type: ignore[misc]
    """Models in a row, as they are trained: uint8 images (B, H, W, C) or features (B, D) -> scores (B, num_classes).

    The weights `label_smoothing`, `l1` and `l2` are scalars that are set between trials.
    """

    def __init__(
        self,
        parts: Sequence[keras.layers.Layer],
        augmentation: Sequence[keras.layers.Layer] = (),
        kernels: Sequence[keras.Variable] = (),
        from_logits: bool = True,
        frozen: bool = False,
    ) -> None:
        """`kernels` are what l1 and l2 penalize; `frozen` runs the first part in inference mode, dropout included."""
        super().__init__()
        self.parts = list(parts)
        self.augmentation = list(augmentation)
        self.from_logits = from_logits
        self.frozen = frozen
        self.label_smoothing, self.l1, self.l2 = (
            self.add_weight(shape=(), initializer="zeros", dtype="float32", trainable=False, name=name)
            for name in ("label_smoothing", "l1", "l2")
        )
        self._penalized = tuple(kernels)
        self.built = True  # the parts are

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Scores of a batch. Runs when a step is traced, not when it is taken."""
        TRACES["train" if training else "predict"] += 1
        x = ops.cast(inputs, "float32")
        if training:
            for layer in self.augmentation:
                x = layer(x, training=True)
        for number, part in enumerate(self.parts):
            x = part(x, training=training and not (self.frozen and number == 0))
        return x

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Any:
        """The loss that is minimized, a scalar."""
        log_p = self._log_probabilities(y_pred)
        truth = ops.one_hot(y, log_p.shape[-1], dtype="float32")
        target = truth * (1 - self.label_smoothing) + self.label_smoothing / log_p.shape[-1]
        losses = -ops.sum(target * log_p, axis=-1)
        loss = ops.sum(losses * sample_weight) / ops.sum(sample_weight) + self.penalty()
        for own in self.losses:  # regularizers inside a user's model
            loss = loss + ops.cast(own, "float32")
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The plain cross-entropy in nats, and the accuracy in [0, 1], of the examples with a weight above 0."""
        log_p = self._log_probabilities(y_pred)
        counts = ops.cast(sample_weight > 0, "float32")
        losses = -ops.sum(ops.one_hot(y, log_p.shape[-1], dtype="float32") * log_p, axis=-1)
        right = ops.cast(ops.equal(ops.argmax(log_p, axis=-1), ops.cast(y, "int32")), "float32")
        total = ops.sum(counts)
        return {"loss": ops.sum(losses * counts) / total, "accuracy": ops.sum(right * counts) / total}

    def penalty(self) -> Any:
        """l1 * sum |w| + l2 * sum w^2 over the penalized kernels, a scalar."""
        kernels = [ops.cast(kernel.value, "float32") for kernel in self._penalized]
        absolute = sum((ops.sum(ops.abs(kernel)) for kernel in kernels), ops.zeros(()))
        squared = sum((ops.sum(ops.square(kernel)) for kernel in kernels), ops.zeros(()))
        return self.l1 * absolute + self.l2 * squared

    @property
    def metrics(self) -> list[Any]:
        """None that Keras would have to reset before each batch: `compute_metrics` keeps no state."""
        return []

    def _log_probabilities(self, scores: Any) -> Any:
        scores = ops.cast(scores, "float32")
        if self.from_logits:
            return ops.log_softmax(scores, axis=-1)
        scores = scores / ops.sum(scores, axis=-1, keepdims=True)
        return ops.log(ops.clip(scores, TINY, 1.0))


class Pass(keras.Model):  # type: ignore[misc]
    """A frozen network as it passes over images, compiled by itself, so that its traces are counted."""

    def __init__(self, network: Network, jit_compile: bool | str) -> None:
        super().__init__()
        self.network = network
        self.built = True
        self.compile(jit_compile=jit_compile)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the network gives, in inference mode. Runs when it is traced."""
        TRACES["features"] += 1
        return self.network(ops.cast(inputs, "float32"), training=False)


def dropout_layers(model: keras.Model) -> list[RateDropout]:
    """The layers whose rate is a hyperparameter."""
    return [layer for layer in leaves(model) if isinstance(layer, RateDropout)]


def seed_states(model: keras.layers.Layer) -> list[keras.Variable]:
    """The state of every random generator inside, in a fixed order: dropout, then augmentation as it comes."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def rekey(states: Sequence[keras.Variable], seed: int, epoch: int, first: int = 0) -> None:
    """Give random layers, the first of them number `first` of a model, their streams for one epoch, from 0.

    They are the same whether or not the run was continued.
    """
    for place, state in enumerate(states, start=first):
        word = np.random.SeedSequence([seed, epoch, place]).generate_state(1)[0] % 2**31
        state.assign(np.array([word, 0], state.dtype))
