"""Does a recipe's batch normalization compute with the batch while it trains, and what follows for dropout?

Dropout changes the variance of what comes behind it between training and use, and batch normalization keeps the
variance that it saw in training: the two together can do worse than either alone, and the noise of the batches does
part of what dropout is for already. So where batch normalization trains, less dropout is searched and proposed.

Source: Li, Chen, Hu, Yang 2018, arXiv 1801.05134; Ioffe and Szegedy 2015, arXiv 1502.03167, section 4.2.1 (dropout may
be removed or weakened); the lectures on neural networks.
"""

from typing import TYPE_CHECKING

from tuner.recipe import names
from tuner.recipe.candidates import candidates

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe

PYTHON = "python:"  # begins the name of a network of the user's own
OWN = names.NORMALIZATIONS[0]
DROPOUT_MOST = 0.2  # that the tool proposes where batch normalization trains; elsewhere 0.5. No source gives a number
DROPOUT_NOTED = 0.3  # of a recipe: above it there is a note
WHY = "batch normalization trains, and with it dropout is weakened (arXiv 1801.05134)"


def has_batch_norm(recipe: "Recipe", backbone: str) -> bool:
    """Whether the backbone normalizes by batches. Of a user's own network that is unknown, and the answer is no."""
    if backbone.startswith(PYTHON):
        return False
    asked = recipe.model.normalization
    return asked == "batch" if asked != OWN else backbone not in names.WITHOUT_BATCH_NORM


def batch_norm_trains(recipe: "Recipe", trainable: str, freeze_batch_norm: bool) -> bool:
    """Whether a trial with these settings normalizes by its batches, in one of the recipe's backbones."""
    trains = trainable != "none" and not freeze_batch_norm
    return trains and any(has_batch_norm(recipe, backbone) for backbone in candidates(recipe))


def ever_trains(recipe: "Recipe") -> bool:
    """Whether that is so in any stage of the recipe."""
    if recipe.transfer == "auto":
        return recipe.model.weights is None and batch_norm_trains(recipe, "all", False)
    return any(batch_norm_trains(recipe, stage.trainable, stage.freeze_batch_norm) for stage in recipe.transfer)
