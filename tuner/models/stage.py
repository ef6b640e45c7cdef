"""Which layers train when? The lecture's table of transfer learning; for `transfer: auto`, what was measured chooses.

                similar to ImageNet                 different
    small       the last layer only                 hard: the whole model at a small rate
    large       half of the layers, then all        the whole model

Each field of the table is a regime: one or more stages. The table says what to expect; `tuner/steps/transfer.py` tries
the regimes and chooses.

Two rules come with it. Every regime begins from a trained head: a fresh one sends large, random gradients into
pretrained layers. And batch normalization is held wherever weights stay near to where they were: its averages take
thousands of steps to follow, and a model that is tested with stale ones knows less than it learned.

Source: the lecture's slides on transfer learning; CS231n, "Transfer learning"; https://keras.io/guides/transfer_learning/
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tuner.recipe.gradual import expanded

if TYPE_CHECKING:
    from tuner.recipe import Recipe

LARGE = 2_000  # training images: some hundred a class of ten; no source gives a number, and the measurement decides
SIMILAR = 0.5  # share of a plain readout's errors that pretrained features take away: half of them (docs/LOG.md)
FINE_TUNE_FACTOR = 0.1  # of the head's learning rate: "1/10 of the original" (the lecture)
WHOLE_FACTOR = 10**-0.5  # of the same, where batch norm learns along and bears larger steps: half way to the head's
LEAST_STEPS = 250  # of training before averages that follow at 0.99 a step have left the old ones (0.99 ** 250 = 0.08)
LISTED = "the recipe lists it"

HEAD, HALF, SMALL, WHOLE = "head", "half_then_all", "all_small_rate", "all"
REGIMES = {
    HEAD: "the last layer only",
    HALF: "the upper half of the layers, then all",
    SMALL: "the whole model at a small rate",
    WHOLE: "the whole model",
}
"""Every regime in words, the cheapest first."""


@dataclass(frozen=True)
class Stage:
    """One stage of transfer learning; each starts from the best weights of the one before."""

    name: str
    trainable: str  # none | half | all | top:K/N | last:N | from:LAYER, of the backbone; the head always trains
    epochs: int  # at most
    learning_rate_factor: float  # of the second stage: times the rate of the first
    freeze_batch_norm: bool
    because: str = ""
    layer_decay: float = 1.0  # of the rate, from each third of the backbone to the one below


@dataclass(frozen=True)
class Field:
    """A field of the table: which regime the lecture advises, and where the data lie."""

    regime: str
    large: bool
    similar: bool
    because: str


def field_of(train_examples: int, similarity: float | None) -> Field:
    """Where data lie in the table.

    Args:
        train_examples: number of training images.
        similarity: to the pre-training data, in [0, 1]: the share of a plain readout's errors that a linear readout of
            the frozen features does not make; None if it could not be measured, which counts as similar.
    """
    large, similar = train_examples >= LARGE, similarity is None or similarity >= SIMILAR
    regime = (HALF if similar else WHOLE) if large else (HEAD if similar else SMALL)
    because = f"{_size(train_examples, large)}, {_likeness(similarity, similar)}"
    return Field(regime, large, similar, because)


def stages(recipe: Recipe, regime: str | None = None, because: str = "") -> tuple[Stage, ...]:
    """The stages that a recipe lists, or what `transfer: auto` becomes.

    Args:
        recipe: its `transfer`, `model.weights` and `steps.change.epochs` are read.
        regime: a key of `REGIMES`, if one was chosen; the head alone before that.
        because: why it was chosen.

    Each stage says in `because` why it is there.
    """
    epochs = recipe.steps.change.epochs
    if recipe.transfer != "auto":
        return tuple(
            Stage(
                s.name,
                s.trainable,
                s.epochs or epochs,
                s.learning_rate_factor,
                s.freeze_batch_norm,
                LISTED,
                s.layer_decay,
            )
            for s in expanded(recipe.transfer, epochs)
        )
    if not is_open(recipe):
        why = "the weights are random: there is nothing to transfer, so every layer trains from the start"
        return (Stage("all", "all", epochs, 1.0, False, why),)
    head = Stage("head", "none", epochs, 1.0, True, "a new head trains first, on features that stay as they are")
    if regime is None or regime == HEAD:
        return (replace(head, because=because or head.because),)
    return head, *(replace(stage, because=because) for stage in fine_tuning(regime, epochs))


def fine_tuning(regime: str, epochs: int) -> tuple[Stage, ...]:
    """The stages of a regime after the head's. Only `WHOLE` moves far enough for batch norm to learn anew."""
    return {
        HEAD: (),
        HALF: (
            Stage("half", "half", epochs, FINE_TUNE_FACTOR, True),
            Stage("then_all", "all", epochs, FINE_TUNE_FACTOR, True),
        ),
        SMALL: (Stage("all_small_rate", "all", epochs, FINE_TUNE_FACTOR, True),),
        WHOLE: (Stage("all", "all", epochs, WHOLE_FACTOR, False),),
    }[regime]


def is_open(recipe: Recipe) -> bool:
    """Whether it is for the run to decide what trains after the head."""
    return recipe.transfer == "auto" and recipe.model.weights is not None


def _size(examples: int, large: bool) -> str:
    return f"{examples:,} training images are {'many' if large else 'few'} ({LARGE:,} and more are many)"


def _likeness(similarity: float | None, similar: bool) -> str:
    if similarity is None:
        return "taken for similar to the pre-training data, since nobody could measure it"
    relation = "similar to" if similar else "different from"
    return f"{relation} the pre-training data (similarity {similarity:.2f}, from {SIMILAR} on it counts as similar)"
