"""What may a diagnosis know besides the curves? Everything is optional; what is known makes a verdict surer.

With the number of classes chance has a value; with the size of the validation set noise has one; with the current
settings a remedy becomes a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.records import Trial


@dataclass(frozen=True)
class Context:
    """What is known about the run whose curves are judged."""

    num_classes: int | None = None
    class_frequencies: Sequence[float] | None = None  # of the training data, any positive scale: counts will do
    train_examples: int | None = None
    val_examples: int | None = None
    steps_per_epoch: int | None = None
    target: float | None = None  # validation accuracy that is wished for, in [0, 1]
    baseline_loss: float | None = (
        None  # loss of the best constant answer; for mean squared error the variance of the targets
    )
    learning_rate: float | None = None  # at the start of the run, after warm-up
    rate_is_scheduled: bool | None = None  # the rate changes during the run, or is meant to
    epochs_planned: int | None = None
    higher_is_better: bool = False  # the `loss` curves hold a score: they are judged upside down
    dropout: float | None = None
    weight_decay: float | None = None
    label_smoothing: float | None = None
    augmented: bool | None = None  # training images are distorted
    keeps_best: bool = False  # what is kept are the weights of the best epoch, not of the last
    stops_early: bool = False  # the run ends by itself soon after its best epoch, and keeps that
    next_stage: bool = False  # a transfer stage with more trainable layers follows


def for_trial(context: Context, trial: Trial) -> Context:
    """The context with what the trial's own settings add; what is there already stays."""
    point = trial.hyperparameters
    return replace(
        context,
        learning_rate=point.learning_rate if context.learning_rate is None else context.learning_rate,
        rate_is_scheduled=_scheduled(trial) if context.rate_is_scheduled is None else context.rate_is_scheduled,
        epochs_planned=trial.spec.epochs if context.epochs_planned is None else context.epochs_planned,
        dropout=point.dropout if context.dropout is None else context.dropout,
        weight_decay=point.weight_decay if context.weight_decay is None else context.weight_decay,
        label_smoothing=point.label_smoothing if context.label_smoothing is None else context.label_smoothing,
        keeps_best=True,
        augmented=bool(point.augmentation) if context.augmented is None else context.augmented,
    )


def _scheduled(trial: Trial) -> bool:
    point = trial.hyperparameters
    return point.schedule != "none" or point.warmup_epochs > 0 or trial.spec.ramp is not None
