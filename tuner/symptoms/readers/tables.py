"""Curves from a table in a text file: what Keras's `CSVLogger` writes, and what others write like it.

Rows of the same epoch that follow each other are one epoch (some loggers write training and validation apart). An
empty cell, "NA" or "null" means that nothing was measured; "nan" means that NaN was. Any other text in a column of
numbers is an error, with its line.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.symptoms.readers.cells import MISSING, number, uses_decimal_comma
from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.names import EPOCHS, RATES, quantity
from tuner.symptoms.readers.reading import Choice, Column, ReadError, Reading

SEPARATORS = ",;\t|"
HEADER = "the names of the columns in the first line, such as epoch,loss,val_loss"
LEAST_ROWS_APART = 2  # epochs in a file whose rows are merged by epoch; with fewer the rows are the points


@dataclass(frozen=True)
class _Row:
    line: int
    cells: list[str]


def read_table(path: Path, text: str, choice: Choice) -> Reading:
    """Curves from separated values with a header. Raises `ReadError` with the line that is wrong."""
    header, rows = _split(path, text)
    header, rows = _aligned(path, header, rows, cut=not text.endswith("\n"))
    columns = _columns(path, header, rows)
    epoch = next((name for name in header if name.lower() in EPOCHS), None)
    return reading_of(_merged(columns, epoch), str(path), choice)


def _split(path: Path, text: str) -> tuple[list[str], list[_Row]]:
    """The header and the rows below it."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    remarks = [line for _, line in lines if line.startswith("#")]
    lines = [(number, line) for number, line in lines if not line.startswith("#")]
    separator = max(SEPARATORS, key=lines[0][1].count) if lines else ","
    if lines and separator not in lines[0][1] and len(lines[0][1].split()) > 1:
        rows = [_Row(number, line.split()) for number, line in lines]
    else:
        parsed = csv.reader((line for _, line in lines), delimiter=separator)
        try:
            rows = [_Row(lines[parsed.line_num - 1][0], [cell.strip() for cell in cells]) for cells in parsed]
        except csv.Error as error:
            raise ReadError(
                f"{path}:{lines[parsed.line_num - 1][0]}: not a table ({error}); wanted {HEADER}."
            ) from None
    if rows and remarks and all(number(cell, False) is not None for cell in rows[0].cells):
        named = [cell.strip() for cell in re.split(r"[,;\t|]|\s+", remarks[-1].lstrip("# ")) if cell.strip()]
        if len(named) == len(rows[0].cells):  # NumPy's savetxt puts the names into a remark
            return named, rows
    if len(rows) < 2:
        found = "an empty file" if not rows else f"{len(rows)} line{'' if len(rows) == 1 else 's'}"
        raise ReadError(f"{path}: no table. Found {found}; wanted a header and one row an epoch.")
    if all(number(cell, False) is not None for cell in rows[0].cells):
        raise ReadError(f"{path}:{rows[0].line}: the first line holds numbers, wanted {HEADER}.")
    return rows[0].cells, rows[1:]


def _aligned(path: Path, header: list[str], rows: list[_Row], cut: bool) -> tuple[list[str], list[_Row]]:
    """Header and rows of one width; a last row that is still being written is left out."""
    rows = [row for row in rows if row.cells != header]  # a second run wrote its header into the same file
    if rows and cut and len(rows) > 1 and len(rows[-1].cells) < len(header):
        rows = rows[:-1]
    if rows and all(len(row.cells) == len(header) + 1 for row in rows):
        trailing = all(not row.cells[-1] for row in rows)
        header = [*header, ""] if trailing else ["", *header]  # R numbers its rows without naming that column
    for row in rows:
        if len(row.cells) > len(header) and any(row.cells[len(header) :]):
            raise ReadError(
                f"{path}:{row.line}: {len(row.cells)} cells under {len(header)} names; wanted one cell a name. Where "
                "decimals are written with commas, separate the cells with semicolons."
            )
    return header, rows


def _columns(path: Path, header: Sequence[str], rows: Sequence[_Row]) -> dict[str, Column]:
    """Numbers of each column. Raises `ReadError` at text among numbers, and at a name that stands twice."""
    comma = uses_decimal_comma(cell for row in rows for cell in row.cells)
    columns: dict[str, Column] = {}
    for place, name in enumerate(header):
        cells = [row.cells[place] if place < len(row.cells) else "" for row in rows]
        values = [number(cell, comma) for cell in cells]
        wrong = [
            i
            for i, (cell, v) in enumerate(zip(cells, values, strict=True))
            if v is None and cell.lower() not in MISSING
        ]
        if wrong and len(wrong) < sum(cell.lower() not in MISSING for cell in cells) and _matters(name):
            line, cell = rows[wrong[0]].line, cells[wrong[0]][:40]
            raise ReadError(
                f"{path}:{line}: column '{name}': '{cell}' is no number; leave a cell empty if none was measured."
            )
        if name in columns and columns[name] != values and _matters(name):
            first = list(header).index(name) + 1
            raise ReadError(
                f"{path}:1: columns {first} and {place + 1} are both called '{name}' and differ; rename one."
            )
        columns.setdefault(name, values)
    return columns


def _matters(name: str) -> bool:
    return any(word in quantity(name)[1] for word in ("loss", "acc", *RATES, "mse", "mae"))


def _merged(columns: dict[str, Column], epoch: str | None) -> dict[str, Column]:
    """Rows of one epoch as one row: the mean of what was logged more than once, of the rate the last."""
    numbers = columns.get(epoch or "", ())
    groups: list[list[int]] = []
    for row in range(len(next(iter(columns.values()), ()))):
        if all(column[row] is None for column in columns.values()):
            continue
        if groups and numbers and numbers[row] is not None and numbers[row] == numbers[groups[-1][-1]]:
            groups[-1].append(row)
        else:
            groups.append([row])
    if len(groups) < LEAST_ROWS_APART:
        groups = [[row] for group in groups for row in group]
    return {
        name: [_together(name, [column[row] for row in group]) for group in groups] for name, column in columns.items()
    }


def _together(name: str, values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2 or quantity(name)[1] in RATES:
        return known[-1] if known else None
    return sum(known) / len(known)
