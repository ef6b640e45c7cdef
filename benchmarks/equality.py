"""Is a head that trains among others the one that stock Keras trains alone? The greatest differences of weights.

    python benchmarks/equality.py                      on the backend of KERAS_BACKEND
    KERAS_BACKEND=jax python benchmarks/equality.py

Digits (64 pixels, 10 classes), five epochs at batch size 32, the last batch filled up. The reference is a `keras.Model`
with a stock optimizer, loss and regularizer, one head at a time; against it stand both banks with all heads of a case
in one, and NumPy's with one head at a time. `tests/training/test_heads_equal.py` asserts what is printed here.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits

from tuner.hyperparameters import Hyperparameters
from tuner.training.batches import Batch, Examples, epoch_of
from tuner.training.heads.bank import Bank, Plan, Start
from tuner.training.heads.keras_bank import KerasBank
from tuner.training.heads.numpy_bank import NumpyBank
from tuner.training.optimizers import optimizer_class

EPOCHS, BATCH, WIDTH, CLASSES, IMAGES = 5, 32, 64, 10, 210
GOAL = 1e-5  # greatest difference of a weight
ADAGRAD = 0.1  # where Keras's accumulator begins
RATES = (0.001, 0.003, 0.01)  # of the heads of a case

Array = np.ndarray[Any, Any]
Weights = list[list[Array]]  # of each head: kernels and biases


@dataclass(frozen=True)
class Step:
    """What every way of training is given for one step."""

    batch: Batch
    uniform: Array | None  # (B, values in front of the last layer)


def bank(**shared: Any) -> list[Hyperparameters]:
    """One head for each rate, alike in all else."""
    return [Hyperparameters(learning_rate=rate, **shared) for rate in RATES]


MOMENTUM: Mapping[str, Any] = {"optimizer": "SGD", "momentum": 0.9}
CASES: Mapping[str, list[Hyperparameters]] = {
    "SGD": bank(optimizer="SGD", momentum=0.0, weight_decay=0.0),
    "momentum": bank(**MOMENTUM, weight_decay=0.01),
    "Nesterov": bank(**MOMENTUM, nesterov=True, weight_decay=0.01),
    "Adam": bank(optimizer="Adam", weight_decay=0.0),
    "AdamW": bank(optimizer="AdamW", weight_decay=0.1),
    "RMSprop": bank(optimizer="RMSprop", momentum=0.0, weight_decay=0.01),
    "RMSprop with momentum": bank(optimizer="RMSprop", momentum=0.5, weight_decay=0.01),
    "Adagrad": bank(optimizer="Adagrad", weight_decay=0.01),
    "NovoGrad": bank(optimizer="NovoGrad", weight_decay=0.01),
    "smoothing": bank(**MOMENTUM, label_smoothing=0.1),
    "l1 and l2": bank(**MOMENTUM, l1=1e-3, l2=1e-2),
    "clipnorm": bank(optimizer="AdamW", global_clipnorm=0.05),
    "dropout": bank(**MOMENTUM, dropout=0.3) + bank(**MOMENTUM, dropout=0.5),
    "hidden layer": bank(optimizer="AdamW", head_units=(16,), l2=1e-3),
    "hidden layer, dropout": bank(**MOMENTUM, head_units=(16,), dropout=0.3, global_clipnorm=0.5),
    "hidden layer, RMSprop": bank(optimizer="RMSprop", momentum=0.5, head_units=(16,)),
    "hidden layer, NovoGrad": bank(optimizer="NovoGrad", weight_decay=0.01, head_units=(16,)),
}
MIXED = [point for name, points in CASES.items() if "hidden" not in name for point in points[:2]]


def examples() -> Examples:
    """Pixels in [0, 1]."""
    pixels, labels = load_digits(return_X_y=True)
    return Examples.all_of((pixels[:IMAGES] / 16).astype(np.float32), labels[:IMAGES].astype(np.int64))


def plan_of(points: Sequence[Hyperparameters]) -> Plan:
    """Heads with weights of their own, neighbors in the order that `Plan` wants."""
    random = np.random.default_rng(0)
    sizes = (WIDTH, *points[0].head_units, CLASSES)
    starts = []
    for point in points:
        weights: list[Array] = []
        for rows, columns in pairwise(sizes):
            weights += [random.normal(0, rows**-0.5, (rows, columns)).astype(np.float32), np.zeros(columns, np.float32)]
        starts.append(Start([*weights[:-2], np.array(point.dropout, np.float32), *weights[-2:]]))
    return Plan(tuple(points), tuple(starts), WIDTH, CLASSES)


def steps(plan: Plan) -> Iterator[Step]:
    """Every batch of every epoch, with class weights, and the draw that dropout takes."""
    random = np.random.default_rng(1)
    class_weights = np.linspace(0.5, 1.5, CLASSES).astype(np.float32)
    drops = any(point.dropout for point in plan.points)
    for epoch in range(EPOCHS):
        for batch in epoch_of(examples(), BATCH, (0, epoch), class_weights):
            yield Step(batch, random.random((BATCH, plan.dropped), np.float32) if drops else None)


def one_by_one(plan: Plan) -> list[Plan]:
    """A plan for each head."""
    alone = zip(plan.points, plan.starts, strict=True)
    return [Plan((point,), (start,), plan.width, plan.num_classes) for point, start in alone]


def by_bank(make: Callable[[Plan], Bank], plan: Plan) -> Weights:
    """All heads of `plan` in one bank."""
    trained = make(plan)
    rates = np.array([point.learning_rate for point in plan.points], np.float32)
    for step in steps(plan):
        batch = step.batch
        trained.step(batch.inputs, batch.labels, batch.weights, rates, step.uniform)
    return [[value for value in trained.head(place) if value.ndim] for place in range(len(plan.points))]


def by_keras(plan: Plan) -> Weights:
    """One head after the other, by nothing but Keras; heads alike but for the rate share a compiled model."""
    return [_alone(own) for own in one_by_one(plan)]


@cache
def stock_model(point: Hyperparameters) -> keras.Model:
    """Features and dropout's factors -> logits, compiled with what Keras ships."""
    features, factors = keras.Input((WIDTH,)), keras.Input((*point.head_units, WIDTH)[:1])
    penalty = keras.regularizers.L1L2(point.l1, point.l2)
    x = features
    for width in point.head_units:
        x = keras.layers.Dense(width, activation="relu", kernel_regularizer=penalty)(x)
    x = keras.layers.Multiply()([x, factors])
    model = keras.Model([features, factors], keras.layers.Dense(CLASSES, kernel_regularizer=penalty)(x))
    own = {"SGD": ("momentum", "nesterov"), "RMSprop": ("momentum",)}.get(point.optimizer, ())
    optimizer = optimizer_class(point.optimizer)(
        learning_rate=point.learning_rate,
        weight_decay=point.weight_decay or None,
        global_clipnorm=point.global_clipnorm,
        **{name: getattr(point, name) for name in own},
    )
    optimizer.build(model.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=point.label_smoothing)
    model.compile(optimizer, loss)
    return model


def _alone(plan: Plan) -> list[Array]:
    """The weights of the only head of `plan`."""
    point, start = plan.points[0], plan.starts[0]
    model = stock_model(point.replace("optimizer.learning_rate", 1.0).replace("model.dropout", 0.0))
    model.set_weights([value for value in start.weights if value.ndim])
    for variable in model.optimizer.variables:
        start = ADAGRAD if "accumulator" in variable.path else 0.0
        variable.assign(np.full(variable.shape, start, variable.dtype))
    model.optimizer.learning_rate = point.learning_rate
    rate = np.float32(point.dropout)
    for step in steps(plan):
        batch = step.batch
        factors = np.ones((BATCH, plan.dropped), np.float32)
        if step.uniform is not None:
            factors = (step.uniform >= rate) / (1 - rate)
        truth = np.eye(plan.num_classes, dtype=np.float32)[batch.labels]
        share = batch.weights * np.float32(BATCH / batch.weights.sum())  # Keras divides by the size of the batch
        model.train_on_batch([batch.inputs, factors], truth, share)
    return [np.array(value) for value in model.get_weights()]


def greatest(one: Weights, other: Weights) -> float:
    """The greatest difference of a weight; infinite where one is not a number."""
    differences = [np.abs(a - b).max() for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)]
    return float(np.nan_to_num(max(differences), nan=np.inf)) if np.isfinite(differences).all() else np.inf


def differences(points: Sequence[Hyperparameters]) -> dict[str, float]:
    """Against stock Keras: NumPy's bank fused, NumPy's with one head at a time, Keras's fused."""
    plan = plan_of(points)
    stock = by_keras(plan)
    ways = {
        "numpy fused": by_bank(NumpyBank, plan),
        "numpy alone": [by_bank(NumpyBank, own)[0] for own in one_by_one(plan)],
        "keras fused": by_bank(KerasBank, plan),
    }
    return {name: greatest(weights, stock) for name, weights in ways.items()}


def main() -> None:
    """Print a line a case; exit status 1 if a difference is above the goal."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"backend {keras.backend.backend()}, {keras.distribution.list_devices()}; goal {GOAL:g}")
    worst = 0.0
    for name, points in {**CASES, "mixed": MIXED}.items():
        found = differences(points)
        worst = max(worst, *found.values())
        print(f"{name:24}" + "".join(f"{way} {value:.1e}   " for way, value in found.items()), flush=True)
    raise SystemExit(worst > GOAL)


if __name__ == "__main__":
    main()
