"""Which images must stay together? Copies of each other, and images of one patient, film or author.

Whoever belongs to a group by the recipe (`data.group_column`, `data.group_pattern`) is known by something else than the
class: the patient's skin, the author's pen. A model that has seen a patient in training is judged too well by that
patient's other images. So a unit, all that hangs together by copies and groups, stands on one side of every division.

Source: S. Kaufman et al., Leakage in data mining (TKDD 2012), on what a division must keep apart.
"""

import re
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import DataError

Indices = NDArray[np.int64]


def units_of(*keys: Sequence[Hashable]) -> Indices:
    """The unit of each row (N,), numbered from 0 in the order of their first rows.

    Rows that share any of the `keys` (N of each kind) are of one unit; an empty text is no key.
    """
    root = list(range(len(keys[0])))

    def of(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    for kind in keys:
        first: dict[Hashable, int] = {}
        for row, key in enumerate(kind):
            if key != "":
                one, other = sorted((of(first.setdefault(key, row)), of(row)))
                root[other] = one
    return numbered(map(of, range(len(root))))


def numbered(values: Iterable[Hashable]) -> Indices:
    """Each value's number (N,), from 0 in the order in which they first come."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


def found_in(name: str, pattern: re.Pattern[str]) -> str:
    """What the one group of `pattern` finds in a row's name. Raises `DataError` where it finds nothing."""
    found = pattern.search(name)
    if found is None or not found[1]:
        raise DataError(
            f"data.group_pattern: {pattern.pattern} finds no group in '{name}'. Every image belongs to one: "
            "widen the pattern, or leave the image out."
        )
    return found[1]


def refuse_divided(groups: Sequence[str], parts: Sequence[str], names: Sequence[str]) -> None:
    """Raises `DataError` where the source itself has a group in two parts: such a division judges what it has seen."""
    first: dict[str, int] = {}
    for row, group in enumerate(groups):
        other = first.setdefault(group, row)
        if group and parts[other] != parts[row]:
            raise DataError(
                f"group '{group}' stands in two of the given parts: {names[other]} in {parts[other]}, {names[row]} in "
                f"{parts[row]}. Keep each group in one part, or let the tool divide the images "
                "(csv: data.split_column: none; directory: one folder for each class)."
            )
