"""What may a diagnosis know besides the curves? Everything is optional; what is known makes a verdict surer.

With the number of classes chance has a value; with the size of the validation set noise has one; with the current
settings a remedy becomes a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuner.recipe.ladder import mixes
from tuner.records import Trial


@dataclass(frozen=True)
class OfRecipe:
    """What a recipe says of the network and its images: remedies are then settings of it, not of single layers."""

    backbone: str
    normalization: str = "own"
    pretrained: bool = True
    trainable: str = "none"  # of the backbone's layers
    augmentation: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()
    image_size: tuple[int, int] = (224, 224)  # height and width in pixels
    class_names: tuple[str, ...] = ()


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
    images: bool | None = None  # the inputs are images: distorted ones are new examples
    labels_mixed: bool = False  # training is measured on mixed images, where no model is as right as on whole ones
    keeps_best: bool = False  # what is kept are the weights of the best epoch, not of the last
    stops_early: bool = False  # the run ends by itself soon after its best epoch, and keeps that
    next_stage: bool = False  # a transfer stage with more trainable layers follows
    l2: float | None = None
    batch_norm_trains: bool | None = None  # batch normalization computes with the batch
    optimizer: str | None = None  # its class in Keras
    recipe: "OfRecipe | None" = None  # where a recipe says what is trained; None for a program


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
        l2=point.l2 if context.l2 is None else context.l2,
        optimizer=point.optimizer if context.optimizer is None else context.optimizer,
        recipe=context.recipe and replace(context.recipe, trainable=point.trainable, augmentation=point.augmentation),
        keeps_best=True,
        augmented=bool(point.augmentation) if context.augmented is None else context.augmented,
        labels_mixed=context.labels_mixed or mixes(point.augmentation),
    )


def _scheduled(trial: Trial) -> bool:
    point = trial.hyperparameters
    return point.schedule != "none" or point.warmup_epochs > 0 or trial.spec.ramp is not None
