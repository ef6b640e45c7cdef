"""Which remedy is the cheaper one to try? A rank for every path that a verdict may ask to change, and why it has it.

Of remedies that are as likely to help, the cheaper comes first: what is learned from it costs less. Where the causes of
a shape differ in likelihood that decides, and the rank only orders the remedies of one cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records import Change


@dataclass(frozen=True)
class Cost:
    """How dear it is to try something."""

    rank: int  # 0 is the cheapest
    because: str


FREE = Cost(0, "no training is taken anew: it only ends, or counts, otherwise")
NUMBER = Cost(1, "a number of the training: a step costs what it cost, and kept features stay good")
HEAD = Cost(2, "new weights for the head, which has to begin again; kept features stay good")
IMAGES = Cost(3, "the images change in every epoch, so each goes through the backbone each time")
LAYERS = Cost(4, "layers of the backbone train: a step costs several times as much")
NETWORK = Cost(5, "another network: everything is computed and trained anew")
PERSON = Cost(6, "a person has to look, or to collect")

COSTS: dict[str, Cost] = {  # path, or its beginning up to a dot; the longest that fits counts
    "training.": FREE,
    "metrics": FREE,
    "steps.": NUMBER,
    "optimizer.": NUMBER,
    "schedule.": NUMBER,
    "loss.": NUMBER,
    "regularization.": NUMBER,
    "model.dropout": NUMBER,
    "model.auxiliary_head": NUMBER,
    "model.head_units": HEAD,
    "model.head_initializer": HEAD,
    "head.": HEAD,
    "augmentation": IMAGES,
    "transfer": LAYERS,
    "transfer.": LAYERS,
    "model.": NETWORK,
    "layers": PERSON,
    "layers.": NETWORK,
    "data.": PERSON,
    "data.batch_size": NUMBER,
    "data.class_weight": NUMBER,
    "data.scale_inputs": NETWORK,
    "data.scale_targets": NETWORK,
    "data.drop_non_finite": NETWORK,
}


def cost(path: str) -> Cost:
    """The cost of changing what stands at `path`. Raises `KeyError` for a path that nothing in the table fits."""
    parts = path.split(".")
    shorter = (".".join(parts[:length]) + "." for length in range(len(parts) - 1, 0, -1))
    return COSTS[next((key for key in (path, *shorter) if key in COSTS), path)]


def cheapest_first(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes by the rank of their cost; those of one rank stay in their order."""
    return tuple(sorted(changes, key=lambda change: cost(change.path).rank))
