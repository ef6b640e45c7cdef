"""What should the author of a recipe know that is no mistake? A sentence for whatever works otherwise than it looks.

`tuner check` shows them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.recipe.batch_norm import DROPOUT_MOST, DROPOUT_NOTED, ever_trains
from tuner.recipe.candidates import candidates
from tuner.recipe.names import MIXING_AUGMENTATIONS

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe

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
            f"a dropout of {most:g} stands beside batch normalization that trains: the two work against each other "
            f"(arXiv 1801.05134), and the tool itself would try at most {DROPOUT_MOST:g}",
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


NOTES: tuple[Callable[["Recipe"], Iterator[Note]], ...] = (
    dropout_beside_batch_norm,
    auxiliary_head_of_a_frozen_stage,
    mixed_labels,
    deep_and_plain,
    layer_decay_of_a_frozen_stage,
)


def notes(recipe: "Recipe") -> tuple[Note, ...]:
    """All that there is to know about a recipe, in the order of the table."""
    return tuple(note for each in NOTES for note in each(recipe))
