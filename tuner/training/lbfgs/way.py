"""How does one trial run, iteration for iteration? What is written down of it, and what it leaves.

One iteration is one epoch of the curves: the loss of all training images after it, and validation. Where the minimum is
reached, as far as numbers tell, further iterations change nothing; they are written down as such, so that the curves
are as long as those of the trials beside it.
"""

import math
from dataclasses import dataclass, field

from tuner.heads.threads import one_thread
from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.training.checkpoints import Checkpoint, Weights
from tuner.training.course import Course
from tuner.training.curves import Log
from tuner.training.lbfgs.minimum import descend
from tuner.training.lbfgs.objective import Array, Look, Objective
from tuner.training.scores import loss_and_accuracy

STEP = 1.0  # what stands in the curves for a learning rate: the line search begins with the whole quasi-Newton step


@dataclass
class Way:
    """A trial on its way."""

    objective: Objective
    course: Course
    from_logits: bool
    progress: Progress
    stop: StopFlag
    log: Log = field(init=False)
    here: tuple[Array, Look] = field(init=False)
    best: Weights | None = None
    over: bool = False

    def __post_init__(self) -> None:
        """Before the first iteration."""
        self.log = Log.of(self.course.spec)
        self.here = self.objective.start, self.objective.look(self.objective.start)

    @property
    def iterations(self) -> int:
        """How many at most."""
        return self.course.spec.max_steps or self.course.spec.epochs

    def go(self) -> tuple[Log, Checkpoint | None]:
        """Run it. Returns its log, and what to keep of it: None unless the spec says `keep`, or if it diverged."""
        self.progress.start("L-BFGS", self.iterations, "iterations")
        try:
            if math.isfinite(self.here[1].objective):
                with one_thread():  # more of them wait for each other (tuner/training/heads/numpy_bank.py)
                    descend(self.objective, self.iterations, self._see)
            while not self.over:
                self._see(*self.here)
        finally:
            self.progress.end()
        if self.best is None or self.log.reason:
            return self.log, None
        same = self.log.best_epoch == self.log.epochs
        last = self.best if same else self.objective.weights(self.here[0])
        return self.log, Checkpoint(self.best, last, (), self.course.epochs_before + self.log.epochs)

    def _see(self, x: Array, look: Look) -> bool:
        """Write an iteration down; whether it was the last one."""
        self.stop.check()
        (before, seen), self.here = self.here, (x, look)
        self.log.iteration(seen.loss, look.loss, look.accuracy, STEP, len(self.course.train))
        if self.course.validation is not None:
            self.log.validated(*self._validation(x, unmoved=before is x))
        if not self.log.reason and self.course.spec.keep and self.log.best_epoch == self.log.epochs:
            self.best = self.objective.weights(x)
        self.progress.advance(1, self.log.note())
        done = self.log.epochs == self.iterations or self.log.finished(self.course.spec)
        self.over = bool(self.log.reason) or done
        return self.over

    def _validation(self, x: Array, unmoved: bool) -> tuple[float, float]:
        """Loss and accuracy; of a trial that just diverged they are NaN, unmeasured."""
        if self.log.reason:
            return math.nan, math.nan
        if unmoved and self.log.val_loss:
            return self.log.val_loss[-1], self.log.val_accuracy[-1]
        assert self.course.validation is not None
        return loss_and_accuracy(self.objective.scores(x), self.course.validation.labels, self.from_logits)
