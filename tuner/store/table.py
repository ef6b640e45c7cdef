"""All trials of a run as one table, for a spreadsheet or pandas: `trials.csv`."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from tuner.hyperparameters import PATHS
from tuner.records import Trial, to_json
from tuner.store.files import replace_text
from tuner.store.reader import read_run

TABLE = "trials.csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run as a formula
COLUMNS = (
    *("number", "step", "round", "stage", "state", "val_accuracy", "val_loss", "accuracy", "loss"),
    *("best_epoch", "epochs", "seconds", "seed", "examples", "parent", "engine", "reason", "weights"),
)


def export_csv(folder: Path) -> Path:
    """Write `trials.csv` into the run's folder, one row a trial, from its records alone; the path of the file.

    Accuracies and losses are those of the best epoch; what was not measured is an empty cell. Raises `StoreError`.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow([*COLUMNS, *PATHS])
    table.writerows([_cell(value) for value in _row(trial)] for trial in read_run(folder).trials)
    path = folder / TABLE
    replace_text(path, stream.getvalue())
    return path


def _row(trial: Trial) -> list[Any]:
    spec, curves = trial.spec, trial.curves
    best = [_at(values, trial.best_epoch) for values in (curves.accuracy, curves.loss)]
    return [
        *(trial.number, spec.step, spec.round, spec.stage, trial.state, trial.val_accuracy, trial.val_loss, *best),
        *(trial.best_epoch, curves.epochs, round(trial.seconds, 3), spec.seed, spec.examples, spec.parent),
        *(trial.engine, trial.reason, trial.weights),
        *spec.hyperparameters.to_json().values(),
    ]


def _at(values: tuple[float, ...], epoch: int | None) -> float:
    return values[epoch - 1] if epoch is not None and epoch <= len(values) else math.nan


def _cell(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, int | float):
        return value
    text = str(to_json(value)) if not isinstance(value, str) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
