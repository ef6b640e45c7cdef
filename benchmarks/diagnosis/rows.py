"""How is a run kept? One row of plain data a run; packed small for the repository, and read back.

No Keras here: whoever scores reads this file and `tuner.symptoms`.
"""

import dataclasses
import gzip
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tuner.records import LearningCurves, curves_from_json
from tuner.symptoms import Context

HERE = Path(__file__).parent
CURVES = HERE / "curves.json.gz"
EVIDENCE = HERE / "evidence.json.gz"
DIGITS = 5  # of a number that is kept

Row = dict[str, Any]


def setup_words(setup: Any) -> dict[str, Any]:
    """A setup as the fields in which it differs from the class's defaults."""
    return {
        f.name: getattr(setup, f.name)
        for f in dataclasses.fields(setup)
        if f.default is dataclasses.MISSING or getattr(setup, f.name) != f.default
    }


def short(value: float) -> float | str:
    """A number with `DIGITS` significant digits; what is not finite becomes a word."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else "nan" if math.isnan(value) else str(value)


def pack(rows: Iterable[Row], file: Path) -> None:
    """Write rows, the same bytes for the same rows."""
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    file.write_bytes(gzip.compress(f"[\n{lines}\n]\n".encode(), 9, mtime=0))


def unpack(file: Path = CURVES) -> list[Row]:
    """All rows of a packed file."""
    rows: list[Row] = json.loads(gzip.decompress(file.read_bytes()))
    return rows


def select(rows: Iterable[Row], held_out: bool) -> list[Row]:
    """The rows of the held-out tasks, or those of the tasks that thresholds may be chosen by."""
    return [row for row in rows if row["held_out"] is held_out]


def curves_of(row: Row, told: bool = False) -> LearningCurves:
    """Its curves; the learning rate is among them only where the diagnosis is told about the run."""
    return curves_from_json({k: v for k, v in row["curves"].items() if told or k != "learning_rate"})


def context_of(row: Row, told: bool = True) -> Context:
    """What the owner of the run knows; nothing where it is not told."""
    if not told:
        return Context()
    setup = row["setup"]
    standardized = not row["classes"] and setup.get("targets", "standardized") == "standardized"
    return Context(
        num_classes=row["classes"] or None,
        class_frequencies=tuple(row["counts"]) or None,
        train_examples=row["sizes"][0],
        val_examples=row["sizes"][1],
        # whoever standardizes targets knows their variance, and so what a constant answer costs in squares
        baseline_loss=setup.get("unit", 1.0) if standardized else None,
        learning_rate=row["curves"]["learning_rate"][0],
        rate_is_scheduled=setup.get("schedule", "none") != "none",
        dropout=setup.get("dropout", 0.0),
        label_smoothing=setup.get("label_smoothing", 0.0),
    )


def prefixes(curves: LearningCurves) -> Iterator[LearningCurves]:
    """The run as it looked after each of its epochs."""
    for epochs in range(1, curves.epochs + 1):
        yield LearningCurves(
            *(values[:epochs] for values in (curves.loss, curves.val_loss, curves.accuracy, curves.val_accuracy)),
            learning_rate=curves.learning_rate[:epochs],
        )
