"""What do the targets look like: classes as integers, one-hot rows, several labels at once, or numbers?

Only what can be seen is said: integers from 0 to 9 may be classes or counts; whoever judges them knows the loss too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

MANY = 20  # different integers above which, with few examples each, they look like numbers, not classes
REPEATED = 0.2  # of the examples: more different integers than this share look like numbers
SUM_TOLERANCE = 1e-3  # half precision rounds a sum of probabilities to about this


@dataclass(frozen=True)
class Targets:
    """What can be seen of the targets of one output."""

    kind: str  # one_hot | distribution | multi_label | binary | signs | classes | constant | numbers | other
    shape: tuple[int, ...]  # of one example; () for a plain column
    count: int  # examples
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    std: float = 0.0
    distinct: int = 0  # different values, counted up to 1,000
    frequencies: tuple[int, ...] = ()  # examples of each class, where these are classes
    missing: float = 0.0  # share that is NaN or infinite
    below_zero: float = 0.0  # share of negative values
    outside_unit: float = 0.0  # share outside [0, 1]
    outside_signs: float = 0.0  # share outside [-1, 1]

    @property
    def classes(self) -> int:
        """How many classes there are: the length of a one-hot row, or the largest integer and one; 0 for numbers."""
        if self.kind in ("one_hot", "multi_label", "distribution"):
            return self.shape[-1]
        return int(self.high) + 1 if self.kind in ("binary", "classes") else 0

    @property
    def column(self) -> bool:
        """One value an example."""
        return self.shape in ((), (1,))


def describe(values: Any) -> Targets | None:
    """The targets of one output, any shape; None where there are none."""
    if values is None:
        return None
    found = np.asarray(values)
    if found.ndim == 0 or not len(found):
        return None
    if found.dtype.kind not in "biuf":
        return Targets("other", found.shape[1:], len(found))
    numbers = found.astype("float64")
    finite = np.isfinite(numbers)
    kept = numbers[finite]
    if not kept.size:
        return Targets("other", found.shape[1:], len(found), missing=1.0)
    distinct, counts = np.unique(kept[:1_000_000], return_counts=True)
    name = _kind(numbers, finite.all(), distinct)
    return Targets(
        name,
        found.shape[1:],
        len(found),
        float(kept.min()),
        float(kept.max()),
        float(kept.mean()),
        float(kept.std()),
        min(len(distinct), 1000),
        _frequencies(numbers, name, distinct, counts),
        float(1 - finite.mean()),
        float((kept < 0).mean()),
        float(((kept < 0) | (kept > 1)).mean()),
        float((np.abs(kept) > 1).mean()),
    )


def _kind(numbers: Any, finite: bool, distinct: Any) -> str:
    row = numbers.ndim > 1 and numbers.shape[-1] > 1
    zeros_and_ones = set(distinct.tolist()) <= {0.0, 1.0}
    if len(distinct) == 1 and not row:
        return "constant"
    if row and finite and numbers.min() >= 0 and bool((np.abs(numbers.sum(-1) - 1) < SUM_TOLERANCE).all()):
        return "one_hot" if zeros_and_ones else "distribution"
    if zeros_and_ones:
        return "multi_label" if row else "binary"
    if set(distinct.tolist()) == {-1.0, 1.0}:
        return "signs"
    whole = bool((distinct == np.round(distinct)).all())
    spread = len(distinct) > MANY and len(distinct) > REPEATED * numbers.size
    return "classes" if whole and distinct[0] >= 0 and not spread else "numbers"


def _frequencies(numbers: Any, name: str, distinct: Any, counts: Any) -> tuple[int, ...]:
    if name == "one_hot":
        return tuple(int(n) for n in numbers.reshape(-1, numbers.shape[-1]).sum(0))
    if name in ("binary", "signs", "classes") and distinct[-1] < 100_000:
        return tuple(int(n) for n in counts)
    return ()
