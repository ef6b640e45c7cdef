"""Which layers train when? The lecture's table of transfer learning, filled in with what was measured.

                similar to ImageNet                 different
    small       the last layer only                 hard: the whole model at a small rate
    large       half of the layers, then all        the whole model

Two rules come with it. Every stage begins from a trained head: a fresh one sends large, random gradients into
pretrained layers. And batch normalization is held wherever weights are pretrained: its averages take thousands of steps
to follow, and a model that is tested with stale ones knows less than it learned.

Source: the lecture's slides on transfer learning; CS231n, "Transfer learning"; https://keras.io/guides/transfer_learning/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.recipe import Recipe

LARGE = 5_000  # training images; no source gives a number: below it, some hundred images a class are the rule
SIMILAR = 0.5  # of the accuracy between chance (0) and perfect (1) that a linear readout of the frozen features reaches
FINE_TUNE_FACTOR = 0.1  # of the head's learning rate: "1/10 of the original" (the lecture)
LISTED = "the recipe lists it"


@dataclass(frozen=True)
class Stage:
    """One stage of transfer learning; each starts from the best weights of the one before."""

    name: str
    trainable: str  # none | half | all | last:N | from:LAYER, of the backbone; the head always trains
    epochs: int  # at most
    learning_rate_factor: float  # times optimizer.learning_rate
    freeze_batch_norm: bool
    because: str = ""


def stages(recipe: Recipe, train_examples: int, similarity: float | None) -> tuple[Stage, ...]:
    """The stages that a recipe lists, or what `transfer: auto` becomes for this data.

    Args:
        recipe: its `transfer`, `model.weights` and `steps.change.epochs` are read.
        train_examples: number of training images.
        similarity: to the pre-training data, in [0, 1]: accuracy of a linear readout of the frozen features, 0 at
            chance; None if nobody measured it.

    Each stage says in `because` why it is there.
    """
    epochs = recipe.steps.change.epochs
    if recipe.transfer != "auto":
        return tuple(
            Stage(s.name, s.trainable, s.epochs or epochs, s.learning_rate_factor, s.freeze_batch_norm, LISTED)
            for s in recipe.transfer
        )
    if recipe.model.weights is None:
        because = "the weights are random: there is nothing to transfer, so every layer trains from the start"
        return (Stage("all", "all", epochs, 1.0, False, because),)
    head = Stage("head", "none", epochs, 1.0, True, "a new head trains first, on features that stay as they are")
    large, similar = train_examples >= LARGE, similarity is None or similarity >= SIMILAR
    case = f"{_size(train_examples, large)}, {_likeness(similarity, similar)}"
    half = Stage("half", "half", epochs, FINE_TUNE_FACTOR, True, f"{case}: first the upper half of the layers")
    if not large and similar:
        return (_because(head, f"{case}: train the last layer only"),)
    if large and similar:
        return head, half, _all(epochs, f"{case}: then the whole model, at a tenth of the rate")
    if large:
        return head, _all(epochs, f"{case}: the whole model, from a trained head")
    return head, _all(epochs, f"{case}, the hard case: the whole model at a small rate")


def _all(epochs: int, because: str) -> Stage:
    return Stage("all", "all", epochs, FINE_TUNE_FACTOR, True, because)


def _because(stage: Stage, because: str) -> Stage:
    return Stage(
        stage.name, stage.trainable, stage.epochs, stage.learning_rate_factor, stage.freeze_batch_norm, because
    )


def _size(examples: int, large: bool) -> str:
    return f"{examples:,} training images are {'many' if large else 'few'} ({LARGE:,} and more are many)"


def _likeness(similarity: float | None, similar: bool) -> str:
    if similarity is None:
        return "taken for similar to the pre-training data, since nobody measured it"
    relation = "similar to" if similar else "different from"
    return f"{relation} the pre-training data (similarity {similarity:.2f}, from {SIMILAR} on it counts as similar)"
