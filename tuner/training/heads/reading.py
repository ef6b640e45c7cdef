"""What does one head say, without being trained? Its first loss and its scores, without a trace."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.models.drawing import first_head
from tuner.training.batches import Examples, epoch_of
from tuner.training.curves import InitialReading
from tuner.training.heads.bank import Array, Bank, Plan, Start, trained
from tuner.training.heads.choice import bank_maker
from tuner.training.heads.driver import DROPOUT


def initial_losses(problem: Problem, point: Hyperparameters, seed: int, inputs: Array, labels: Array) -> InitialReading:
    """The loss of the untrained head in training mode, from features (N, D) and class numbers (N,).

    It takes steps at a learning rate of 0, which change nothing.
    """
    classes = problem.dataset.num_classes
    weights = first_head(inputs.shape[1], classes, point.head_units, point.head_initializer, point.dropout, seed)
    bank, still, total = _bank(problem, point, weights, inputs.shape[1]), np.zeros(1, np.float32), 0.0
    random = np.random.default_rng(np.random.SeedSequence([seed, 0, DROPOUT]))
    for batch in epoch_of(Examples.all_of(inputs, labels), point.batch_size, None):
        shape = (len(batch.labels), point.head_units[0] if point.head_units else inputs.shape[1])
        uniform = random.random(shape, np.float32) if point.dropout else None
        loss, _ = bank.step(batch.inputs, batch.labels, batch.weights, still, uniform)
        total += float(loss[0]) * batch.count
    return InitialReading(total / len(labels), total / len(labels) + penalty(point, weights))


def penalty(point: Hyperparameters, weights: Sequence[Array]) -> float:
    """l1 * sum |w| + l2 * sum w^2 over the kernels of a head."""
    kernels = [value.astype(np.float64) for value in trained(weights) if value.ndim == 2]
    return float(sum(point.l1 * np.abs(kernel).sum() + point.l2 * np.square(kernel).sum() for kernel in kernels))


def scorer(problem: Problem, point: Hyperparameters, weights: Sequence[Array], width: int) -> Callable[[Array], Array]:
    """From features (N, `width`) to logits (N, num_classes), by a head with these weights."""
    bank = _bank(problem, point, weights, width)
    return lambda features: np.asarray(bank.scores(np.asarray(features))[0])


def _bank(problem: Problem, point: Hyperparameters, weights: Sequence[Array], width: int) -> Bank:
    point = replace(point, optimizer="SGD")  # none has a say in what a head says, and a bank knows this one
    return bank_maker(problem)(Plan((point,), (Start(weights),), width, problem.dataset.num_classes))
