"""Does a recipe's batch normalization compute with the batch while it trains, and what follows for dropout?

The noise of the batches does part of what dropout is for already: batch normalization that trains regularizes. So
there less dropout is searched and proposed, and a stage in which it begins to train begins with less. (That dropout
changes the variance under a later batch normalization is no reason here: ours lies behind the last one.)

Source: Ioffe and Szegedy 2015, arXiv 1502.03167, sections 3.4 and 4.2.1 (dropout can be removed or reduced); the
lectures on neural networks.
"""

from typing import TYPE_CHECKING, Any

from tuner.recipe import names
from tuner.recipe.candidates import candidates

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe

OWN = names.NORMALIZATIONS[0]
DROPOUT_MOST = 0.2  # that the tool proposes where batch normalization trains; elsewhere 0.5. No source gives a number
DROPOUT_NOTED = 0.3  # of a recipe: above it there is a note
WHY = (
    "batch normalization trains and so regularizes already, and dropout beside it is weakened (arXiv 1502.03167, 4.2.1)"
)


def has_batch_norm(recipe: "Recipe", backbone: str) -> bool:
    """Whether the backbone normalizes by batches. Of a user's own network that is unknown, and the answer is no."""
    if backbone.startswith(names.PYTHON):
        return False
    asked = recipe.model.normalization
    return asked == "batch" if asked != OWN else backbone not in names.WITHOUT_BATCH_NORM


def may_have_batch_norm(recipe: "Recipe") -> bool:
    """Whether one of the backbones normalizes by batches, or is a network of the user's own, of which that is open."""
    named = candidates(recipe)
    return any(has_batch_norm(recipe, backbone) or backbone.startswith(names.PYTHON) for backbone in named)


def batch_norm_trains(recipe: "Recipe", trainable: str, freeze_batch_norm: bool) -> bool:
    """Whether a trial with these settings normalizes by its batches, in one of the recipe's backbones."""
    trains = trainable != "none" and not freeze_batch_norm
    return trains and any(has_batch_norm(recipe, backbone) for backbone in candidates(recipe))


def stages_train(recipe: "Recipe") -> bool:
    """Whether that is so in any stage of the recipe, the search left out.

    With `transfer: auto` and pretrained weights it is not: a run that comes to it minds what `auto` would do.
    """
    return any(batch_norm_trains(recipe, trainable, held) for trainable, held in _stages(recipe))


def ever_trains(recipe: "Recipe") -> bool:
    """Whether that is so in any stage of the recipe, or in a trial of the first one, where axes are searched."""
    free = not _stages(recipe)[0][1] or any(value is False for value in _tried(recipe, "transfer.freeze_batch_norm"))
    return stages_train(recipe) or (first_stage_moves(recipe) and free and batch_norm_trains(recipe, "all", False))


def first_stage_moves(recipe: "Recipe") -> bool:
    """Whether layers of the backbone train in the first stage, the one that is searched, or in a trial of it."""
    searched = any(value not in (None, "none") for value in _tried(recipe, "transfer.trainable"))
    return searched or _stages(recipe)[0][0] != "none"


def _stages(recipe: "Recipe") -> list[tuple[str, bool]]:
    """`trainable` and `freeze_batch_norm` of every stage that is known before a run."""
    if recipe.transfer == "auto":
        return [("all", False)] if recipe.model.weights is None else [("none", True)]
    return [(stage.trainable, stage.freeze_batch_norm) for stage in recipe.transfer]


def _tried(recipe: "Recipe", path: str) -> tuple[Any, ...]:
    """The values of an axis, as the recipe writes them; none where there is no such axis."""
    axis = recipe.search.space.get(path)
    return tuple(axis.values or ()) if axis is not None else ()
