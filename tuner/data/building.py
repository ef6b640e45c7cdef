"""How are images decoded, divided and written, once? Everything that a cached data set does without.

The fingerprint holds only what came out, so that the same images from a folder and from an archive are the same data
set.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data import cache
from tuner.data.dataset import PARTS, DataError
from tuner.data.decode import quiet_pillow
from tuner.data.frame import BadImage, Frame
from tuner.data.groups import found_in, refuse_divided
from tuner.data.listing import Listing, Origin, Row, digest, listed
from tuner.data.split import Division, divide, sample
from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.threads import in_threads

if TYPE_CHECKING:
    from tuner.recipe import Recipe

CHUNK = 16  # images that one thread decodes at a time
THREADS = min(8, cpu_count() or 1)  # each may hold one image of 50 million pixels


@dataclass
class Decoded:
    """What is known of each row that could be decoded, in the order in which it was written."""

    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)  # "" where an image stands alone
    skipped: list[tuple[str, str]] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)  # names of images of a single value
    lowest: int = 255
    highest: int = 0


def build(
    recipe: "Recipe", origin: Origin, frame: Frame, folder: Path, progress: Progress, stop: StopFlag
) -> dict[str, Any]:
    """Fill a cache folder; returns its manifest."""
    listing = origin.read()
    _refuse_listing(listing)
    rows = _limited(listing, recipe.data.limit, recipe.seed)
    count = min(listing.count, recipe.data.limit or listing.count)
    staging = folder / "staging"
    decoded = _decode(rows, count, frame, staging, progress, stop)
    if not decoded.names:
        few = listed(f"{name}: {reason}" for name, reason in decoded.skipped)
        raise DataError(f"{origin.name}: none of {count} images can be decoded:\n{few}")
    labels = np.array(decoded.labels, np.int64)
    named = _grouped(recipe, decoded)
    fractions = {"validation": recipe.data.validation_split, "test": recipe.data.test_split}
    division = divide(_contents(decoded), labels, decoded.parts, fractions, recipe.data.stratify, recipe.seed, named)
    shape = (frame.height, frame.width, frame.channels)
    pixels = np.memmap(staging, np.uint8, "r", shape=(len(labels), *shape))
    for part, indices in division.rows.items():
        cache.write_rows(folder / f"{part}.npy", (len(indices), *shape), (pixels[i] for i in indices))
        np.save(folder / f"{part}_labels.npy", labels[indices])
        np.save(folder / f"{part}_units.npy", division.units[indices])
    del pixels
    staging.unlink()
    return _manifest(recipe, listing, frame, decoded, division)


def _grouped(recipe: "Recipe", decoded: Decoded) -> tuple[str, ...]:
    """The group of each row by the recipe's pattern or the source's column; empty if neither is asked for.

    Raises `DataError` where the pattern finds none in a name, or the given parts divide a group.
    """
    data = recipe.data
    if data.group_pattern is None and data.group_column is None:
        return ()
    if data.group_pattern is not None:
        pattern = re.compile(data.group_pattern)
        decoded.groups = [found_in(name, pattern) for name in decoded.names]
    refuse_divided(decoded.groups, decoded.parts, decoded.names)
    return tuple(decoded.groups)


def _refuse_listing(listing: Listing) -> None:
    if listing.count == 0:
        few = listed(f"{name}: {reason}" for name, reason in listing.skipped)
        raise DataError("There are no images at all." + (f" Skipped:\n{few}" if few else ""))
    if len(listing.class_names) < 2:
        only = ", ".join(f"'{name}'" for name in listing.class_names)
        raise DataError(f"There is only one class, {only}: a classifier needs two or more.")


def _limited(listing: Listing, limit: int | None, seed: int) -> Iterator[Row]:
    """All rows, or a sample of them in which every class and part keeps its share."""
    if limit is None or limit >= listing.count:
        return listing.rows()
    classes = len(listing.class_names)
    strata = [PARTS.index(row.part) * classes + row.label for row in listing.rows()]
    chosen = set(sample(strata, limit, seed).tolist())
    return (row for i, row in enumerate(listing.rows()) if i in chosen)


def _decode(
    rows: Iterator[Row], count: int, frame: Frame, staging: Path, progress: Progress, stop: StopFlag
) -> Decoded:
    """Write the pixels of every good row to `staging`, one after the other."""
    decoded = Decoded()
    progress.start("Decoding images", count, "images")
    try:
        with quiet_pillow(), open(staging, "wb") as file:
            for chunk in in_threads(partial(_load, frame=frame), _chunks(rows), THREADS, 2, "decode"):
                stop.check()
                for row, pixels in chunk:
                    _note(decoded, row, pixels)
                    if not isinstance(pixels, BadImage):
                        file.write(pixels.data)
                progress.advance(len(chunk))
    finally:
        progress.end()
    return decoded


Pixels = NDArray[np.uint8] | BadImage


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _load(rows: list[Row], frame: Frame) -> list[tuple[Row, Pixels]]:
    result: list[tuple[Row, Pixels]] = []
    for row in rows:
        try:
            result.append((row, np.ascontiguousarray(row.load(frame))))
        except BadImage as error:
            result.append((row, error))
    return result


def _note(decoded: Decoded, row: Row, pixels: Pixels) -> None:
    """Remember what the manifest and the split need of one row."""
    if isinstance(pixels, BadImage):
        decoded.skipped.append((row.name, str(pixels)))
        return
    decoded.names.append(row.name)
    decoded.labels.append(row.label)
    decoded.parts.append(row.part)
    decoded.groups.append(row.group)
    decoded.hashes.append(hashlib.blake2b(pixels.data, digest_size=16).digest())
    low, high = int(pixels.min()), int(pixels.max())
    decoded.lowest, decoded.highest = min(decoded.lowest, low), max(decoded.highest, high)
    if low == high:
        decoded.constant.append(row.name)


def _contents(decoded: Decoded) -> list[bytes]:
    """What tells the images apart when they are divided: a hash of the pixels.

    An image of a single color shows nothing, so it is nobody's copy: black images would otherwise be one image, that
    cannot stand in two splits, and a set of them would be refused for that before anyone is told that they are black.
    """
    constant, seen = set(decoded.constant), Counter[bytes]()
    contents = []
    for name, content in zip(decoded.names, decoded.hashes, strict=True):
        copies = seen[content] if name in constant else 0
        seen[content] += 1
        contents.append(hashlib.blake2b(content + b"%d" % copies, digest_size=16).digest() if copies else content)
    return contents


def _manifest(recipe: "Recipe", listing: Listing, frame: Frame, decoded: Decoded, division: Division) -> dict[str, Any]:
    """What a reader of the report should know; JSON data."""
    names, classes = decoded.names, len(listing.class_names)
    labels = np.array(decoded.labels, np.int64)
    counts = {part: np.bincount(labels[i], minlength=classes).tolist() for part, i in division.rows.items()}
    return {
        "source": recipe.data.source,
        "fingerprint": _fingerprint(listing.class_names, frame, decoded, division.rows),
        "image_size": [frame.height, frame.width],
        "channels": frame.channels,
        "class_names": list(listing.class_names),
        "counts": counts,
        "given": sorted(set(decoded.parts) - {"train"}),
        "skipped": [list(pair) for pair in (*listing.skipped, *decoded.skipped)],
        "ignored": dict(listing.ignored),
        "duplicates": [[names[kept], names[dropped], parts] for kept, dropped, parts in division.across],
        "copies": division.copies,
        "conflicts": [[names[a], names[b]] for a, b in division.conflicts],
        "constant_images": decoded.constant,
        "value_range": [decoded.lowest, decoded.highest],
        "groups": _groups(recipe, decoded, division),
        "test_fingerprint": _test_fingerprint(decoded, division.rows["test"]),
        "limit": recipe.data.limit,
        "notes": list(listing.notes),
    }


def _groups(recipe: "Recipe", decoded: Decoded, division: Division) -> dict[str, Any] | None:
    """By what images were kept together, how many groups each part has and the largest; None where nobody asked."""
    data = recipe.data
    if data.group_pattern is None and data.group_column is None:
        return None
    alone = [group or f"\0{i}" for i, group in enumerate(decoded.groups)]
    sizes = Counter(alone)
    (largest, size), *_ = sizes.most_common(1)
    return {
        "by": f"pattern {data.group_pattern}" if data.group_pattern is not None else f"column {data.group_column}",
        "count": len(sizes),
        "parts": {part: len({alone[i] for i in rows}) for part, rows in division.rows.items()},
        "largest": "" if largest.startswith("\0") else largest,
        "largest_images": size,
    }


def _test_fingerprint(decoded: Decoded, rows: NDArray[np.int64]) -> str:
    """A hash of what the test images show, in any order: by it, runs know that they judge by the same images."""
    hasher = hashlib.blake2b(digest_size=16)
    for content in sorted(decoded.hashes[i] for i in rows):
        hasher.update(content)
    return hasher.hexdigest()


def _fingerprint(
    class_names: tuple[str, ...], frame: Frame, decoded: Decoded, rows: Mapping[str, NDArray[np.int64]]
) -> str:
    """A hash of every row of every split, in order, with its label, and of the class names and the shape."""
    hasher = hashlib.blake2b(digest((class_names, frame.height, frame.width)).encode(), digest_size=16)
    for part in PARTS:
        hasher.update(f"{part} {len(rows[part])}".encode())
        for i in rows[part]:
            hasher.update(decoded.hashes[i] + decoded.labels[i].to_bytes(8, "little"))
    return hasher.hexdigest()
