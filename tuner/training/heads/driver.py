"""How do many heads run through their epochs together? The same batches for all, and a log for each.

A head that diverged, lost patience or reached its accuracy is over; when half of a bank is over, the others go on in a
smaller one. What a head's log says is what `tuner.training.loop` would have written for it alone.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.training.batches import Batch, epoch_of
from tuner.training.checkpoints import Checkpoint
from tuner.training.course import Course
from tuner.training.curves import Log
from tuner.training.heads.bank import Array, Bank, Plan, Start
from tuner.training.scores import losses_and_hits

DROPOUT = 1  # stream of a seed and an epoch; the order of the examples is drawn from another
SCORES_AT_ONCE = 1 << 22  # logits of one part of the validation images; 32 MB as float64

Show = Callable[[Batch, int], Array]  # a batch and its epoch, from 0 -> the features (B, D) that the heads see of it
Make = Callable[[Plan], Bank]


@dataclass
class Head:
    """One trial on its way."""

    course: Course
    log: Log
    best: list[Array] | None = None  # weights of the best epoch, if they are to be kept
    kept: Checkpoint | None = None  # of a head that is over
    over: bool = False


@dataclass(frozen=True)
class Band:
    """Heads that train together, and their bank."""

    heads: Sequence[Head]  # in the order of the plan
    plan: Plan
    bank: Bank

    def on_their_way(self, make: Make) -> "Band":
        """Those that are not over, in a bank of their own, where they stand; the same band while most still train."""
        places = [place for place, head in enumerate(self.heads) if not head.over]
        if 2 * len(places) > len(self.heads):
            return self
        points = tuple(self.plan.points[place] for place in places)
        starts = tuple(Start(self.bank.head(place), self.bank.state(place)) for place in places)
        plan = Plan(points, starts, self.plan.width, self.plan.num_classes)
        return Band([self.heads[place] for place in places], plan, make(plan))


def train_heads(
    courses: Sequence[Course], plan: Plan, make: Make, show: Show, progress: Progress, stop: StopFlag
) -> list[tuple[Log, Checkpoint | None]]:
    """Run trials that share everything but values; a log for each, and what to keep of it.

    `courses` are in the order of `plan`, and alike in examples, batch size, seed and number of steps.
    """
    every = [Head(course, Log.of(course.spec)) for course in courses]
    band = Band(every, plan, make(plan))
    with _reported(progress, courses[0], len(every)):
        for epoch in range(courses[0].epochs):
            _train_epoch(band, epoch, show, progress, stop)
            _validate(band, stop)
            for place, head in enumerate(band.heads):
                if not head.over:
                    _look(band, place, last=epoch + 1 == courses[0].epochs)
            if all(head.over for head in band.heads):
                break
            band = band.on_their_way(make)
    return [(head.log, head.kept) for head in every]


def _train_epoch(band: Band, epoch: int, show: Show, progress: Progress, stop: StopFlag) -> None:
    """Every batch of the epoch through the bank; then the logs."""
    first = band.heads[0].course
    key, before = first.epochs_before + epoch, epoch * first.steps_per_epoch
    steps = min(first.steps_per_epoch, first.steps - before)
    rates = _rates(band, before, steps)
    random = np.random.default_rng(np.random.SeedSequence([first.spec.seed, key, DROPOUT]))
    drops = any(point.dropout for point in band.plan.points)
    found: list[tuple[Array, Array, int]] = []
    for batches in _parts(_batches(first, key, steps), band.bank.at_once):
        stop.check()
        features = _stacked([show(batch, key) for batch in batches])
        labels, weights = (_stacked([getattr(batch, name) for batch in batches]) for name in ("labels", "weights"))
        uniform = random.random((*labels.shape, band.plan.dropped), np.float32) if drops else None
        rate = rates[len(found) : len(found) + len(batches)].astype(np.float32)
        losses, accuracies = band.bank.steps(features, labels, weights, rate, uniform)
        found.extend(zip(losses, accuracies, [batch.count for batch in batches], strict=True))
        progress.advance(len(batches), _note(band, losses[-1]))
    _write(band, rates, found)


def _rates(band: Band, before: int, steps: int) -> Array:
    """The rates (steps, heads) of the steps from number `before` on; heads whose peaks alone differ share the work."""
    factors: dict[Hashable, Array] = {}
    columns = []
    for head in band.heads:
        shape = head.course.shape(head.log)
        if shape not in factors:
            factors[shape] = np.array([head.course.factor_at(before + n, head.log) for n in range(steps)])
        columns.append(head.course.peak * factors[shape])
    return np.stack(columns, axis=1)


def _batches(course: Course, key: int, steps: int) -> Iterator[Batch]:
    """The first `steps` batches of the epoch `key`."""
    order = (course.spec.seed, key) if course.shuffle else None
    batches = epoch_of(course.train, course.spec.hyperparameters.batch_size, order, course.class_weights)
    return (batch for _, batch in zip(range(steps), batches, strict=False))


def _parts(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """The batches in order, `size` at a time; the last part may be shorter."""
    while part := list(islice(batches, size)):
        yield part


def _stacked(arrays: Sequence[Array]) -> Array:
    """The arrays one above the other; a single one is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def _note(band: Band, losses: Array) -> str:
    """The lowest loss of this batch, and the best validation so far, of the heads on their way."""
    here = [float(loss) for head, loss in zip(band.heads, losses, strict=True) if not head.over]
    known = [head.log.val_accuracy[-1] for head in band.heads if head.log.val_accuracy and not head.log.reason]
    return f"loss {min(here):.3g}" + (f" val_accuracy {max(known):.3f}" if known else "")


def _write(band: Band, rates: Array, found: Sequence[tuple[Array, Array, int]]) -> None:
    """An epoch into the logs of the heads that are not over; a head's ends where its loss leaves the numbers."""
    losses, accuracies = (np.stack([np.asarray(step[n]) for step in found], axis=1).tolist() for n in (0, 1))
    counts = [count for _, _, count in found]
    for place, head in enumerate(band.heads):
        if head.over:
            continue
        rate = math.nan
        for loss, accuracy, rate, count in zip(
            losses[place], accuracies[place], rates[:, place].tolist(), counts, strict=True
        ):
            head.log.step(loss, accuracy, rate, count)
            if head.log.reason:
                break
        head.log.end_epoch(rate)


def _validate(band: Band, stop: StopFlag) -> None:
    """Measure validation; of a head that just diverged it is NaN, unmeasured."""
    validation = band.heads[0].course.validation
    if validation is None:
        return
    size = max(1, SCORES_AT_ONCE // (len(band.heads) * band.plan.num_classes))
    total, right, count = np.zeros(len(band.heads)), np.zeros(len(band.heads)), len(validation.labels)
    for begin in range(0, count, size):
        stop.check()
        rows = slice(begin, begin + size)
        losses, hits = losses_and_hits(band.bank.scores(np.asarray(validation.inputs[rows])), validation.labels[rows])
        total += losses
        right += hits
    for head, loss, accuracy in zip(band.heads, (total / count).tolist(), (right / count).tolist(), strict=True):
        if not head.over:
            head.log.validated(*((math.nan, math.nan) if head.log.reason else (loss, accuracy)))


def _look(band: Band, place: int, last: bool) -> None:
    """After an epoch: remember the best weights; see whether the head is over, and keep what it is to leave."""
    head = band.heads[place]
    spec, log = head.course.spec, head.log
    if log.reason:
        head.best, head.over = None, True
        return
    if spec.keep and log.best_epoch == log.epochs:
        head.best = band.bank.head(place)
    head.over = last or log.finished(spec)
    if head.over and head.best is not None:
        weights = {"head": head.best}
        now = weights if log.best_epoch == log.epochs else {"head": band.bank.head(place)}
        head.kept = Checkpoint(weights, now, band.bank.state(place), head.course.epochs_before + log.epochs)


@contextmanager
def _reported(progress: Progress, course: Course, heads: int) -> Iterator[None]:
    progress.start(f"{heads} heads at once" if heads > 1 else "1 head", course.steps, "steps")
    try:
        yield
    finally:
        progress.end()
