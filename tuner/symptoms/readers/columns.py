"""Which columns of a table are the curves, and what do they hold? What was taken as what stands in the reading.

Found by name (`names.py`) unless the user says otherwise; where two columns could be meant, that is said.
"""

import math
from collections.abc import Mapping, Sequence

from tuner.records import LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.readers import names
from tuner.symptoms.readers.choosing import by_name
from tuner.symptoms.readers.reading import Choice, Column, ReadError, Reading
from tuner.symptoms.readers.series import table_of
from tuner.symptoms.shape import is_accuracy

WANTED = (
    "a training loss such as 'loss' or 'train_loss', and if possible 'val_loss', 'accuracy', 'val_accuracy'; "
    "or say which with --train and --val"
)


def reading_of(table: Mapping[str, Column], source: str, choice: Choice) -> Reading:
    """The curves in a table of columns. Raises `ReadError` that names the columns found and wanted."""
    sizes = {name: size for name, column in table.items() if (size := sum(value is not None for value in column))}
    taken, notes = by_name(sizes)
    if choice.train or choice.val:
        taken, notes = _by_choice(taken, list(sizes), choice, source), ()
    if not {"loss", "val_loss", "accuracy", "val_accuracy"} & set(taken):
        raise ReadError(f"{source}: no learning curves. Found the columns {_told(table, sizes)}; wanted {WANTED}.")
    if choice.higher_is_better and choice.train and _is_share(table, taken):
        taken = {{"loss": "accuracy", "val_loss": "val_accuracy"}.get(role, role): name for role, name in taken.items()}
    table, apart = _brought_together(table, taken)
    longest = max(len(table[name]) for role, name in taken.items() if role != "step_loss")
    rows = [row for row in range(longest) if _complete(table, taken, row)]
    if not rows:
        both = " and ".join(f"'{name}'" for role, name in taken.items() if role in ("loss", "val_loss"))
        raise ReadError(f"{source}: no epoch has a value in each of {both}; wanted one row an epoch.")
    columns = {role: _numbers(table[name], rows) for role, name in taken.items() if role != "step_loss"}
    percent = _percent(columns.get("accuracy", ()), columns.get("val_accuracy", ()))
    for role in ("accuracy", "val_accuracy"):
        columns[role] = tuple(v / 100 for v in columns[role]) if percent and role in columns else columns.get(role, ())
    steps = tuple(float(v) for v in table[taken["step_loss"]] if v is not None) if "step_loss" in taken else ()
    score = any(names.quantity(taken.get(role, ""))[1] in names.SCORES for role in ("loss", "val_loss"))
    upside_down = (choice.higher_is_better or score) and "accuracy" not in taken and "val_accuracy" not in taken
    return Reading(
        source,
        LearningCurves(**columns, step_loss=steps),
        taken,
        tuple(row + 1 for row in rows),
        tuple(name for name in table if name not in taken.values() and names.quantity(name)[1] not in names.EPOCHS),
        Context(higher_is_better=upside_down),
        notes=(*notes, *apart),
    )


def _by_choice(found: Mapping[str, str], known: list[str], choice: Choice, source: str) -> dict[str, str]:
    taken = {role: name for role, name in found.items() if role == "learning_rate"}
    for role, name, option in (("loss", choice.train, "--train"), ("val_loss", choice.val, "--val")):
        if name is not None and name not in known:
            raise ReadError(f"{source}: no column '{name}'. Found {names.listed(known)}; {option} takes one of them.")
        if name is not None:
            taken[role] = name
    return taken


def _brought_together(
    table: Mapping[str, Column], taken: Mapping[str, str]
) -> tuple[Mapping[str, Column], tuple[str, ...]]:
    """The table with training and validation in the same rows, where every row carries one of the two only."""
    rows = [
        {row for row, value in enumerate(table[taken[role]]) if value is not None}
        for role in ("loss", "val_loss")
        if role in taken
    ]
    if len(rows) < 2 or rows[0] & rows[1]:
        return table, ()
    named = [name for role, name in taken.items() if role != "step_loss"]
    series = {name: [(float(i), v) for i, v in enumerate(table[name]) if v is not None] for name in named}
    together, said = table_of(series)
    return {**table, **together}, ("training and validation stand in rows of their own", *said)


def _complete(table: Mapping[str, Column], taken: Mapping[str, str], row: int) -> bool:
    """Whether every curve has a value in that row; a curve that ends early does not hold the others back."""
    for role, name in taken.items():
        column = table[name]
        if role in ("step_loss", "learning_rate") or row >= len(column):
            continue
        if column[row] is None and any(value is not None for value in column[row:]):
            return False
    return any(row < len(table[name]) and table[name][row] is not None for name in taken.values())


def _numbers(column: Column, rows: Sequence[int]) -> tuple[float, ...]:
    values = [column[row] for row in rows if row < len(column)]
    while values and values[-1] is None:
        values.pop()
    return tuple(float(value) for value in values if value is not None)


def _percent(*curves: tuple[float, ...]) -> bool:
    """Whether accuracies are percentages; training and validation are so together."""
    finite = [value for values in curves for value in values if math.isfinite(value)]
    return bool(finite) and 1.5 < max(finite) <= 100 and min(finite) >= 0


def _is_share(table: Mapping[str, Column], taken: Mapping[str, str]) -> bool:
    named = [name for role, name in taken.items() if role in ("loss", "val_loss")]
    values = tuple(float(value) for name in named for value in table[name] if value is not None)
    return is_accuracy(tuple(value / 100 for value in values) if _percent(values) else values)


def _told(table: Mapping[str, Column], sizes: Mapping[str, int]) -> str:
    wanted = (*names.LOSSES, *names.ACCURACIES)
    empty = [name for name in table if name not in sizes and names.quantity(name)[1] in wanted]
    return names.listed(list(table)) + (f" (no numbers in {names.listed(empty)})" if empty else "")
