"""Source `csv`: a table with a path and a label in each line, and maybe the part (train, validation, test).

The first line names the columns (`data.image_column`, `data.label_column`, `data.split_column`, `data.group_column`);
paths are relative to the table. Commas, semicolons and tabs separate; a byte order mark does no harm. No line is
dropped unlisted.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.dataset import DataError
from tuner.data.listing import Listing, Origin, Row, digest, file_state, location, not_a_file, shown
from tuner.data.sources.directory import PART_FOLDERS
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe

SEPARATORS = (",", ";", "\t")
SPLIT = "split"  # the recipe's default: the only column that a table may lack


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    number: int  # counted from 1, the header included
    path: str
    label: str
    part: str
    group: str = ""


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The images that a table names. Raises `DataError` with the line for whatever is wrong with the table itself."""
    table = location(recipe)
    if reason := not_a_file(table.stat()):
        raise DataError(f"data.path: {shown(table)} is {reason}.")
    lines = _lines(recipe, table)
    names = _class_names(recipe, table, lines)
    there, skipped, states = _there(table, lines)
    if lines and not there:
        raise DataError(
            f"{shown(table)}: none of its {len(lines)} files can be found. Paths are relative to "
            f"{shown(table.parent)}; the first is {shown(lines[0].path)}."
        )
    key = digest("csv", str(table), names, [(x.path, x.label, x.part, x.group) for x in lines], states, skipped)
    return Origin(table.stem, key, lambda: _listing(table, names, there, skipped))


def _listing(table: Path, names: tuple[str, ...], lines: list[Line], skipped: list[tuple[str, str]]) -> Listing:
    index = {name: i for i, name in enumerate(names)}

    def rows() -> Iterator[Row]:
        from tuner.data.decode import decode_file

        for line in lines:
            load = partial(decode_file, table.parent / line.path)
            yield Row(shown(line.path), index[line.label], line.part, load, shown(line.group))

    return Listing(tuple(map(shown, names)), len(lines), rows, tuple(skipped))


def _there(
    table: Path, lines: list[Line]
) -> tuple[list[Line], list[tuple[str, str]], list[tuple[str, tuple[int, int, int]]]]:
    """The lines whose file is there; the others with the reason; the state of each file."""
    there, skipped, states = [], [], []
    for line in lines:
        try:
            status = (table.parent / line.path).stat()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = error.strerror if isinstance(error, OSError) else str(error)
            skipped.append((shown(line.path), f"line {line.number}: {reason}"))
            continue
        if reason := not_a_file(status):
            skipped.append((shown(line.path), f"line {line.number}: {reason}"))
            continue
        there.append(line)
        states.append((line.path, file_state(status)))
    return there, skipped, states


def _lines(recipe: "Recipe", table: Path) -> list[Line]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(table)} is not UTF-8 (byte {error.start}): save it as UTF-8.") from error
    data = recipe.data
    header_line = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header_line.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    try:
        table_lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise DataError(f"{shown(table)}, line {reader.line_num}: {error}.") from error
    if not table_lines:
        raise DataError(f"{shown(table)} is empty; its first line names the columns.")
    header = [cell.strip() for cell in table_lines[0][1]]
    image, label = (_column(table, header, name) for name in (data.image_column, data.label_column))
    part = None
    if data.split_column and (data.split_column in header or data.split_column != SPLIT):
        part = _column(table, header, data.split_column)
    group = None if data.group_column is None else _column(table, header, data.group_column)
    return [_line(table, number, cells, image, label, part, group) for number, cells in table_lines[1:]]


def _column(table: Path, header: list[str], name: str) -> int:
    if name not in header:
        raise DataError(
            f"{shown(table)} has no column '{name}', only {', '.join(map(shown, header))}. "
            "Name yours in data.image_column, data.label_column, data.split_column and data.group_column."
        )
    return header.index(name)


def _line(
    table: Path, number: int, cells: list[str], image: int, label: int, part: int | None, group: int | None
) -> Line:
    where = f"{shown(table)}, line {number}"
    if len(cells) <= max(image, label, part or 0, group or 0):
        raise DataError(f"{where} has {len(cells)} cells; the columns of the header are more.")
    path, name = cells[image].strip(), cells[label].strip()
    if not path or not name:
        raise DataError(f"{where} has no {'path' if not path else 'label'}.")
    word = cells[part].strip().lower() if part is not None else ""
    if word and word not in PART_FOLDERS:
        raise DataError(f"{where}: '{shown(word)}' is no part; train, validation and test are.")
    whose = cells[group].strip() if group is not None else ""
    if group is not None and not whose:
        raise DataError(
            f"{where} names no group: who is it of? An image that stands alone has a name of its own there."
        )
    return Line(number, path, name, PART_FOLDERS.get(word, "train"), whose)


def _class_names(recipe: "Recipe", table: Path, lines: list[Line]) -> tuple[str, ...]:
    """The declared names, or the labels in alphanumeric order."""
    declared = tuple(recipe.data.class_names or ())
    alien = next((line for line in lines if declared and line.label not in declared), None)
    if alien is not None:
        raise DataError(
            f"{shown(table)}, line {alien.number}: label '{shown(alien.label)}' of {shown(alien.path)} is not in "
            "data.class_names. Add it there, or correct the line."
        )
    return declared or tuple(sorted({line.label for line in lines}))
