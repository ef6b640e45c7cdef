"""Which weights of a linear head have the least loss? Multinomial logistic regression, by L-BFGS, for one penalty.

The loss is convex, so there is one least value, and no learning rate can go below it. Iterations are few because each
weight is measured in its own unit: one over the square root of the curvature there, as it is where the search starts.

Source: D. C. Liu and J. Nocedal, On the limited memory BFGS method (1989), as `scipy.optimize` has it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]

SINGLE = 1e-4  # tolerance down to which float32 finds its way; below it, the noise of a sum of losses is in it
MOST_ITERATIONS = 500
MEMORY = 20  # pairs of steps and gradients that L-BFGS keeps
FLAT = 1e-6  # least curvature that sets a unit, so that a class that is certain already has one


@dataclass(frozen=True)
class Weights:
    """A linear head: scores are `features @ kernel + bias`."""

    kernel: Floats  # (R, C)
    bias: Floats  # (C,)

    def scores(self, features: Floats) -> Floats:
        """Scores (N, C) of features (N, R)."""
        found: Floats = features @ self.kernel + self.bias
        return found


@dataclass(frozen=True)
class Solution:
    """Where the search ended."""

    weights: Weights
    objective: float  # weighted mean cross-entropy + l2 * sum of squared kernel weights, in nats
    gradient_norm: float  # Euclidean, of the objective by all weights
    iterations: int


@dataclass(frozen=True)
class Examples:
    """What the head is fitted to."""

    features: Floats  # (N, R)
    labels: Labels  # (N,), in [0, C)
    importance: Floats  # (N,), each image's weight in the mean loss; 1 for all as a rule

    @property
    def count(self) -> int:
        """N."""
        return len(self.labels)


def cross_entropies(scores: Floats, labels: Labels) -> Floats:
    """The loss of each row, in nats: (N,)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    losses: Floats = np.log(np.exp(shifted).sum(axis=1)) - np.take_along_axis(shifted, labels[:, None], axis=1)[:, 0]
    return losses


def probabilities(scores: Floats) -> Floats:
    """Softmax of each row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def knowing_nothing(examples: Examples, features: int, classes: int) -> Weights:
    """A head that says how frequent the classes are, whatever it sees: the optimum of an endless penalty."""
    frequent = np.bincount(examples.labels, weights=examples.importance, minlength=classes) + 1 / examples.count
    return Weights(np.zeros((features, classes)), np.log(frequent / frequent.sum()))


def solve(examples: Examples, l2: float, start: Weights, tolerance: float) -> Solution:
    """The least of `mean(importance * cross-entropy) + l2 * sum(kernel ** 2)`; the bias is free.

    Args:
        l2: above 0; the unit is that of `regularization.l2` in a recipe.
        start: where to begin, such as the solution of a larger `l2`.
        tolerance: largest component of the gradient at the end, in nats for a step of one unit of curvature. The
            objective is then above its least value by about `tolerance ** 2` for each weight that is not there yet.
    """
    from scipy.optimize import minimize  # takes 0.2 s to import: not for those who find the answer in a file

    kind = np.float32 if tolerance >= SINGLE else np.float64
    features: Floats = examples.features.astype(kind)
    share: Floats = (examples.importance / examples.count).astype(kind)
    kernel_unit, bias_unit = units(examples, features, l2, start)
    classes = len(start.bias)

    def unpacked(packed: Floats) -> Weights:
        inner = packed.reshape(-1, classes)
        return Weights(inner[:-1] * kernel_unit, inner[-1] * bias_unit)

    def measured(packed: Floats) -> tuple[float, Floats]:
        here = unpacked(packed)
        losses, errors = slopes(features @ here.kernel.astype(kind) + here.bias.astype(kind), examples.labels, share)
        slope = np.empty((len(here.kernel) + 1, classes))
        slope[:-1] = (features.T @ errors + 2 * l2 * here.kernel) * kernel_unit
        slope[-1] = errors.sum(axis=0) * bias_unit
        return float((losses * share).sum(dtype=np.float64) + l2 * np.square(here.kernel).sum()), slope.ravel()

    first = np.concatenate([start.kernel / kernel_unit, (start.bias / bias_unit)[None]]).ravel()
    options = {"maxiter": MOST_ITERATIONS, "maxfun": 2 * MOST_ITERATIONS, "maxcor": MEMORY, "gtol": tolerance}
    found = minimize(measured, first, jac=True, method="L-BFGS-B", options=options | {"ftol": 0.0})
    slope = found.jac.reshape(-1, classes)
    norm = np.hypot(np.linalg.norm(slope[:-1] / kernel_unit), np.linalg.norm(slope[-1] / bias_unit))
    return Solution(unpacked(found.x), float(found.fun), float(norm), int(found.nit))


def slopes(scores: Floats, labels: Labels, share: Floats, smoothing: float = 0.0) -> tuple[Floats, Floats]:
    """The loss of each row (N,) in nats, and the gradient (N, C) of `sum(share * loss)` by the scores (N, C).

    Labels are smoothed by `smoothing` in [0, 1). `scores` become scratch.
    """
    rows, classes = np.arange(len(labels)), scores.shape[1]
    scores -= scores.max(axis=1, keepdims=True)
    errors = np.exp(scores)
    total = errors.sum(axis=1, keepdims=True)
    truth = scores[rows, labels]
    if smoothing:
        truth = (1 - smoothing) * truth + smoothing * scores.mean(axis=1)
    losses: Floats = np.log(total[:, 0]) - truth
    errors /= total
    errors[rows, labels] -= 1 - smoothing
    if smoothing:
        errors -= smoothing / classes
    errors *= share[:, None]
    return losses, errors


def units(examples: Examples, features: Floats, l2: float, start: Weights) -> tuple[Floats, Floats]:
    """How far to go with each kernel weight (R, C) and bias (C,) for a change of curvature one, at `start`."""
    known = probabilities(start.scores(examples.features))
    spread = known * (1 - known) * examples.importance[:, None] / examples.count
    curvature = np.square(features).T @ spread.astype(features.dtype)
    return 1 / np.sqrt(curvature.astype(np.float64) + 2 * l2), 1 / np.sqrt(spread.sum(axis=0) + FLAT)
