"""Which number does a cell hold? In a text with a decimal point or comma, a percent sign, or inside `tensor(...)`."""

import re
from collections.abc import Iterable
from typing import Any

SPELLED = ("nan", "inf", "infinity")  # numbers that JSON can hold as words only
MISSING = ("", "na", "n/a", "null", "none", "-", "--")
WRAPPED = re.compile(r"[\w.]+\(([^,()]+)[^()]*\)\s*\Z")  # tensor(0.51), np.float32(0.51)
COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?\Z")
POINT = re.compile(r"[+-]?\d*\.\d")


def number(cell: str, comma: bool) -> float | None:
    """The cell as a number; None where there is none. With `comma` a comma stands before the decimals."""
    if cell.lower() in MISSING:
        return None
    text = cell.replace(",", ".") if comma and COMMA.match(cell) else cell
    if "_" not in text:  # Python reads 1_000, a table does not
        try:
            return float(text)
        except ValueError:
            pass
    wrapped = WRAPPED.match(text)
    if wrapped:
        return number(wrapped[1].strip(), False)
    if text.endswith("%"):
        share = number(text[:-1].strip(), comma)
        return None if share is None else share / 100
    return None


def uses_decimal_comma(cells: Iterable[str]) -> bool:
    """Whether decimals are written with a comma: some cell has one between digits, and none has a point."""
    found = False
    for cell in cells:
        if POINT.match(cell):
            return False
        found = found or bool(COMMA.match(cell))
    return found


def of_json(value: Any) -> float | None:
    """A value of JSON, or of a list in memory, as a number; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str) and value.lower().lstrip("+-") not in SPELLED:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
