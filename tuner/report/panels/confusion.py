"""Which classes are taken for which others? A table with shading and numbers."""

import math
from collections.abc import Iterator

from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Table
from tuner.report.view import View

MOST_CLASSES = 20  # beyond that a matrix cannot be read: the most frequent confusions are listed alone
MOST_PAIRS = 12
SHADES = 5  # of each of the two colors

Matrix = tuple[tuple[float, ...], ...]


def panel(view: View) -> Iterator[Block]:
    """The matrix if it is small enough, and the most frequent confusions."""
    found = view.json("confusion.json")
    matrix: Matrix = tuple(read.numbers({"row": row}, "row") for row in read.values(found, "matrix"))
    classes = [words.name(item) for item in read.values(found, "classes")]
    size = len(classes)
    if not size or len(matrix) != size or any(len(row) != size for row in matrix):
        return
    matrix = tuple(tuple(value if math.isfinite(value) and value > 0 else 0.0 for value in row) for row in matrix)
    split = words.name(read.text(found, "split") or "validation")
    if size <= MOST_CLASSES:
        yield _matrix(classes, matrix, split)
    pairs = sorted(
        ((matrix[i][j], i, j) for i in range(size) for j in range(size) if i != j and matrix[i][j]), reverse=True
    )
    if pairs:
        rows = tuple(
            (classes[i], classes[j], words.count(n), _share(n, sum(matrix[i]))) for n, i, j in pairs[:MOST_PAIRS]
        )
        yield Table(
            "The most frequent confusions", ("True class", "Taken for", "Images", "Of that class"), rows, "llrr"
        )


def _matrix(classes: list[str], matrix: Matrix, split: str) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    for index, counts in enumerate(matrix):
        total = sum(counts)
        cells = [Cell(words.count(n) if n else "·", shade=_shade(n, total, index == j)) for j, n in enumerate(counts)]
        rows.append((classes[index], *cells, words.accuracy(counts[index] / total) if total else words.MISSING))
    note = "Rows: true class. Columns: the model's answer. Recall: the share of a class that was found."
    align = "l" + "r" * (len(classes) + 1)
    return Table(
        f"Confusion matrix, {split} images",
        ("true \\ answer", *classes, "Recall"),
        tuple(rows),
        align,
        note=note,
        style="confusion",
    )


def _shade(n: float, total: float, right: bool) -> str:
    """`right-1` to `right-5` on the diagonal, `wrong-1` to `wrong-5` off it, by the share of the row."""
    if not n or not total:
        return ""
    share = n / total if right else min(1.0, 4 * n / total)  # a quarter of a class gone wrong is as strong as it gets
    return f"{'right' if right else 'wrong'}-{max(1, math.ceil(share * SHADES))}"


def _share(n: float, total: float) -> str:
    return f"{100 * n / total:.0f} %" if total else words.MISSING
