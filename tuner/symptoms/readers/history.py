"""Curves from JSON, and from what lies in memory: a Keras history, a list of epochs, a table with columns.

The dict may lie under `history` or `curves`, its columns may be dicts by row number, as pandas writes them, or lie in
a dict for each split. A null in the training loss is a NaN that JSON could not hold; anywhere else it means that
nothing was measured.

Source: Keras's `History` (its `history` and `params`); pandas's `DataFrame.to_json`; Hugging Face's `log_history`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tuner.records import LearningCurves
from tuner.symptoms.readers.cells import of_json
from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, Column, ReadError, Reading, noted
from tuner.symptoms.readers.series import continued, table_of

WRAPPERS = ("history", "curves", "metrics", "log_history", "logs")
SHAPES = 'a Keras history {"loss": [...], "val_loss": [...]} or one {"loss": ..., "val_loss": ...} an epoch'
STEPS = ("step", "global_step", "iteration", "epoch")  # keys of a row that say when it was logged


def read_history(path: Path, text: str, choice: Choice) -> Reading:
    """Curves from JSON or JSON lines. Raises `ReadError`."""
    if not text.strip():
        raise ReadError(f"{path}: an empty file; wanted {SHAPES}.")
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        data = _lines(path, text, error)
    except RecursionError:
        raise ReadError(f"{path}: JSON nested too deeply to be a history; wanted {SHAPES}.") from None
    return read_data(data, str(path), choice)


def read_data(data: Any, source: str = "memory", choice: Choice | None = None) -> Reading:
    """Curves from a History, a dict of columns, a list of epochs, `LearningCurves`, or anything with `.columns`.

    A DataFrame is such a thing; nothing is imported for it. Raises `ReadError`.
    """
    data, planned = _opened(data, source)
    notes: tuple[str, ...] = ()
    if isinstance(data, Sequence) and not isinstance(data, str) and data and all(isinstance(r, Mapping) for r in data):
        data, notes = _of_rows(data)
    if not isinstance(data, Mapping):
        raise ReadError(f"{source}: found {_described(data)}; wanted {SHAPES}.")
    table = {name: _column(column) for name, column in _flat(data).items()}
    table = {name: column for name, column in table.items() if column}
    if not table:
        raise ReadError(f"{source}: found the keys {', '.join(map(repr, list(data)[:12])) or 'none'}; wanted {SHAPES}.")
    for name in ("loss", "train_loss"):
        if name in table and name in data:
            table[name] = [float("nan") if v is None and _row_ran(table, i) else v for i, v in enumerate(table[name])]
    reading = noted(reading_of(table, source, choice or Choice()), *notes)
    return replace(reading, context=replace(reading.context, **planned)) if planned else reading


def _lines(path: Path, text: str, error: json.JSONDecodeError) -> list[Any]:
    """One JSON value a line; a last line that is cut off is one that is being written."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    values: list[Any] = []
    for number, line in lines:
        try:
            values.append(json.loads(line))
        except json.JSONDecodeError as wrong:
            if len(values) > 1 and number == lines[-1][0]:
                break
            place = f"{number}:{wrong.colno}" if values else f"{error.lineno}:{error.colno}"
            said = wrong.msg if values else error.msg
            raise ReadError(f"{path}:{place}: not JSON ({said}); wanted {SHAPES}.") from None
    return values


def _opened(data: Any, source: str) -> tuple[Any, dict[str, Any]]:
    """What lies inside the wrappings, and what they tell of the plan: Keras's `params` of a history."""
    planned: dict[str, Any] = {}
    if isinstance(data, LearningCurves):
        return {one.name: list(getattr(data, one.name)) for one in fields(data) if getattr(data, one.name)}, {}
    if isinstance(getattr(data, "history", None), Mapping):  # a keras.callbacks.History
        return data.history, _planned(getattr(data, "params", None))
    if hasattr(data, "columns") and hasattr(data, "to_dict"):  # a DataFrame
        found = [str(name) for name in data.columns]
        twice = next((name for name in found if found.count(name) > 1), None)
        if twice is not None:
            raise ReadError(f"{source}: two columns are called '{twice}'; rename one of them.")
        return {str(name): data[name] for name in data.columns}, {}
    if hasattr(data, "to_dict"):
        data = data.to_dict("list")
    while isinstance(data, Mapping) and (inside := next((data[key] for key in WRAPPERS if key in data), None)):
        if not isinstance(inside, Mapping | Sequence) or (
            isinstance(inside, list) and not isinstance(inside[0], Mapping)
        ):
            break  # a column that happens to be called so
        planned |= _planned(data.get("params"))
        data = inside
    return data, planned


def _planned(params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        return {}
    named = {"epochs_planned": params.get("epochs"), "steps_per_epoch": params.get("steps")}
    return {name: value for name, value in named.items() if isinstance(value, int) and value > 0}


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """One dict a row as columns; where rows carry training or validation but never both, by the steps they name."""
    found = list(dict.fromkeys(str(name) for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in found}
    at = next((key for key in STEPS if all(of_json(row.get(key)) is not None for row in rows)), None)
    losses = [name for name in found if "loss" in name.lower()]
    apart = len(losses) > 1 and not any(sum(name in row for name in losses) > 1 for row in rows)
    if at is None or not apart:
        return columns, ()
    series = {
        name: continued([(float(row[at]), v) for row in rows if (v := of_json(row.get(name))) is not None])
        for name in found
        if name not in STEPS
    }
    return table_of({name: points for name, points in series.items() if points})


def _flat(data: Mapping[Any, Any]) -> dict[str, Any]:
    """`{"train": {"loss": [...]}}` as `train/loss`; a column by row number stays what it is."""
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping) and any(isinstance(one, list | tuple) for one in value.values()):
            flat |= {f"{name}/{inner}": column for inner, column in value.items()}
        else:
            flat[str(name)] = value
    return flat


def _row_ran(table: Mapping[str, Column], row: int) -> bool:
    """Whether the row is an epoch rather than a line that carries validation alone."""
    other = [column for name, column in table.items() if name not in ("loss", "train_loss", "epoch", "step")]
    measured = [len(column) > row and column[row] is not None for column in other]
    return not any(measured) or all(measured)


def _column(values: Any) -> Column:
    if isinstance(values, Mapping):
        values = list(values.values())
    for way in ("tolist", "to_list"):
        if hasattr(values, way):
            values = getattr(values, way)()
    if not isinstance(values, list | tuple):
        return []
    numbers = [of_json(value) for value in values]
    return numbers if any(number is not None for number in numbers) else []


def _described(data: Any) -> str:
    if isinstance(data, Sequence) and not isinstance(data, str):
        return f"a list of {len(data)} {type(data[0]).__name__ if data else 'nothing'}"
    return f"a {type(data).__name__}"
