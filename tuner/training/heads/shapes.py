"""Which shape must a compiled step have to serve a bank of heads? One of few, so that it is compiled rarely.

Head counts are rounded up to powers of two (what is empty has rate 0). Linear heads of one dropout rate form groups of
equal length, since they share a mask. No Keras here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.training.heads.bank import Array, Plan
from tuner.training.heads.rules import RULES, rule_of

GROUP_COST = 16  # columns' worth of work that one more dropout mask costs: it is drawn, and multiplies the features


@dataclass(frozen=True)
class Part:
    """Where a kernel or a bias keeps its heads: (groups, rows, length * per), head g * length + l in its columns."""

    groups: int
    length: int
    rows: int
    per: int
    is_kernel: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the variable."""
        return self.groups, self.rows, self.length * self.per

    def packed(self, values: Array) -> Array:
        """(heads, rows, per) as the variable holds it."""
        apart = values.reshape(self.groups, self.length, self.rows, self.per)
        return np.ascontiguousarray(apart.transpose(0, 2, 1, 3).reshape(self.shape))

    def unpacked(self, values: Array) -> Array:
        """The inverse of `packed`."""
        apart = values.reshape(self.groups, self.rows, self.length, self.per)
        return apart.transpose(0, 2, 1, 3).reshape(-1, self.rows, self.per)


@dataclass(frozen=True)
class Shape:
    """What a compiled function depends on; head counts are powers of two, so there are few."""

    width: int  # D
    num_classes: int  # C
    hidden: int  # H, or 0
    groups: int  # G, of linear heads that share a dropout mask; 1 if nothing is dropped, or if there is a hidden layer
    length: int  # L, heads of a group, some of them empty
    rules: tuple[str, ...]
    dropping: bool
    penalized: bool
    clipped: bool

    @property
    def heads(self) -> int:
        """Places for heads."""
        return self.groups * self.length

    @property
    def slots(self) -> int:
        """Slots that the optimizers keep for each weight."""
        return max(RULES[rule].slots for rule in self.rules)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Kernel and bias of each layer."""
        if not self.hidden:
            return _layer(self.groups, self.length, self.width, self.num_classes)
        first = _layer(1, self.heads, self.width, self.hidden)
        return (*first, *_layer(self.heads, 1, self.hidden, self.num_classes))


def _layer(groups: int, length: int, rows: int, per: int) -> tuple[Part, Part]:
    """Kernel and bias."""
    return Part(groups, length, rows, per, True), Part(groups, length, 1, per, False)


def bucket(count: int) -> int:
    """The next power of two."""
    return 1 << max(count - 1, 0).bit_length()


def shape_of(plan: Plan) -> tuple[Shape, Array]:
    """The shape that serves `plan`, and the place (K,) of each of its heads in it."""
    points = plan.points
    dropping = any(point.dropout for point in points)
    groups, length, places = 1, bucket(len(points)), np.arange(len(points))
    if dropping and not plan.hidden:
        groups, length, places = _grouped([point.dropout for point in points], plan.num_classes)
    shape = Shape(
        plan.width,
        plan.num_classes,
        plan.hidden,
        groups,
        length,
        tuple(sorted({rule_of(point).name for point in points})),
        dropping,
        any(point.l1 or point.l2 for point in points),
        any(point.global_clipnorm is not None for point in points),
    )
    return shape, places


def _grouped(rates: Sequence[float], num_classes: int) -> tuple[int, int, Array]:
    """G groups of L places, each of one dropout rate, with the least work; the place of each head."""
    count = {rate: rates.count(rate) for rate in rates}

    def groups(length: int) -> int:
        return bucket(sum(-(-n // length) for n in count.values()))

    lengths = [1 << power for power in range(bucket(len(rates)).bit_length())]
    length = min(lengths, key=lambda length: groups(length) * (GROUP_COST + length * num_classes))
    places = np.empty(len(rates), np.int64)
    begin = 0
    for rate, n in count.items():
        places[[place for place, own in enumerate(rates) if own == rate]] = begin + np.arange(n)
        begin += -(-n // length) * length
    return groups(length), length, places
