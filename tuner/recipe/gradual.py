"""What does `trainable: gradual` stand for? Several stages: the upper part of the backbone first, then more, then all.

A fresh head sends large gradients down; what lies at the bottom is the most general and should move last. The head has
a stage of its own before, as every fine-tuning has.

Source: Howard and Ruder, ULMFiT, arXiv 1801.06146, 3.3: one more layer from the top down each time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # nobody waits for pydantic who takes a recipe from the cache
    from tuner.recipe.sections import Stage

GRADUAL = "gradual"
PARTS = 3  # of the backbone, by the count of its layers with weights: ULMFiT's network had three layers, too


@dataclass(frozen=True)
class Listed:
    """A stage that a recipe lists, or one of those that a gradual stage stands for; the fields are the recipe's."""

    name: str
    trainable: str
    epochs: int | None
    learning_rate_factor: float
    freeze_batch_norm: bool
    layer_decay: float


def expanded(stages: "Iterable[Stage]", epochs: int | None = None) -> tuple[Listed, ...]:
    """The stages, each gradual one as `PARTS` stages named NAME-1, NAME-2, ...

    All but the last of them take their share of its epochs, at least one; the last, in which everything trains, all.
    `epochs` are those of stages that say nothing.
    """
    said = [
        Listed(s.name, s.trainable, s.epochs or epochs, s.learning_rate_factor, s.freeze_batch_norm, s.layer_decay)
        for s in stages
    ]
    return tuple(one for stage in said for one in (_gradual(stage) if stage.trainable == GRADUAL else (stage,)))


def _gradual(stage: Listed) -> Iterator[Listed]:
    """One stage for each part of the backbone that is added."""
    short = None if stage.epochs is None else max(1, stage.epochs // PARTS)
    for count in range(1, PARTS):
        yield replace(stage, name=f"{stage.name}-{count}", trainable=f"top:{count}/{PARTS}", epochs=short)
    yield replace(stage, name=f"{stage.name}-{PARTS}", trainable="all")
