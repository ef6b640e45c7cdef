"""How does one trial run, from its first batch to its last? The only place where a training step is taken.

Whatever decides a trial stands in its `TrialSpec`, its parent, the recipe and the data: equal specs, equal trials.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.records import TrialSpec
from tuner.training.batches import Examples, epoch_of
from tuner.training.checkpoints import Checkpoint, Weights, copied
from tuner.training.curves import Log
from tuner.training.families import Family
from tuner.training.optimizers import slots
from tuner.training.schedules import ramp_rate, rate_at
from tuner.training.scores import loss_and_accuracy


@dataclass(frozen=True)
class Course:
    """One trial, ready to run: what is asked, on which examples, from which epoch on."""

    spec: TrialSpec
    train: Examples
    validation: Examples | None
    class_weights: np.ndarray | None  # (C,) float32
    shuffle: bool
    epochs_before: int  # of the trials that this one continues
    keep: tuple[str, ...]  # parts whose weights go into the file

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch; the last one may be filled up."""
        return -(-len(self.train) // self.spec.hyperparameters.batch_size)

    @property
    def steps(self) -> int:
        """Batches of this trial if nothing ends it early."""
        return self.spec.max_steps or self.spec.epochs * self.steps_per_epoch

    @property
    def epochs(self) -> int:
        """Epochs of this trial, the last of which `max_steps` may cut short."""
        return -(-self.steps // self.steps_per_epoch)

    def rate(self, log: Log) -> float:
        """The learning rate of the next batch."""
        if self.spec.ramp is not None:
            return ramp_rate(*self.spec.ramp, log.steps, self.steps)
        before = self.epochs_before * self.steps_per_epoch
        losses = log.val_loss or log.loss
        point = self.spec.hyperparameters
        return rate_at(point, before + log.steps, before + self.steps, self.steps_per_epoch, losses)


def train(family: Family, course: Course, progress: Progress, stop: StopFlag) -> tuple[Log, Checkpoint | None]:
    """Run the trial from where `family` stands now.

    Returns its log, and what to keep of it: None unless the spec says `keep`, or if it diverged.
    """
    log, best = Log.of(course.spec), None
    with _reported(progress, course):
        for epoch in range(course.epochs):
            _train_epoch(family, course, log, epoch, progress, stop)
            _validate(family, course, log, stop)
            if log.reason:
                return log, None
            if course.spec.keep and log.best_epoch == log.epochs:
                best = copied(_kept_parts(family, course))
            if _finished(course.spec, log):
                break
    return log, None if best is None else _checkpoint(family, course, log, best)


def _train_epoch(family: Family, course: Course, log: Log, epoch: int, progress: Progress, stop: StopFlag) -> None:
    """Train on each batch of an epoch; ends early at the last step of the trial, or when the loss is not finite."""
    spec, key = course.spec, course.epochs_before + epoch
    family.rekey(spec.seed, key)
    order = (spec.seed, key) if course.shuffle else None
    rate = set_rate = math.nan
    for batch in epoch_of(course.train, spec.hyperparameters.batch_size, order, course.class_weights):
        stop.check()
        rate = course.rate(log)
        if rate != set_rate:
            family.optimizer.learning_rate = set_rate = rate
        result = family.trainee.train_on_batch(batch.inputs, batch.labels, batch.weights, return_dict=True)
        log.step(float(result["loss"]), float(result["accuracy"]), rate, batch.count)
        progress.advance(1, log.note())
        if log.reason or log.steps == course.steps:
            break
    log.end_epoch(rate)


def _validate(family: Family, course: Course, log: Log, stop: StopFlag) -> None:
    """Measure validation; of a trial that just diverged it is NaN, unmeasured."""
    if course.validation is None:
        return
    if log.reason:
        log.validated(math.nan, math.nan)
        return
    scores = family.scores(course.validation.inputs, stop.check)
    log.validated(*loss_and_accuracy(scores, course.validation.labels, family.trainee.from_logits))


def _finished(spec: TrialSpec, log: Log) -> bool:
    """Whether the trial ends here although epochs are left."""
    if spec.stop_at_accuracy is not None and log.accuracy[-1] >= spec.stop_at_accuracy:
        return True
    return spec.patience is not None and log.waited >= spec.patience


def _kept_parts(family: Family, course: Course) -> dict[str, Sequence[keras.Variable]]:
    return {name: family.parts[name] for name in course.keep}


def _checkpoint(family: Family, course: Course, log: Log, best: Weights) -> Checkpoint:
    last = best if log.best_epoch == log.epochs else copied(_kept_parts(family, course))
    return Checkpoint(best, last, slots(family.trainee.optimizer), course.epochs_before + log.epochs)


@contextmanager
def _reported(progress: Progress, course: Course) -> Iterator[None]:
    point = course.spec.hyperparameters
    progress.start(f"{point.optimizer} at {point.learning_rate:.3g}", course.steps, "steps")
    try:
        yield
    finally:
        progress.end()
