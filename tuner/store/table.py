"""All trials of a run as one table, for a spreadsheet or pandas: `trials.csv`."""

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tuner.hyperparameters import PATHS
from tuner.records import Trial, TrialSpec, to_json
from tuner.store.files import replace_text
from tuner.store.reader import read_run

TABLE = "trials.csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run as a formula
COLUMNS = (
    *("number", "step", "round", "stage", "state", "val_accuracy", "val_loss", "accuracy", "loss"),
    *("best_epoch", "epochs", "seconds", "seed", "examples", "fold", "parent", "engine", "reason", "weights"),
)


def export_csv(folder: Path) -> Path:
    """Write `trials.csv` into the run's folder from its records alone; the path of the file. Raises `StoreError`."""
    return write_table(folder, read_run(folder).trials)


def write_table(folder: Path, trials: Iterable[Trial]) -> Path:
    """Write `trials.csv` into the run's folder, one row a trial; the path of the file.

    Accuracies and losses are those of the best epoch; what was not measured is an empty cell.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow([*COLUMNS, *PATHS])
    table.writerows([_cell(value) for value in _row(trial)] for trial in trials)
    path = folder / TABLE
    replace_text(path, stream.getvalue())
    return path


def _row(trial: Trial) -> list[Any]:
    spec, curves = trial.spec, trial.curves
    best = [_at(values, trial.best_epoch) for values in (curves.accuracy, curves.loss)]
    return [
        *(trial.number, spec.step, spec.round, spec.stage, trial.state, trial.val_accuracy, trial.val_loss, *best),
        *(trial.best_epoch, curves.epochs, round(trial.seconds, 3), spec.seed, spec.examples, _fold(spec), spec.parent),
        *(trial.engine, trial.reason, trial.weights),
        *(getattr(spec.hyperparameters, field) for field in PATHS.values()),
    ]


def _fold(spec: TrialSpec) -> str:
    """`1 of 5`; empty for a trial on the one validation split."""
    return "" if spec.fold is None else f"{spec.fold[0]} of {spec.fold[1]}"


def _at(values: tuple[float, ...], epoch: int | None) -> float:
    return values[epoch - 1] if epoch is not None and epoch <= len(values) else math.nan


def _cell(value: Any) -> Any:
    kind = type(value)
    if kind is int or (kind is float and value == value):
        return value
    if value is None or kind is float:
        return ""
    if kind is bool:
        return str(value).lower()
    text = str(value) if isinstance(value, str) else str(to_json(value))
    return f"'{text}" if text.startswith(FORMULA) else text
