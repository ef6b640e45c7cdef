"""What is the loss of a linear head on frozen features, and its slope? In NumPy, on all images at once.

The search sees each weight in its own unit (see tuner/heads/logistic.py) and each feature without its mean, which only
moves the bias. Both change the way to the minimum, and make it short, but not the minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.heads.logistic import FLAT, Examples, Floats, Weights, slopes, units
from tuner.hyperparameters import Hyperparameters
from tuner.training.lbfgs.objective import Array, Look
from tuner.training.scores import loss_and_accuracy

KIND = np.float32  # of features and scores; sums are float64


@dataclass(frozen=True)
class Linear:
    """A head `features @ kernel + bias`; see `tuner.training.lbfgs.objective.Objective`."""

    examples: Examples  # features (N, D) without their mean
    mean: Floats  # (D,)
    validation: Floats | None  # (M, D), as they are
    point: Hyperparameters
    first: Weights  # where it begins, for features as they are
    kernel_unit: Floats  # (D, C)
    bias_unit: Floats  # (C,)

    @property
    def start(self) -> Array:
        """See `Objective.start`."""
        bias = self.first.bias + self.mean @ self.first.kernel
        return np.concatenate([self.first.kernel / self.kernel_unit, (bias / self.bias_unit)[None]]).ravel()

    @property
    def absolute(self) -> Array | None:
        """See `Objective.absolute`."""
        if not self.point.l1:
            return None
        return np.concatenate([self.point.l1 * self.kernel_unit, np.zeros_like(self.bias_unit)[None]]).ravel()

    def look(self, x: Array) -> Look:
        """See `Objective.look`."""
        kernel, middle = self._inner(x)
        bias = middle - self.mean @ kernel
        scores = self.examples.features @ kernel.astype(KIND) + middle.astype(KIND)
        loss, accuracy = loss_and_accuracy(scores, self.examples.labels, from_logits=True)
        share = (self.examples.importance / self.examples.importance.sum()).astype(KIND)
        losses, errors = slopes(scores, self.examples.labels, share, self.point.label_smoothing)
        decay = self.point.weight_decay / 2
        of_bias = errors.sum(axis=0) + 2 * decay * bias
        of_kernel = self.examples.features.T @ errors + 2 * (self.point.l2 + decay) * kernel
        of_kernel -= np.outer(self.mean, 2 * decay * bias)
        penalty = (self.point.l2 + decay) * np.square(kernel).sum() + decay * np.square(bias).sum()
        slope = np.concatenate([of_kernel * self.kernel_unit, (of_bias * self.bias_unit)[None]]).ravel()
        return Look(float((losses * share).sum(dtype=np.float64) + penalty), slope, loss, accuracy)

    def scores(self, x: Array) -> Array:
        """See `Objective.scores`."""
        assert self.validation is not None
        head = self.head(x)
        return np.asarray(self.validation @ head.kernel + head.bias)

    def weights(self, x: Array) -> dict[str, Sequence[np.ndarray]]:
        """See `Objective.weights`: kernel, dropout's rate, bias in the order of a head."""
        head = self.head(x)
        return {"head": [np.zeros((), KIND), head.kernel, head.bias]}

    def head(self, x: Array) -> Weights:
        """The head, for features as they are."""
        kernel, middle = self._inner(x)
        return Weights(kernel.astype(KIND), (middle - self.mean @ kernel).astype(KIND))

    def _inner(self, x: Array) -> tuple[Floats, Floats]:
        """The kernel, and the bias of features without their mean."""
        inner = x.reshape(-1, len(self.bias_unit))
        return inner[:-1] * self.kernel_unit, inner[-1] * self.bias_unit


def linear(
    features: Floats,
    labels: Array,
    importance: Floats,
    validation: Floats | None,
    point: Hyperparameters,
    first: Weights,
) -> Linear:
    """The objective of a head on features (N, D) that begins at `first`; `importance` (N,) weighs the images."""
    mean = features.mean(axis=0, dtype=np.float64)
    examples = Examples(np.asarray(features - mean, KIND), labels, importance)
    inner = Weights(first.kernel.astype(np.float64), first.bias + mean @ first.kernel)
    kernel_unit, bias_unit = units(examples, examples.features, max(point.l2 + point.weight_decay / 2, FLAT), inner)
    return Linear(examples, mean, validation, point, first, kernel_unit, bias_unit)
