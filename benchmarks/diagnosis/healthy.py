"""Which setups should be left alone? Optimizers, schedules, sizes, norms, units: all that a sound run may be.

A setup is a candidate only: `keep.is_healthy` decides by the outcome whether a run of it really is sound.
"""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.diagnosis.reference import OPTIMIZERS, base
from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task

SLOW = ("cnn", "conv1d")  # networks of which a run takes seconds


def healthy(task: Task) -> Iterator[tuple[str, Setup]]:
    """(variant, setup) of one task; seeds are up to the caller."""
    for optimizer in OPTIMIZERS:
        plain = base(task, optimizer)
        yield "plain", plain
        for schedule in ("cosine", "step", "one_cycle"):
            yield schedule, replace(plain, schedule=schedule, learning_rate=2 * plain.learning_rate)
    for optimizer in ("momentum", "adam"):
        plain = base(task, optimizer)
        yield "warmup and dropout", replace(plain, schedule="warmup", dropout=0.3)
        yield "batch norm", replace(plain, batch_norm=True)
        yield "long", replace(plain, epochs=3 * plain.epochs, schedule="cosine")
        yield "decay", replace(plain, l2=1e-4, schedule="exponential", learning_rate=2 * plain.learning_rate)
    plain = base(task)
    yield "batch norm, dropout, cosine", replace(plain, batch_norm=True, dropout=0.2, schedule="cosine")
    yield "small batches", replace(plain, batch_size=16, learning_rate=plain.learning_rate / 2)
    yield "large batches", replace(plain, batch_size=64, learning_rate=2 * plain.learning_rate)
    yield "wide", replace(plain, units=tuple(2 * units for units in task.units), schedule="cosine")
    yield "clipped", replace(plain, clipnorm=1.0)
    yield "half of the examples", replace(plain, examples=len(task.train[0]) // 2, epochs=2 * plain.epochs)
    yield "slow and long", replace(plain, learning_rate=plain.learning_rate / 3, epochs=3 * plain.epochs)
    if task.network == "mlp":
        yield "deep", replace(plain, units=(*task.units, *task.units), dropout=0.1)
        for activation in ("tanh", "elu"):
            yield activation, replace(plain, activation=activation)
    yield from _of_kind(task, plain)


def _of_kind(task: Task, plain: Setup) -> Iterator[tuple[str, Setup]]:
    """What only a classification, or only a regression, may be."""
    if task.classes == 0:
        for unit in (1e-4, 350.0, 1e6):
            yield f"loss in units of {unit:g}", replace(plain, unit=unit)
            yield (
                "in units, cosine",
                replace(plain, unit=unit, schedule="cosine", learning_rate=2 * plain.learning_rate),
            )
        return
    yield "smoothed labels", replace(plain, label_smoothing=0.1)
    yield "logits", replace(plain, head_activation="linear", from_logits=True)
    for ratio in (3.0, 6.0):
        yield f"imbalance {ratio:g}", replace(plain, imbalance=ratio)
