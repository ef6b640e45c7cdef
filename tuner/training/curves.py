"""What is written down while a trial runs? Every batch's loss and rate, every epoch's means, and where the best was."""

import math
from dataclasses import dataclass, field

from tuner.records import LearningCurves, TrialSpec

FIRST_STEPS = 200  # batches whose loss is kept of a long, validated trial


@dataclass(frozen=True)
class InitialReading:
    """The loss of an untrained model, in nats."""

    data_loss: float  # plain cross-entropy
    total_loss: float  # with the l1 and l2 penalties of the head


@dataclass
class Log:
    """The curves of one trial as they grow; the only mutable part of a trial."""

    keep_steps: int | None = None  # how many batches' losses to keep; None for all
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    step_loss: list[float] = field(default_factory=list)
    step_learning_rate: list[float] = field(default_factory=list)
    steps: int = 0
    reason: str = ""  # why it diverged; empty as long as it has not
    _sums: tuple[float, float, int] = (0.0, 0.0, 0)  # of this epoch: loss, right answers, examples

    @classmethod
    def of(cls, spec: TrialSpec) -> "Log":
        """A log that keeps as many steps as the spec's kind of trial needs."""
        every = not spec.validate or spec.max_steps is not None or spec.ramp is not None
        return cls(None if every else FIRST_STEPS)

    @property
    def epochs(self) -> int:
        """Epochs that ended."""
        return len(self.loss)

    def step(self, loss: float, accuracy: float, rate: float, count: int) -> None:
        """One batch of `count` examples was trained on."""
        if self.keep_steps is None or self.steps < self.keep_steps:
            self.step_loss.append(loss)
            self.step_learning_rate.append(rate)
        self.steps += 1
        total, right, examples = self._sums
        self._sums = (total + loss * count, right + accuracy * count, examples + count)
        if not math.isfinite(loss):
            self.reason = f"loss became {worded(loss)} at epoch {self.epochs + 1}, step {self.steps}"

    def iteration(self, before: float, loss: float, accuracy: float, rate: float, count: int) -> None:
        """An epoch that was one step with all `count` examples, which had the loss `before` it and `loss` after it."""
        self.step(loss, accuracy, rate, count)
        if self.step_loss and len(self.step_loss) == self.steps:  # kept
            self.step_loss[-1] = before
        self.end_epoch(rate)

    def end_epoch(self, rate: float) -> None:
        """The epoch is over, at this learning rate."""
        total, right, examples = self._sums
        self.loss.append(total / examples)
        self.accuracy.append(right / examples)
        self.learning_rate.append(rate)
        self._sums = (0.0, 0.0, 0)

    def validated(self, loss: float, accuracy: float) -> None:
        """The epoch's validation."""
        self.val_loss.append(loss)
        self.val_accuracy.append(accuracy)
        if not math.isfinite(loss) and not self.reason:
            self.reason = f"val_loss became {worded(loss)} at epoch {self.epochs}"

    @property
    def best_epoch(self) -> int | None:
        """Counted from 1: the lowest val_loss, or the last epoch if nothing was validated; None before the first."""
        finite = [loss if math.isfinite(loss) else math.inf for loss in self.val_loss]
        return finite.index(min(finite)) + 1 if finite else self.epochs or None

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return self.epochs - (self.best_epoch or 0)

    def finished(self, spec: TrialSpec) -> bool:
        """Whether the trial ends here although epochs are left: good enough, or out of patience."""
        if spec.stop_at_accuracy is not None and self.accuracy[-1] >= spec.stop_at_accuracy:
            return True
        return spec.patience is not None and self.waited >= spec.patience

    def note(self) -> str:
        """The latest figures in one line."""
        _, _, examples = self._sums
        loss = self._sums[0] / examples if examples else self.loss[-1] if self.loss else math.nan
        accuracy = f" val_accuracy {self.val_accuracy[-1]:.3f}" if self.val_accuracy else ""
        return f"loss {loss:.3g}{accuracy}"

    def curves(self) -> LearningCurves:
        """What the record keeps."""
        names = ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "step_loss", "step_learning_rate")
        return LearningCurves(**{name: tuple(getattr(self, name)) for name in names})


def worded(value: float) -> str:
    """NaN, infinity or -infinity."""
    return "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
