"""How does one trial run, from its first batch to its last? The only place where a training step is taken.

Whatever decides a trial stands in its `TrialSpec`, its parent, the recipe and the data: equal specs, equal trials.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from tuner.interrupts import StopFlag
from tuner.models import AUXILIARY
from tuner.progress import Progress
from tuner.training.averages import averaged
from tuner.training.batches import epoch_of
from tuner.training.checkpoints import Checkpoint, Weights, copied
from tuner.training.course import Course
from tuner.training.curves import Log
from tuner.training.family import Family
from tuner.training.optimizers import slots
from tuner.training.scores import loss_and_accuracy
from tuner.training.stepping import Ahead, Taken, stepping


def train(family: Family, course: Course, progress: Progress, stop: StopFlag) -> tuple[Log, Checkpoint | None]:
    """Run the trial from where `family` stands now.

    Returns its log, and what to keep of it: None unless the spec says `keep`, or if it diverged.
    """
    log, best = Log.of(course.spec), None
    with _reported(progress, course):
        for epoch in range(course.epochs):
            _train_epoch(family, course, log, epoch, progress, stop)
            with averaged(family.optimizer):
                _validate(family, course, log, stop)
                if log.reason:
                    return log, None
                if course.spec.keep and log.best_epoch == log.epochs:
                    best = copied(_kept_parts(family, course, best=True))
            if log.finished(course.spec):
                break
    return log, None if best is None else _checkpoint(family, course, log, best)


def _train_epoch(family: Family, course: Course, log: Log, epoch: int, progress: Progress, stop: StopFlag) -> None:
    """Train on each batch of an epoch; ends early at the last step of the trial, or when the loss is not finite."""
    spec, key = course.spec, course.epochs_before + epoch
    family.rekey(spec.seed, key)
    order = (spec.seed, key) if course.shuffle else None
    ahead, rate = Ahead(), math.nan
    with stepping(family) as step:
        for batch in epoch_of(course.train, spec.hyperparameters.batch_size, order, course.class_weights):
            stop.check()
            planned = course.rate_at(log.steps + len(ahead), log)
            ahead.steps.append(Taken(step(batch, planned), planned, batch.count))
            last = log.steps + len(ahead) == course.steps
            if last or ahead.due():
                rate = _written(ahead, log, progress, rate)
            if last or log.reason:
                break
        rate = _written(ahead, log, progress, rate)
    log.end_epoch(rate)


def _written(ahead: Ahead, log: Log, progress: Progress, rate: float) -> float:
    """Write down what the steps returned, up to the first loss that is not finite: what came after it never was.

    Returns the rate of the last step that is written down; `rate` if it is none of these.
    """
    for taken in ahead.drained():
        if not log.reason:
            rate = taken.rate
            log.step(*taken.figures(), rate, taken.count)
            progress.advance(1, log.note())
    return rate


def _validate(family: Family, course: Course, log: Log, stop: StopFlag) -> None:
    """Measure validation; of a trial that just diverged it is NaN, unmeasured."""
    if course.validation is None:
        return
    if log.reason:
        log.validated(math.nan, math.nan)
        return
    scores = family.scores(course.validation.inputs, stop.check)
    log.validated(*loss_and_accuracy(scores, course.validation.labels, family.trainee.from_logits))


def _kept_parts(family: Family, course: Course, best: bool) -> dict[str, Sequence[keras.Variable]]:
    """What is kept of the weights; of the best ones no auxiliary head, which only a training that goes on needs."""
    return {name: family.parts[name] for name in course.keep if not (best and name == AUXILIARY)}


def _checkpoint(family: Family, course: Course, log: Log, best: Weights) -> Checkpoint:
    same = log.best_epoch == log.epochs and AUXILIARY not in course.keep and not family.optimizer.use_ema
    last = best if same else copied(_kept_parts(family, course, best=False))
    return Checkpoint(best, last, slots(family.trainee.optimizer), course.epochs_before + log.epochs)


@contextmanager
def _reported(progress: Progress, course: Course) -> Iterator[None]:
    point = course.spec.hyperparameters
    progress.start(f"{point.optimizer} at {point.learning_rate:.3g}", course.steps, "steps")
    try:
        yield
    finally:
        progress.end()
