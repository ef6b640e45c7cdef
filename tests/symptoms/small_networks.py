"""Small networks in plain NumPy: a fault is exactly what its name says, and nothing else moves."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn import datasets


@dataclass(frozen=True)
class Task:
    """A table split into training and validation; `targets` are class numbers, or floats for a regression."""

    name: str
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    num_classes: int | None  # None for a regression


@dataclass(frozen=True)
class Setup:
    """How one small network is trained."""

    task: str
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "none"  # none | step | cosine | warmup
    epochs: int = 30
    batch_size: int = 32
    hidden: tuple[int, ...] = (64,)
    dropout: float = 0.0
    weight_decay: float = 0.0
    init_scale: float = 1.0
    first_bias: float = 0.0  # of the first hidden layer; -10 kills every ReLU
    sign: float = 1.0  # -1 climbs the loss instead
    labels: str = "true"  # true | shuffled
    examples: int | None = None  # train on so many only
    scaled: bool = True  # inputs standardized
    seed: int = 0


@dataclass(frozen=True)
class Case:
    """A setup, the cause of its trouble ("healthy" for none), and the curves that came of it."""

    cause: str
    setup: Setup
    curves: dict[str, list[float]]
    num_classes: int | None
    train_examples: int
    val_examples: int


LOADERS: dict[str, Callable[[], Any]] = {
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
}


def load(name: str, setup: Setup) -> Task:
    """A task split 70 to 30 with a fixed seed, its inputs standardized unless `setup.scaled` is off."""
    bunch = LOADERS[name]()
    inputs, targets = bunch.data.astype(float), bunch.target
    regression = name == "diabetes"
    order = np.random.default_rng(7).permutation(len(inputs))
    cut = int(0.7 * len(inputs))
    train, validation = order[:cut], order[cut:]
    if setup.scaled:
        center, spread = inputs[train].mean(0), inputs[train].std(0) + 1e-8
        inputs = (inputs - center) / spread
    targets = targets / 100.0 if regression else targets  # a rate that suits needs targets of order one
    if setup.examples is not None:
        train = train[: setup.examples]
    train_targets = targets[train]
    if setup.labels == "shuffled":
        train_targets = np.random.default_rng(setup.seed).permutation(train_targets)
    classes = None if regression else int(targets.max()) + 1
    return Task(name, (inputs[train], train_targets), (inputs[validation], targets[validation]), classes)


def rate_at(setup: Setup, epoch: int) -> float:
    """The learning rate in epoch `epoch`, counted from 0."""
    part = epoch / setup.epochs
    if setup.schedule == "step":
        return float(setup.learning_rate * 0.1 ** int(part * 3))
    if setup.schedule == "cosine":
        return float(setup.learning_rate * 0.5 * (1 + np.cos(np.pi * part)))
    if setup.schedule == "warmup":
        return float(setup.learning_rate * min(1.0, (epoch + 1) / 5))
    return setup.learning_rate


def forward(
    weights: list[np.ndarray], inputs: np.ndarray, dropout: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Activations of every layer; the last are the scores."""
    layers = [inputs]
    for index in range(0, len(weights), 2):
        values = layers[-1] @ weights[index] + weights[index + 1]
        if index < len(weights) - 2:
            values = np.maximum(values, 0)
            if dropout:
                values = values * (rng.random(values.shape) >= dropout) / (1 - dropout)
        layers.append(values)
    return layers


def loss_of(scores: np.ndarray, targets: np.ndarray, num_classes: int | None) -> tuple[float, float, np.ndarray]:
    """Mean loss, accuracy (NaN for a regression), and the gradient with respect to the scores."""
    if num_classes is None:
        error = scores[:, 0] - targets
        return float((error**2).mean()), float("nan"), (2 * error / len(error))[:, None]
    shifted = scores - scores.max(1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    rows = np.arange(len(targets))
    gradient = np.exp(log_probability)
    gradient[rows, targets] -= 1
    return (
        float(-log_probability[rows, targets].mean()),
        float((scores.argmax(1) == targets).mean()),
        gradient / len(rows),
    )


def gradients(weights: list[np.ndarray], layers: list[np.ndarray], gradient: np.ndarray) -> list[np.ndarray]:
    """Gradients of all weights, by walking the layers backward."""
    found: list[np.ndarray] = []
    for index in range(len(weights) - 2, -1, -2):
        before = layers[index // 2]
        found = [before.T @ gradient, gradient.sum(0), *found]
        gradient = (gradient @ weights[index].T) * (before > 0)
    return found


def update(setup: Setup, rate: float, weight: np.ndarray, gradient: np.ndarray, memory: list[Any], step: int) -> None:
    """One step of one weight, in place; `memory` holds the optimizer's two slots."""
    weight -= rate * setup.weight_decay * weight
    if setup.optimizer == "adam":
        memory[0] = 0.9 * memory[0] + 0.1 * gradient
        memory[1] = 0.999 * memory[1] + 0.001 * gradient**2
        gradient = memory[0] / (1 - 0.9**step) / (np.sqrt(memory[1] / (1 - 0.999**step)) + 1e-7)
    elif setup.optimizer == "momentum":
        memory[0] = 0.9 * memory[0] + gradient
        gradient = memory[0]
    weight -= setup.sign * rate * gradient


def train(setup: Setup) -> Case:
    """Train one network and return its curves as Keras would: running means over the epoch, then validation."""
    task, rng = load(setup.task, setup), np.random.default_rng(setup.seed)
    (inputs, targets), outputs = task.train, task.num_classes or 1
    sizes = [inputs.shape[1], *setup.hidden, outputs]
    weights: list[np.ndarray] = []
    for fan_in, fan_out in pairwise(sizes):
        scale = setup.init_scale * np.sqrt((1 if fan_out == outputs else 2) / fan_in)
        weights += [rng.normal(0, scale, (fan_in, fan_out)), np.zeros(fan_out)]
    weights[1] += setup.first_bias
    memory = [[np.zeros_like(w), np.zeros_like(w)] for w in weights]
    curves: dict[str, list[float]] = {
        "loss": [],
        "accuracy": [],
        "val_loss": [],
        "val_accuracy": [],
        "learning_rate": [],
    }
    step = 0
    for epoch in range(setup.epochs):
        order, batches = rng.permutation(len(inputs)), []
        for start in range(0, len(order), setup.batch_size):
            step, batch = step + 1, order[start : start + setup.batch_size]
            layers = forward(weights, inputs[batch], setup.dropout, rng)
            loss, accuracy, gradient = loss_of(layers[-1], targets[batch], task.num_classes)
            batches.append((loss, accuracy, len(batch)))
            for weight, slope, slots in zip(weights, gradients(weights, layers, gradient), memory, strict=True):
                update(setup, rate_at(setup, epoch), weight, slope, slots, step)
        loss, accuracy, _ = loss_of(
            forward(weights, task.validation[0], 0.0, rng)[-1], task.validation[1], task.num_classes
        )
        means = np.average([b[:2] for b in batches], axis=0, weights=[b[2] for b in batches])
        for name, value in zip(curves, (*means, loss, accuracy, rate_at(setup, epoch)), strict=True):
            curves[name].append(float(np.float32(value)))
    if task.num_classes is None:
        del curves["accuracy"], curves["val_accuracy"]
    return Case("", setup, curves, task.num_classes, len(inputs), len(task.validation[0]))
