"""Which curves do known faults leave? Small networks on scikit-learn's tables, healthy and broken on purpose.

    python benchmarks/diagnosis/collect_small.py                  trains everything again, a minute on one core
    python benchmarks/diagnosis/collect_small.py --out FILE       somewhere else than tests/symptoms/real_curves.json.gz

The networks are plain NumPy, so that a fault is exactly what its name says and nothing else moves. A fault is kept
only if it hurts: its best validation loss must be clearly worse than the median of the healthy runs of the same task
(an injected fault that does no harm has a false label). A healthy run is kept only
if the optimum of its validation loss is not left behind by more than a tenth: otherwise it is an overfitted one.
"""

import argparse
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

OUT = Path(__file__).parents[2] / "tests" / "symptoms" / "real_curves.json.gz"
SEEDS = (0, 1, 2)
HURTS = 1.15  # a fault's best validation loss, as a multiple of the reference's: below it the fault did no harm
LEFT_BEHIND = 1.10  # the last validation loss of a healthy run, as a multiple of its best


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
# task -> epochs, and the rate that suits each optimizer (found by a sweep over powers of the square root of ten)
REFERENCE: dict[str, tuple[int, dict[str, float]]] = {
    "digits": (30, {"sgd": 1e-1, "momentum": 1e-2, "adam": 1e-3}),
    "wine": (40, {"sgd": 3e-2, "momentum": 3e-3, "adam": 1e-3}),
    "breast_cancer": (30, {"sgd": 3e-2, "momentum": 3e-3, "adam": 5e-4}),
    "diabetes": (30, {"sgd": 3e-3, "momentum": 3e-4, "adam": 1e-3}),
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


def healthy(task: str) -> Iterator[Setup]:
    """Setups that should be left alone: three optimizers, four schedules, with and without dropout."""
    epochs, rates = REFERENCE[task]
    for optimizer, rate in rates.items():
        base = Setup(task, optimizer, rate, epochs=epochs)
        yield base
        yield replace(base, schedule="step", learning_rate=2 * rate)
        yield replace(base, schedule="cosine", learning_rate=2 * rate)
        yield replace(base, dropout=0.3, schedule="warmup")
    yield replace(Setup(task, "adam", rates["adam"], epochs=epochs), dropout=0.5, hidden=(128, 64))
    yield replace(Setup(task, "adam", rates["adam"] / 2, epochs=2 * epochs), dropout=0.2, weight_decay=1e-2)


def faults(task: str) -> Iterator[tuple[str, Setup]]:
    """Setups that are broken in one named way, in several strengths."""
    epochs, rates = REFERENCE[task]
    for optimizer, rate in rates.items():
        base = Setup(task, optimizer, rate, epochs=epochs)
        for factor in (10, 100, 1000):
            yield "rate_high", replace(base, learning_rate=min(rate * factor, 10.0))
        for factor in (30, 300, 3000):
            yield "rate_low", replace(base, learning_rate=rate / factor)
    base = Setup(task, "adam", rates["adam"], epochs=epochs)
    for optimizer in ("momentum", "adam"):
        yield (
            "labels_shuffled",
            replace(
                base,
                optimizer=optimizer,
                learning_rate=3 * rates[optimizer],
                epochs=100,
                hidden=(256,),
                labels="shuffled",
            ),
        )
        yield (
            "few_examples",
            replace(
                base,
                optimizer=optimizer,
                learning_rate=3 * rates[optimizer],
                epochs=150,
                hidden=(256,),
                examples=60,
                batch_size=16,
            ),
        )
    yield "too_small", replace(base, hidden=(1,), epochs=2 * epochs, learning_rate=5 * rates["adam"])
    yield "too_small", replace(base, hidden=(1, 1), epochs=2 * epochs, learning_rate=5 * rates["adam"])
    yield "decay_high", replace(base, weight_decay=300.0, epochs=2 * epochs)
    yield "too_few_epochs", replace(base, epochs=6, learning_rate=rates["adam"] / 5)
    yield "climbs", replace(base, optimizer="sgd", learning_rate=rates["sgd"] / 30, sign=-1.0, epochs=15)
    yield "dead_relu", replace(base, first_bias=-30.0)
    yield "init_large", replace(base, init_scale=30.0)
    yield "init_zero", replace(base, init_scale=1e-4, hidden=(64, 64, 64, 64), learning_rate=rates["adam"] / 10)
    yield "not_scaled", replace(base, optimizer="sgd", learning_rate=rates["sgd"], scaled=False)


def best(case: Case) -> float:
    """Lowest validation loss of a run; infinity if it left the finite numbers."""
    values = np.array(case.curves["val_loss"])
    return float(values.min()) if np.isfinite(values).all() and np.isfinite(case.curves["loss"]).all() else float("inf")


def collect() -> list[Case]:
    """All cases that keep their label."""
    kept: list[Case] = []
    for task in LOADERS:
        references: list[float] = []
        for setup in healthy(task):
            for seed in SEEDS:
                case = replace(train(replace(setup, seed=seed)), cause="healthy")
                references.append(best(case))
                if case.curves["val_loss"][-1] <= LEFT_BEHIND * best(case):
                    kept.append(case)
        reference = float(np.median(references))
        for cause, setup in faults(task):
            cases = [replace(train(replace(setup, seed=seed)), cause=cause) for seed in SEEDS[:2]]
            if min(map(best, cases)) > HURTS * reference:
                kept += cases
        print(f"{task}: {len(kept)} curves kept so far", flush=True)
    return kept


def main() -> None:
    """Train, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    with np.errstate(all="ignore"):
        rows = [{**case.__dict__, "setup": case.setup.__dict__, "curves": shortened(case.curves)} for case in collect()]
    text = json.dumps(rows, separators=(",", ":")).encode()
    out.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(rows)} curves, {out.stat().st_size / 1024:.0f} KiB, in {out}")


def shortened(curves: dict[str, list[float]]) -> dict[str, list[Any]]:
    """Six digits are enough for a curve; what is not finite becomes a word, as everywhere in the project."""
    return {name: [float(f"{v:.6g}") if np.isfinite(v) else str(v) for v in values] for name, values in curves.items()}


if __name__ == "__main__":
    main()
