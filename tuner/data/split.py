"""Which image goes where? Train, validation and test: seeded, stratified, and disjoint by what the images show.

The order that decides is a hash of seed and pixels, not the order of files: the same images are divided alike whatever
source they came from, adding an image moves hardly any other, and all copies of an image go to the same part. Parts
that the source itself names are kept; a copy that stands in two of them stays in the one that is judged (test, then
validation) and is dropped from the other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import PARTS
from tuner.data.groups import numbered, units_of
from tuner.data.spreading import completed, contents_of, spread

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Where each row goes, and which rows were copies of each other."""

    rows: Mapping[str, Indices]  # part -> indices of its rows, in the canonical (random-looking) order
    across: tuple[tuple[int, int, str], ...]  # (kept, dropped, "test/train"): copies that stood in two given parts
    copies: int  # rows that show what an earlier row of the same part shows
    conflicts: tuple[tuple[int, int], ...]  # pairs of copies with different labels
    units: Indices  # (N,) the unit of each row: copies, and images of one group; no part holds a piece of one


def divide(
    hashes: Sequence[bytes],
    labels: NDArray[np.int64],
    given: Sequence[str],
    fractions: Mapping[str, float],
    stratify: bool,
    seed: int,
    named: Sequence[str] = (),
) -> Division:
    """Divide rows into train, validation and test.

    `hashes` are of the decoded pixels, `given[i]` is the part that the source names; a part that no row is given for is
    cut from train by its share in `fractions` (in [0, 1) of train). A class with two images or more is in validation,
    with three or more in test too; train never loses the last image of a class. Where groups are `named` (N of them, ""
    for an image that stands alone) they are divided instead of images, and shares hold as nearly as groups allow.
    """
    order = [_drawn(seed, digest, b"order") for digest in hashes]
    groups: dict[bytes, list[int]] = defaultdict(list)
    for i, digest in enumerate(hashes):
        groups[digest].append(i)
    part_of = dict(enumerate(given))
    across = _separate(groups, part_of)
    wanted = {part: fractions.get(part, 0.0) for part in ("test", "validation") if part not in set(given)}
    if named:
        units = units_of(hashes, named)
        part_of.update(_cut_units(units, part_of, hashes, labels if stratify else labels * 0, wanted, seed))
    else:
        units = units_of(hashes)
        pool = [[i for i in group if part_of.get(i) == "train"] for group in groups.values()]
        pool = sorted((group for group in pool if group), key=lambda group: _drawn(seed, hashes[group[0]], b"part"))
        for stratum in _strata(pool, labels, stratify):
            part_of.update(_cut(stratum, wanted))
    by_order = sorted(part_of, key=lambda i: (order[i], labels[i]))
    rows = {part: np.array([i for i in by_order if part_of[i] == part], np.int64) for part in PARTS}
    conflicts = [(group[0], i) for group in groups.values() for i in group if labels[i] != labels[group[0]]]
    copies = len(part_of) - len({hashes[i] for i in part_of})
    return Division(rows, tuple(across), copies, tuple(conflicts), units)


def sample(strata: Sequence[int], limit: int, seed: int) -> Indices:
    """Indices of `limit` rows, each stratum in its share and with at least one row where the limit allows; in order."""
    strata_array = np.asarray(strata)
    if limit >= len(strata_array):
        return np.arange(len(strata_array))
    names, counts = np.unique(strata_array, return_counts=True)
    shares = counts * (limit / counts.sum())
    take = np.minimum(counts, np.maximum(1, np.floor(shares).astype(np.int64)))
    for i in np.argsort(-(shares - take), kind="stable"):  # the largest remainders get what is left
        if take.sum() < limit and take[i] < counts[i]:
            take[i] += 1
    while take.sum() > limit:  # more strata than the limit would give one each
        take[np.argmax(take)] -= 1
    rng = np.random.default_rng([seed, limit])
    chosen = [rng.permutation(np.flatnonzero(strata_array == name))[:n] for name, n in zip(names, take, strict=True)]
    return np.sort(np.concatenate(chosen))


def _drawn(seed: int, digest: bytes, purpose: bytes) -> bytes:
    """A number drawn for an image. Each purpose draws anew: the order within a part must not show who was cut."""
    return blake2b(digest, digest_size=16, key=str(seed).encode(), person=purpose).digest()


def _separate(groups: Mapping[bytes, list[int]], part_of: dict[int, str]) -> list[tuple[int, int, str]]:
    """Drop, from the part that is judged less, the rows whose copy stands in another part."""
    across = []
    for group in groups.values():
        parts = {part_of[i] for i in group}
        if len(parts) == 1:
            continue
        strongest = max(parts, key=PARTS.index)
        kept = next(i for i in group if part_of[i] == strongest)
        for i in group:
            if part_of[i] != strongest:
                across.append((kept, i, f"{strongest}/{part_of.pop(i)}"))
    return across


def _cut_units(
    units: Indices,
    part_of: Mapping[int, str],
    hashes: Sequence[bytes],
    labels: NDArray[np.int64],
    wanted: Mapping[str, float],
    seed: int,
) -> dict[int, str]:
    """The part of every row that is in train, whole units at a time."""
    lead: dict[int, bytes] = {}  # of each unit, the image that is drawn first: no source's order has a say
    pool = [i for i in range(len(units)) if part_of.get(i) == "train"]
    for i in pool:
        drawn = _drawn(seed, hashes[i], b"part")
        lead[int(units[i])] = min(drawn, lead.get(int(units[i]), drawn))
    pool.sort(key=lambda i: lead[int(units[i])])
    rows = np.array(pool, np.int64)
    number = numbered(units[rows].tolist())
    contents = contents_of(number, labels[rows])
    names = ["train", *(part for part in ("validation", "test") if wanted.get(part, 0.0) > 0)]
    held_out = [wanted[part] for part in names[1:]]
    shares = [1 - sum(held_out), *held_out]
    parts = completed(spread(contents, shares, int(labels.max(initial=0)) + 1), contents, shares)
    return {i: names[parts[unit]] for i, unit in zip(pool, number, strict=True)}


def _strata(pool: list[list[int]], labels: NDArray[np.int64], stratify: bool) -> list[list[list[int]]]:
    """Groups of copies by class; copies with different labels count for the lowest of them."""
    strata: dict[int, list[list[int]]] = defaultdict(list)
    for group in pool:
        strata[int(min(labels[group])) if stratify else 0].append(group)
    return [strata[label] for label in sorted(strata)]


def _cut(groups: list[list[int]], wanted: Mapping[str, float]) -> dict[int, str]:
    """Rows of one class that leave train, and for which part. `groups` stand in the drawn order."""
    total = sum(map(len, groups))
    left = groups
    result: dict[int, str] = {}
    asked = [part for part in ("validation", "test") if wanted.get(part, 0.0) > 0]
    for position, part in enumerate(asked):
        spare = len(left) - 1 - (len(asked) - 1 - position)  # one group stays in train, one for each part to come
        if spare < 1 and len(left) < 2:
            break
        chosen = _chosen(left, max(1, round(total * wanted[part])), max(1, spare))
        result.update((i, part) for group in chosen for i in group)
        left = [group for group in left if group[0] not in result]
    return result


def _chosen(groups: list[list[int]], count: int, most: int) -> list[list[int]]:
    """Groups of together `count` rows or a little less: the first that fit, at most `most` groups and at least one."""
    taken: list[list[int]] = []
    missing = count
    for group in groups:
        if len(taken) < most and len(group) <= missing:
            taken.append(group)
            missing -= len(group)
    return taken or [min(groups, key=len)]
