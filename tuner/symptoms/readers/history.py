"""Curves from JSON: a Keras history (dict of lists), a list of one dict an epoch, or one such dict a line.

The dict may lie under `history` or `curves`, and its columns may be dicts by row number, as pandas writes them.
A null in the training loss is a NaN that JSON could not hold; anywhere else it means that nothing was measured.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, Column, ReadError, Reading

WRAPPERS = ("history", "curves", "metrics", "log_history", "logs")
SHAPES = 'a Keras history {"loss": [...], "val_loss": [...]} or one {"loss": ..., "val_loss": ...} an epoch'


def read_history(path: Path, text: str, choice: Choice) -> Reading:
    """Curves from JSON or JSON lines. Raises `ReadError`."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        try:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise ReadError(f"{path}:{error.lineno}:{error.colno}: not JSON ({error.msg}); wanted {SHAPES}.") from None
    return read_data(data, str(path), choice)


def read_data(data: Any, source: str, choice: Choice) -> Reading:
    """Curves from a dict of columns, a list of epochs, or anything with `to_dict("list")` such as a DataFrame."""
    if hasattr(data, "history") and isinstance(data.history, Mapping):  # a keras.callbacks.History
        data = data.history
    elif hasattr(data, "to_dict"):
        data = data.to_dict("list")
    while isinstance(data, Mapping) and (inside := next((data[key] for key in WRAPPERS if key in data), None)):
        data = inside
    if isinstance(data, Sequence) and not isinstance(data, str) and data and all(isinstance(r, Mapping) for r in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        data = {name: [row.get(name) for row in data] for name in names}
    if not isinstance(data, Mapping):
        raise ReadError(f"{source}: found {_described(data)}; wanted {SHAPES}.")
    table = {str(name): _column(column) for name, column in data.items()}
    table = {name: column for name, column in table.items() if column}
    if not table:
        raise ReadError(f"{source}: found the keys {', '.join(map(repr, list(data)[:12])) or 'none'}; wanted {SHAPES}.")
    for name in ("loss", "train_loss"):
        if name in table and name in data:
            table[name] = [float("nan") if v is None and _row_ran(table, i) else v for i, v in enumerate(table[name])]
    return reading_of(table, source, choice)


def _row_ran(table: Mapping[str, Column], row: int) -> bool:
    """Whether the row is an epoch rather than a line that carries validation alone."""
    other = [column for name, column in table.items() if name not in ("loss", "train_loss", "epoch", "step")]
    measured = [len(column) > row and column[row] is not None for column in other]
    return not any(measured) or all(measured)


def _column(values: Any) -> Column:
    if isinstance(values, Mapping):
        values = list(values.values())
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, list | tuple):
        return []
    numbers = [_number(value) for value in values]
    return numbers if any(number is not None for number in numbers) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str) and value.lower().lstrip("+-") not in ("nan", "inf", "infinity"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _described(data: Any) -> str:
    if isinstance(data, Sequence) and not isinstance(data, str):
        return f"a list of {len(data)} {type(data[0]).__name__ if data else 'nothing'}"
    return f"a {type(data).__name__}"
