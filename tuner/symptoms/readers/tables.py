"""Curves from a table in a text file: what Keras's `CSVLogger` writes, and what others write like it.

Rows of the same epoch that follow each other are one epoch (some loggers write training and validation apart). An
empty cell, "NA" or "null" means that nothing was measured; "nan" means that NaN was.
"""

import csv
from pathlib import Path

from tuner.symptoms.readers.columns import EPOCHS, reading_of
from tuner.symptoms.readers.reading import Choice, ReadError, Reading

SEPARATORS = ",;\t|"
MISSING = ("", "na", "n/a", "null", "none", "-")


def read_table(path: Path, text: str, choice: Choice) -> Reading:
    """Curves from separated values with a header. Raises `ReadError`."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise ReadError(f"{path}: no table. Found {len(lines)} lines; wanted a header and one row an epoch.")
    separator = max(SEPARATORS, key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=separator))
    header = [name.strip() for name in rows[0]]
    if all(_is_number(name) for name in header):
        raise ReadError(
            f"{path}: the first line holds numbers, wanted the names of the columns, such as epoch,loss,val_loss."
        )
    merged = _merged(header, [_cells(header, row) for row in rows[1:]])
    table = {name: [row.get(name) for row in merged] for name in header}
    return reading_of(table, str(path), choice)


def _merged(header: list[str], rows: list[dict[str, float | None]]) -> list[dict[str, float | None]]:
    epoch = next((name for name in header if name.lower() in EPOCHS), None)
    merged: list[dict[str, float | None]] = []
    for row in rows:
        same = merged and epoch and row.get(epoch) is not None and merged[-1].get(epoch) == row[epoch]
        known = {name: value for name, value in row.items() if value is not None}
        if same:
            merged[-1].update(known)
        elif known:
            merged.append(dict(row))
    return merged


def _cells(header: list[str], row: list[str]) -> dict[str, float | None]:
    """The numbers of one row; text that is no number counts as not measured."""
    return {name: _number(cell) for name, cell in zip(header, row, strict=False)}


def _number(cell: str) -> float | None:
    return float(cell) if cell.strip().lower() not in MISSING and _is_number(cell) else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
