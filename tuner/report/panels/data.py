"""What was the model given? Counts per class and split, what was skipped, and what is in two splits."""

import math
from collections.abc import Iterator
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Fold, Table
from tuner.report.view import View

SPLITS = ("train", "validation", "test")
MOST_CLASSES = 60  # rows of the class table
MOST_FILES = 30  # rows of the tables of skipped files and duplicates


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Facts, the class table, skipped files and duplicates."""
    evidence = finding.evidence
    counts = {split: read.numbers(read.mapping(evidence, "counts"), split) for split in SPLITS}
    yield Facts(tuple(_facts(evidence, counts)))
    table = _classes(evidence, counts)
    if table.rows:
        yield table if len(table.rows) <= 12 else Fold(f"Images in each of {len(table.rows)} classes", (table,), True)
    skipped = [item for item in read.values(evidence, "skipped") if isinstance(item, list | tuple) and len(item) > 1]
    if skipped:
        files = tuple((words.name(item[0]), words.clean(str(item[1]), 200)) for item in skipped[:MOST_FILES])
        yield _fold(words.plural(len(skipped), "file") + " skipped, with reasons", ("File", "Why"), files, len(skipped))
    twins = [item for item in read.values(evidence, "duplicates") if isinstance(item, list | tuple) and len(item) > 2]
    if twins:
        rows = tuple((words.name(a), words.name(b), words.name(splits)) for a, b, splits, *_ in twins[:MOST_FILES])
        summary = f"{words.plural(len(twins), 'image')} found twice, in different splits"
        yield _fold(summary, ("Image", "Its twin", "Splits"), rows, len(twins))


def _facts(evidence: Any, counts: dict[str, tuple[float, ...]]) -> Iterator[tuple[str, str]]:
    totals = {split: sum(read.finite(counts[split])) for split in SPLITS if counts[split]}
    size = read.numbers(evidence, "image_size")
    if read.text(evidence, "source"):
        yield "Source", words.name(read.text(evidence, "source"))
    if totals:
        yield "Images", " · ".join(f"{words.count(total)} {split}" for split, total in totals.items())
    if len(size) == 2:
        channels = {1: "gray", 3: "color"}.get(read.whole(evidence, "channels") or 0, "")
        yield "Seen by the model as", f"{words.count(size[0])} × {words.count(size[1])} pixels {channels}".rstrip()
    known = [value for value in read.finite(counts["train"]) if value > 0]
    if known:
        yield "Largest class to smallest", f"{max(known) / min(known):.3g} to 1"
    if read.whole(evidence, "limit"):
        yield "Limited to", words.plural(read.whole(evidence, "limit") or 0, "image")
    given = [words.name(part) for part in read.values(evidence, "given") if part in SPLITS]
    if totals and "given" in evidence:
        yield "Divided", f"by the source: {', '.join(given)}; the rest by the tool" if given else "by the tool"
    groups = read.mapping(evidence, "groups")
    if read.whole(groups, "count"):
        parts = read.mapping(groups, "parts")
        each = [f"{words.count(n)} {split}" for split in SPLITS if (n := read.whole(parts, split)) is not None]
        yield f"Groups, by {words.name(read.text(groups, 'by'))}", " · ".join(each)
        largest = read.whole(groups, "largest_images")
        if largest:
            yield "Largest group", f"{words.name(read.text(groups, 'largest'))}, {words.plural(largest, 'image')}"
    folds = read.mapping(evidence, "folds")
    if read.text(folds, "because"):
        yield "Folds", f"{read.whole(folds, 'count') or 'none'}: {words.clean(read.text(folds, 'because'), 200)}"
    if read.text(evidence, "fingerprint"):
        yield "Fingerprint", words.clean(read.text(evidence, "fingerprint"), 16)
    seconds = read.number(evidence, "seconds")
    if math.isfinite(seconds):
        yield "Decoding", "taken from the cache" if read.flag(evidence, "cached") else words.duration(seconds)


def _classes(evidence: Any, counts: dict[str, tuple[float, ...]]) -> Table:
    names = [words.name(name) for name in read.values(evidence, "class_names")]
    shown = [split for split in SPLITS if counts[split]]
    largest = max([value for split in shown for value in read.finite(counts[split])] or [1.0]) or 1.0
    rows: list[tuple[str | Cell, ...]] = []
    for index, name in enumerate(names[:MOST_CLASSES]):
        cells = [counts[split][index] if index < len(counts[split]) else math.nan for split in shown]
        rows.append((name, *(_count(value, largest) for value in cells)))
    hidden = len(names) - len(rows)
    note = f"{words.plural(hidden, 'more class')} in report.json." if hidden > 0 else ""
    return Table("Images per class and split", ("Class", *shown), tuple(rows), "l" + "r" * len(shown), note=note)


def _count(value: float, largest: float) -> Cell:
    return Cell(words.count(value), bar=value / largest if math.isfinite(value) else None)


def _fold(summary: str, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], total: int) -> Fold:
    note = f"The first {len(rows)} of {total}; all are in report.json." if total > len(rows) else ""
    return Fold(summary, (Table(summary, head, rows, "l" * len(head), note=note),))
