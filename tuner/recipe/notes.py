"""What should the author of a recipe know that is no mistake? A sentence for whatever works otherwise than it looks.

`tuner check` shows them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.recipe.batch_norm import (
    DROPOUT_MOST,
    DROPOUT_NOTED,
    ever_trains,
    first_stage_moves,
    may_have_batch_norm,
)
from tuner.recipe.candidates import candidates
from tuner.recipe.gradual import expanded
from tuner.recipe.names import ENDS_IN_A_VECTOR, MIXING_AUGMENTATIONS

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe

SECOND = 1  # index of the stage that begins with a factor of the head's rate
DEEP_AND_PLAIN = "PlainNet56"  # the one backbone of the table that degrades


@dataclass(frozen=True)
class Note:
    """One sentence about one setting."""

    path: str
    sentence: str


def dropout_beside_batch_norm(recipe: "Recipe") -> Iterator[Note]:
    """Much dropout where batch normalization trains."""
    axis = recipe.search.space.get("model.dropout")
    values = [] if axis is None else [*(axis.values or ()), axis.max_value]
    most = max([recipe.model.dropout, *(float(v) for v in values if isinstance(v, int | float))])
    if most > DROPOUT_NOTED and ever_trains(recipe):
        yield Note(
            "model.dropout" if most == recipe.model.dropout else "search.space.model.dropout",
            f"a dropout of {most:g} stands beside batch normalization that trains and so regularizes already "
            f"(arXiv 1502.03167, 4.2.1): the tool itself would try at most {DROPOUT_MOST:g}, and a later stage in "
            "which batch normalization begins to train begins with no more",
        )


def auxiliary_head_of_a_frozen_stage(recipe: "Recipe") -> Iterator[Note]:
    """An auxiliary head in a recipe that begins with frozen layers."""
    if not recipe.model.auxiliary_head and "model.auxiliary_head" not in recipe.search.space:
        return
    pretrained = recipe.model.weights is not None
    frozen = pretrained if recipe.transfer == "auto" else any(stage.trainable == "none" for stage in recipe.transfer)
    if frozen:
        yield Note(
            "model.auxiliary_head",
            "where the backbone is frozen there is no layer that an auxiliary head could help: it is left out of those "
            "stages, and added where layers train",
        )


def mixed_labels(recipe: "Recipe") -> Iterator[Note]:
    """Layers that mix labels, which are class numbers."""
    axis = recipe.search.space.get("augmentation")
    tried = [recipe.augmentation, *((axis.values or ()) if axis else ())]
    found = [name for layers in tried for item in layers for name in item if name in MIXING_AUGMENTATIONS]
    if found:
        yield Note(
            "augmentation",
            f"labels are class numbers here, so what {' and '.join(dict.fromkeys(found))} makes of two of them is read "
            "as shares of the classes inside the loss (0.4 cat, 0.6 dog); training loss and accuracy are those of the "
            "larger share, and lie below what the model does on whole images",
        )


def deep_and_plain(recipe: "Recipe") -> Iterator[Note]:
    """A network so deep, without sums around its layers, that it trains worse than a shallower one."""
    for name in set(candidates(recipe)) & {DEEP_AND_PLAIN}:
        yield Note(
            "model.backbone",
            f"{name} has 56 layers in a row and no way around any of them: it trains worse than PlainNet20 "
            "(arXiv 1512.03385, figure 1); ResNet56 is the same network with sums around every two layers",
        )


def layer_decay_of_a_frozen_stage(recipe: "Recipe") -> Iterator[Note]:
    """Rates by depth where no layer of the backbone has a rate."""
    for index, stage in enumerate(recipe.transfer if recipe.transfer != "auto" else ()):
        if stage.trainable == "none" and stage.layer_decay != 1:
            yield Note(
                f"transfer.{index}.layer_decay",
                f"in stage '{stage.name}' the backbone is frozen, and none of its layers has a rate that could decay",
            )


def batch_norm_held_in_a_frozen_stage(recipe: "Recipe") -> Iterator[Note]:
    """Batch normalization that is let loose where nothing of the backbone trains."""
    for index, stage in enumerate(recipe.transfer if recipe.transfer != "auto" else ()):
        if stage.trainable == "none" and not stage.freeze_batch_norm:
            yield Note(
                f"transfer.{index}.freeze_batch_norm",
                f"in stage '{stage.name}' the backbone is frozen, its batch normalization with it",
            )


def axes_that_nothing_reads(recipe: "Recipe") -> Iterator[Note]:
    """Axes that concern the layers of a backbone, searched where none of these trains, or has what they are about."""
    for path in ("transfer.layer_decay", "transfer.freeze_batch_norm"):
        if path not in recipe.search.space:
            continue
        if not first_stage_moves(recipe):
            yield Note(
                f"search.space.{path}",
                "the space is searched in the first stage, where the backbone is frozen: no trial differs by it, and "
                "later stages have what they list",
            )
        elif path.endswith("batch_norm") and not may_have_batch_norm(recipe):
            yield Note(f"search.space.{path}", f"{' and '.join(candidates(recipe))} has no batch normalization")


def factors_that_no_stage_reads(recipe: "Recipe") -> Iterator[Note]:
    """A factor of the rate on another stage than the second."""
    first = 0  # of the stages that a listed one stands for, where gradual ones are counted one by one
    for index, stage in enumerate(recipe.transfer if recipe.transfer != "auto" else ()):
        after = first + len(expanded([stage]))
        written = "learning_rate_factor" in stage.model_fields_set and first > 1
        if not first <= SECOND < after and (written or stage.learning_rate_factor != 1):
            why = "begins with the rate of the stage before" if first else "begins with optimizer.learning_rate"
            yield Note(
                f"transfer.{index}.learning_rate_factor",
                f"stage '{stage.name}' {why}, and its short runs find the rate: a factor is read where the second "
                "stage begins",
            )
        first = after


def one_image_a_batch(recipe: "Recipe") -> Iterator[Note]:
    """What `transfer: auto` does with batches of one image."""
    axis = recipe.search.space.get("data.batch_size")
    searched = axis is not None and (1 in (axis.values or ()) or axis.min_value == 1)
    undecided = recipe.transfer == "auto" and recipe.model.weights is not None
    if (
        undecided
        and may_have_batch_norm(recipe)
        and not ever_trains(recipe)
        and (searched or recipe.data.batch_size == 1)
    ):
        yield Note(
            "search.space.data.batch_size" if searched else "data.batch_size",
            "batch normalization cannot learn from one image at a time: with batches of one, transfer: auto does not "
            "try the whole model with batch normalization free, and holds it wherever layers train",
        )


def pooling_of_one_vector(recipe: "Recipe") -> Iterator[Note]:
    """A pooling where the backbone ends in one vector already."""
    named = candidates(recipe)
    if recipe.model.pooling != "avg" and set(named) <= set(ENDS_IN_A_VECTOR):
        yield Note("model.pooling", f"{' and '.join(named)} ends in one vector an image: there is nothing to pool")


NOTES: tuple[Callable[["Recipe"], Iterator[Note]], ...] = (
    dropout_beside_batch_norm,
    auxiliary_head_of_a_frozen_stage,
    mixed_labels,
    deep_and_plain,
    layer_decay_of_a_frozen_stage,
    batch_norm_held_in_a_frozen_stage,
    axes_that_nothing_reads,
    factors_that_no_stage_reads,
    one_image_a_batch,
    pooling_of_one_vector,
)


def notes(recipe: "Recipe") -> tuple[Note, ...]:
    """All that there is to know about a recipe, in the order of the table."""
    return tuple(note for each in NOTES for note in each(recipe))
