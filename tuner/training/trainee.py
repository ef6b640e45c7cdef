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
from tuner.training.augmentation import augmented
from tuner.training.mixing import mixed_truth

TINY = 1e-7  # probabilities are clipped to it before the logarithm, as Keras does

TRACES: Counter[str] = Counter()  # of this process, by what was traced: train, predict, features, augment


def trace_count() -> int:
    """How many times anything was traced in this process: both steps of a family, a frozen pass over images."""
    return TRACES.total()


class Trainee(keras.Model):  # type: ignore[misc]
    """Models in a row, as they are trained: uint8 images (B, H, W, C) or features (B, D) -> scores (B, num_classes).

    The weights `label_smoothing`, `l1`, `l2` and `auxiliary_weight` are scalars that are set between trials. With an
    auxiliary head, training gives [scores, its scores], and its cross-entropy is added to the loss with that weight.
    Where images are mixed (tuner/training/mixing.py), it also gives what each is made of.
    """

    def __init__(
        self,
        parts: Sequence[keras.layers.Layer],
        augmentation: Sequence[keras.layers.Layer] = (),
        kernels: Sequence[keras.Variable] = (),
        from_logits: bool = True,
        frozen: bool = False,
        auxiliary: keras.Model | None = None,
    ) -> None:
        """`kernels` are what l1 and l2 penalize; `frozen` runs the first part in inference mode, dropout included.

        `auxiliary` is a second classifier; one of the parts then gives [its feature map, output].
        """
        super().__init__()
        self.parts = list(parts)
        self.augmentation = list(augmentation)
        self.from_logits = from_logits
        self.frozen = frozen
        self.auxiliary = auxiliary
        self.label_smoothing, self.l1, self.l2, self.auxiliary_weight = (
            self.add_weight(shape=(), initializer="zeros", dtype="float32", trainable=False, name=name)
            for name in ("label_smoothing", "l1", "l2", "auxiliary_weight")
        )
        self.penalized = tuple(kernels)
        self.built = True  # the parts are

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Scores of a batch. Runs when a step is traced, not when it is taken."""
        TRACES["train" if training else "predict"] += 1
        x = ops.cast(inputs, "float32")
        x, shares = augmented(self.augmentation, x) if training else (x, None)
        middle = None
        for number, part in enumerate(self.parts):
            x = part(x, training=training and not (self.frozen and number == 0))
            if isinstance(x, list | tuple):
                middle, x = x
        said = [x, self.auxiliary(middle, training=True)] if training and self.auxiliary is not None else x
        return said if shares is None else {"said": said, "shares": shares}

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Any:
        """The loss that is minimized, a scalar."""
        (scores, second), shares = unpacked(y_pred)
        log_p = self._log_probabilities(scores)
        truth = ops.one_hot(y, log_p.shape[-1], dtype="float32")
        if shares is not None:
            truth, sample_weight = mixed_truth(truth, sample_weight, shares)
        target = truth * (1 - self.label_smoothing) + self.label_smoothing / log_p.shape[-1]
        loss = cross_entropy(target, log_p, sample_weight) + self.penalty()
        if second is not None:
            log_second = ops.log_softmax(ops.cast(second, "float32"), axis=-1)
            loss = loss + self.auxiliary_weight * cross_entropy(target, log_second, sample_weight)
        for own in self.losses:  # regularizers inside a user's model
            loss = loss + ops.cast(own, "float32")
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The plain cross-entropy in nats, and the accuracy in [0, 1], of the examples with a weight above 0.

        A mixed image is measured against the label with the larger share: who guesses has ln C there as anywhere else,
        while no model comes near 0.
        """
        (scores, _), shares = unpacked(y_pred)
        log_p = self._log_probabilities(scores)
        counts = ops.cast(sample_weight > 0, "float32")
        if shares is not None:
            y = ops.argmax(ops.matmul(shares, ops.one_hot(y, log_p.shape[-1], dtype="float32")), axis=-1)
        losses = -ops.sum(ops.one_hot(y, log_p.shape[-1], dtype="float32") * log_p, axis=-1)
        right = ops.cast(ops.equal(ops.argmax(log_p, axis=-1), ops.cast(y, "int32")), "float32")
        total = ops.sum(counts)
        return {"loss": ops.sum(losses * counts) / total, "accuracy": ops.sum(right * counts) / total}

    def penalty(self) -> Any:
        """l1 * sum |w| + l2 * sum w^2 over the penalized kernels, a scalar."""
        kernels = [ops.cast(kernel.value, "float32") for kernel in self.penalized]
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


def unpacked(y_pred: Any) -> tuple[tuple[Any, Any], Any]:
    """What `Trainee.call` gave: scores with those of the auxiliary head, or None, and the shares of a mix, or None."""
    shares = None
    if isinstance(y_pred, dict):
        y_pred, shares = y_pred["said"], y_pred["shares"]
    scores, second = y_pred if isinstance(y_pred, list | tuple) else (y_pred, None)
    return (scores, second), shares


def cross_entropy(target: Any, log_p: Any, weights: Any) -> Any:
    """sum(w * cross-entropy) / sum(w) of log-probabilities (B, C) against shares of the classes (B, C), a scalar."""
    return ops.sum(-ops.sum(target * log_p, axis=-1) * weights) / ops.sum(weights)


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
