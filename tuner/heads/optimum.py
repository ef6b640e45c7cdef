"""What is the best that a linear head on these features can do? Its least losses, whatever the learning rate.

The loss of a linear head is convex in its weights. For each of several L2 penalties, the largest first, the least loss
is found, starting from the one before; the penalty with the lowest validation loss is the best. The path ends one
penalty after it. The features are used as they are: it is the optimum of `Dense(num_classes)` on them, its bias free.

Source: J. Friedman, T. Hastie and R. Tibshirani, Regularization paths for generalized linear models (2010), 2.5.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.data.split import sample
from tuner.heads.logistic import Examples, Floats, Labels, Solution, Weights, cross_entropies, knowing_nothing, solve
from tuner.heads.principal import Principal, principal
from tuner.heads.threads import one_thread

RELATIVE = tuple(10.0**-power for power in range(1, 9))
"""Penalties, times the mean squared length of the centered features: from one that forbids to learn to next to none."""
TOLERANCE = 1e-4  # see `solve`: objectives within 1e-4 of their value where that was looked at (two real data sets)
MOST_IMAGES = 8_000  # more are sampled: about 5 s at 1,280 features and 10 classes on one core; 1.3 s for 2,000
MOST_RANK = 2_048  # of the eigendecomposition, about 2 s: with more features than that, no more images than that
MOST_WORK = 2e8  # products of one look at all scores: images x features x classes
LEAST_IMAGES = 2_000  # are not sampled, whatever the work
SEED = 0  # of the sample


@dataclass(frozen=True)
class Strength:
    """The optimum at one penalty."""

    l2: float  # times the sum of squared kernel weights, as `regularization.l2`
    objective: float  # nats, the penalty included
    train_loss: float  # mean cross-entropy of the training images, in nats
    val_loss: float
    val_loss_error: float  # standard error of that mean over the validation images
    val_accuracy: float  # in [0, 1]
    gradient_norm: float  # of the objective by all weights, where the search ended
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Optimum:
    """The best of a linear head, over several penalties."""

    best: Strength  # lowest validation loss
    path: tuple[Strength, ...]  # the largest penalty first
    lowest_train_loss: float  # along the path, in nats
    highest_val_accuracy: float  # along the path
    images: int  # training images that were used
    all_images: int
    val_images: int
    features: int  # of an image
    num_classes: int
    seconds: float

    @property
    def sampled(self) -> bool:
        """Whether it is the optimum of a sample, which more images would beat."""
        return self.images < self.all_images


def head_optimum(
    features: Floats,
    labels: Labels,
    val_features: Floats,
    val_labels: Labels,
    num_classes: int,
    class_weights: Sequence[float] | None = None,
    strengths: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> Optimum:
    """The optimum of a linear head on features, for several penalties.

    Args:
        features: (N, D), finite. Of more than about 8,000 images (see `most_images`) a stratified sample is taken.
        labels: (N,), in [0, num_classes).
        val_features: (M, D), M at least 1.
        val_labels: (M,).
        num_classes: C, at least 2.
        class_weights: (C,), weight of each class in the training loss; 1 for all by default. The losses that are
            reported are plain.
        strengths: penalties, each above 0, all of them solved; by default `RELATIVE` until the validation loss rises.
        tolerance: of the gradient, see `tuner.heads.logistic.solve`.

    Raises `ValueError` for features that are not finite.
    """
    began = time.perf_counter()
    rows = looked_at(labels, features.shape[1], num_classes)
    weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights, np.float64)
    with one_thread():
        axes = principal(np.asarray(features[rows]))
        examples = Examples(axes.scores, labels[rows], weights[labels[rows]])
        path = _path(examples, axes, axes.of(np.asarray(val_features)), val_labels, num_classes, strengths, tolerance)
    return Optimum(
        best=min(path, key=lambda one: one.val_loss),
        path=tuple(path),
        lowest_train_loss=min(one.train_loss for one in path),
        highest_val_accuracy=max(one.val_accuracy for one in path),
        images=len(rows),
        all_images=len(labels),
        val_images=len(val_labels),
        features=features.shape[1],
        num_classes=num_classes,
        seconds=time.perf_counter() - began,
    )


def _path(
    examples: Examples,
    axes: Principal,
    seen: Floats,
    val_labels: Labels,
    num_classes: int,
    strengths: Sequence[float] | None,
    tolerance: float,
) -> list[Strength]:
    """One optimum a penalty, each from the one before; without `strengths`, until the validation loss rises."""
    here = knowing_nothing(examples, len(axes.energy), num_classes)
    path: list[Strength] = []
    for l2 in sorted(strengths or relative_to(axes), reverse=True):
        started = time.perf_counter()
        solution = solve(examples, l2, here, tolerance)
        here = solution.weights
        path.append(_strength(l2, solution, examples, seen, val_labels, started))
        if strengths is None and len(path) > 1 and path[-1].val_loss > path[-2].val_loss:
            break
    return path


def optimal_head(
    features: Floats, labels: Labels, num_classes: int, l2: float, tolerance: float = TOLERANCE
) -> tuple[Weights, float]:
    """The weights of the optimum at one penalty, for features (N, D) as they are, and the objective there."""
    with one_thread():
        axes = principal(np.asarray(features))
        examples = Examples(axes.scores, labels, np.ones(len(labels)))
        solution = solve(examples, l2, knowing_nothing(examples, len(axes.energy), num_classes), tolerance)
    kernel = axes.axes @ solution.weights.kernel
    return Weights(kernel, solution.weights.bias - axes.mean @ kernel), solution.objective


def relative_to(axes: Principal) -> tuple[float, ...]:
    """`RELATIVE` in the unit of these features."""
    size = float(axes.energy.sum()) / len(axes.scores) or 1.0  # features that are all the same have none
    return tuple(factor * size for factor in RELATIVE)


def looked_at(labels: Labels, features: int, num_classes: int) -> NDArray[np.intp]:
    """The rows that are looked at: all, or a stratified sample of `most_images`."""
    return sample(labels.tolist(), most_images(features, num_classes), SEED)


def most_images(features: int, num_classes: int) -> int:
    """How many training images are looked at: what takes a few seconds on two cores."""
    if features > MOST_RANK:
        return MOST_RANK
    return min(MOST_IMAGES, max(LEAST_IMAGES, int(MOST_WORK / (features * num_classes))))


def _strength(
    l2: float, solution: Solution, examples: Examples, seen: Floats, labels: Labels, started: float
) -> Strength:
    scores = solution.weights.scores(seen)
    losses = cross_entropies(scores, labels)
    return Strength(
        l2=l2,
        objective=solution.objective,
        train_loss=float(cross_entropies(solution.weights.scores(examples.features), examples.labels).mean()),
        val_loss=float(losses.mean()),
        val_loss_error=float(losses.std(ddof=1)) / math.sqrt(len(losses)) if len(losses) > 1 else math.inf,
        val_accuracy=float((scores.argmax(axis=1) == labels).mean()),
        gradient_norm=solution.gradient_norm,
        iterations=solution.iterations,
        seconds=time.perf_counter() - started,
    )
