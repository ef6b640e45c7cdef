"""What is done wrong on purpose? Each fault is a sound setup with what its name says changed, in several strengths.

A fault is kept only if it hurts over five seeds (`keep.hurts`): one that does no harm would have a false label.

Source: operators of DeepCrime and of DEFault's fault seeding, fault classes of TheDeepChecker, named here anew.
"""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.diagnosis.healthy import SLOW
from benchmarks.diagnosis.reference import OPTIMIZERS, base
from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task

Fault = tuple[str, str, Setup]  # cause, strength, setup


def faults(task: Task) -> Iterator[Fault]:
    """Every fault that makes sense for a task."""
    for kind in (_rates, _initialisation, _heads, _data, _labels, _layers, _capacity, _length):
        yield from kind(task)


def _rates(task: Task) -> Iterator[Fault]:
    optimizers = OPTIMIZERS[1:3] if task.network in SLOW else OPTIMIZERS
    for optimizer in optimizers:
        plain = base(task, optimizer)
        for factor in (10, 30, 100, 300):
            yield "rate_high", f"x{factor}", replace(plain, learning_rate=plain.learning_rate * factor)
        for factor in (30, 100, 1000):
            yield "rate_low", f"/{factor}", replace(plain, learning_rate=plain.learning_rate / factor)


def _initialisation(task: Task) -> Iterator[Fault]:
    for optimizer in ("momentum", "adam"):
        plain = base(task, optimizer)
        for std in (1.0, 5.0):
            yield "init_large", f"{std:g}", replace(plain, init_std=std)
        yield "init_zero", "zeros", replace(plain, initializer="zeros")
        yield "init_zero", "1e-4", replace(plain, init_std=1e-4)
        yield "init_zero", "ones", replace(plain, initializer="ones")


def _heads(task: Task) -> Iterator[Fault]:
    plain = base(task)
    if task.classes == 0:
        for activation in ("sigmoid", "relu", "softmax"):
            yield "head_or_loss", f"{activation} for a regression", replace(plain, head_activation=activation)
        return
    if task.classes == 2:
        yield "head_or_loss", "softmax over one unit", replace(plain, head_activation="softmax")
        yield "head_or_loss", "sigmoid read as logits", replace(plain, from_logits=True)
        yield "head_or_loss", "relu and binary", replace(plain, head_activation="relu")
        yield "head_or_loss", "linear read as probability", replace(plain, head_activation="linear")
        yield "head_or_loss", "tanh and binary", replace(plain, head_activation="tanh")
        return
    yield (
        "head_or_loss",
        "one unit for many classes",
        replace(plain, head_units=1, head_activation="sigmoid", loss="mean_squared_error_of_numbers"),
    )
    yield "head_or_loss", "squares of class numbers", replace(plain, loss="mean_squared_error_of_numbers")
    yield "head_or_loss", "squares, one-hot", replace(plain, loss="mean_squared_error")
    yield "head_or_loss", "softmax read as logits", replace(plain, from_logits=True)
    yield "head_or_loss", "linear read as probabilities", replace(plain, head_activation="linear")
    yield "head_or_loss", "relu and softmax loss", replace(plain, head_activation="relu")
    yield "head_or_loss", "sigmoid and softmax loss", replace(plain, head_activation="sigmoid")
    yield "head_or_loss", "absolute error", replace(plain, loss="mean_absolute_error")


def _data(task: Task) -> Iterator[Fault]:
    for optimizer in ("momentum", "adam"):
        plain = base(task, optimizer)
        if not task.vocabulary:
            for inputs in ("large", "offset", "mixed"):
                yield "inputs_unscaled", inputs, replace(plain, inputs=inputs)
        if task.classes == 0:
            for targets in ("large", "offset"):
                yield "targets_unscaled", targets, replace(plain, targets=targets)
        yield "input_ignored", "blank", replace(plain, inputs="blank")
    if task.classes:
        for ratio in (15.0, 30.0):
            yield "imbalance", f"{ratio:g} to 1", replace(plain, imbalance=ratio)
    for share in (0.5, 1.0):
        yield "leak", f"{share:g}", replace(plain, leak=share, epochs=2 * plain.epochs)


def _labels(task: Task) -> Iterator[Fault]:
    for optimizer in ("momentum", "adam"):
        plain = base(task, optimizer)
        wide = replace(plain, epochs=2 * plain.epochs, units=tuple(2 * units for units in task.units))
        for share in (0.2, 0.4):
            yield "label_noise", f"{share:g}", replace(wide, label_noise=share)
        yield "labels_shuffled", "all", replace(wide, label_noise=1.0)
        yield "climbs", "wrong sign", replace(plain, climbs=True, learning_rate=plain.learning_rate / 10)


def _layers(task: Task) -> Iterator[Fault]:
    plain, steady = base(task), base(task, "momentum")
    if task.nonlinear and task.network != "lstm":
        for width in ((), task.units[:1]):
            units = task.units + width
            yield "no_activation", f"{len(units)} layers", replace(plain, activation=None, units=units)
    if task.network == "mlp":
        for depth in (5, 9):
            units = (24,) * depth
            for setup in (plain, steady):
                yield "vanishing", f"sigmoid, {depth}", replace(setup, activation="sigmoid", units=units)
                yield "exploding", f"{depth} layers", replace(setup, init_std=1.0, units=units)
            yield "vanishing", f"tanh, small, {depth}", replace(steady, activation="tanh", init_std=0.03, units=units)
        for bias in (-5.0, -20.0):
            yield "dead_relu", f"bias {bias:g}", replace(plain, bias=bias)
            yield "dead_relu", f"bias {bias:g}, momentum", replace(steady, bias=bias)
    yield "frozen", "all", replace(plain, frozen="all")
    yield "frozen", "hidden", replace(plain, frozen="hidden")
    yield "batch_norm", "two at a time", replace(plain, batch_norm=True, batch_size=2, bn_momentum=0.5)
    yield "batch_norm", "averages lag", replace(plain, batch_norm=True, bn_momentum=0.9999)


def _capacity(task: Task) -> Iterator[Fault]:
    plain = base(task)
    for units in ((1,), (1, 1)):
        yield "too_small", f"{units}", replace(plain, units=units, epochs=2 * plain.epochs)
    for strength in (0.1, 1.0, 10.0):
        yield "over_regularized", f"L2 {strength:g}", replace(plain, l2=strength)
    for dropout in (0.8, 0.95):
        yield "over_regularized", f"dropout {dropout:g}", replace(plain, dropout=dropout)


def _length(task: Task) -> Iterator[Fault]:
    wide = tuple(8 * units for units in task.units)
    few = 40 if task.network in (*SLOW, "lstm") else 60
    for optimizer in ("momentum", "adam"):
        plain = base(task, optimizer)
        for share in (1, 2):
            yield (
                "overfitted",
                f"{share * few} examples",
                replace(plain, examples=share * few, units=wide, epochs=100, batch_size=16),
            )
        yield "overfitted", "all examples, wide, long", replace(plain, units=wide, epochs=4 * plain.epochs)
        for part in (3, 5):
            yield (
                "too_few_epochs",
                f"rate /{part}",
                replace(plain, epochs=max(6, plain.epochs // 4), learning_rate=plain.learning_rate / part),
            )
