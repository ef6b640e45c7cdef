"""How do heads lie side by side in NumPy's memory? Neighbors of one update rule and one dropout rate form slabs.

Head k of a slab holds the columns k*C to (k+1)*C of its last kernel, and k*H to (k+1)*H of its hidden one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.training.heads.bank import Array, Plan, Start, neighbors, trained
from tuner.training.heads.rules import Rule, rule_of

FEWEST_NUMBERS = 1 << 17  # of a slab's largest kernel where others could be had; measured: less costs more to hand over
BLOCK = 1 << 16  # numbers of one array in a block of the update: four or five such arrays fit into a level-2 cache
MOST_NUMBERS = 1 << 19  # of a slab's largest kernel, 2 MiB; measured: smaller ones pay more for Python than they gain


@dataclass(frozen=True)
class Parameter:
    """One kernel or bias of a slab's heads, with the optimizer's slots; head k owns the columns k*per to (k+1)*per."""

    value: Array  # (rows, heads * per) float32
    slots: tuple[Array, ...]  # each like value
    per: int
    is_kernel: bool
    gradient: Array  # like value: room that every step writes into, as fresh memory costs more than what is computed
    scratch: Array  # as many rows as a block of the update has

    def of(self, values: Array, place: int) -> Array:
        """A copy of one head's columns."""
        own = values[:, place * self.per : (place + 1) * self.per]
        return np.array(own if self.is_kernel else own[0])


@dataclass(frozen=True)
class Slab:
    """Neighbors of one rule and one dropout rate; vectors have one entry a head."""

    begin: int  # its first head
    end: int
    rule: Rule
    dropout: float
    parameters: list[Parameter]
    hidden: int  # H, or 0
    num_classes: int
    iterations: Array  # steps taken, changed in place
    smoothing: Array
    momentum: Array
    decay: Array
    l1: Array
    l2: Array
    clip: Array

    @property
    def heads(self) -> int:
        """How many."""
        return self.end - self.begin


def cuts(plan: Plan, threads: int) -> Iterator[tuple[int, int]]:
    """The heads [begin, end) of each slab: one rule, one dropout rate, as many as fit or as give every thread one."""
    numbers = plan.width * (plan.hidden or plan.num_classes)
    share = max(FEWEST_NUMBERS // numbers, -(-len(plan.points) // threads))
    fit = max(1, min(MOST_NUMBERS // numbers, share))
    for begin, end in neighbors([(rule_of(point).name, point.dropout) for point in plan.points]):
        count = -(-(end - begin) // fit)
        places = np.linspace(begin, end, count + 1).astype(int)
        yield from zip(places[:-1].tolist(), places[1:].tolist(), strict=True)


def slab_of(plan: Plan, begin: int, end: int) -> Slab:
    """The heads [begin, end) of `plan`, which have one rule and one dropout rate."""
    points, starts = plan.points[begin:end], plan.starts[begin:end]

    def each(name: str) -> Array:
        values = [getattr(point, name) for point in points]
        return np.array([np.inf if value is None else value for value in values], np.float32)

    names = ("label_smoothing", "momentum", "weight_decay", "l1", "l2", "global_clipnorm")
    rule = rule_of(points[0])
    taken = np.array([int(start.state[0]) if start.state else 0 for start in starts])
    parameters = _parameters(starts, rule.slots)
    return Slab(
        begin, end, rule, points[0].dropout, parameters, plan.hidden, plan.num_classes, taken, *map(each, names)
    )


def _parameters(starts: Sequence[Start], slots: int) -> list[Parameter]:
    """Kernels and biases side by side, with their slots as the heads left them."""
    values = [trained(start.weights) for start in starts]
    count = len(values[0])
    found = []
    for place, first in enumerate(values[0]):
        value = np.concatenate([np.atleast_2d(own[place]) for own in values], axis=1)
        kept = tuple(np.zeros_like(value) for _ in range(slots))
        per = first.shape[-1]
        for head, start in enumerate(starts):
            for slot, own in zip(kept, start.state[1:][place::count], strict=False):  # none yet: stays zero
                slot[:, head * per : (head + 1) * per] = own
        rows = min(len(value), max(1, BLOCK // value.shape[1]))
        found.append(
            Parameter(
                value, kept, per, first.ndim == 2, np.empty_like(value), np.empty((rows, value.shape[1]), np.float32)
            )
        )
    return found
