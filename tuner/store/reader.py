"""What does a run's folder hold? Read-only views for the report, `runs`, `compare` and anyone else.

Readers never wait for the run to end and never disturb it: each takes one short look at `run.db`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.records import Run, finding_from_json
from tuner.store.errors import StoreError
from tuner.store.folders import is_number
from tuner.store.owner import is_owned
from tuner.store.rows import recorded_from_row
from tuner.store.schema import DATABASE, FINDINGS, explained, get_meta, get_trials, reading


@dataclass(frozen=True)
class RunSummary:
    """One line about a run. If `problem` is not empty, the run cannot be read and only its place is known."""

    name: str
    number: int
    folder: str  # absolute path
    status: str = "unreadable"  # running | finished | interrupted | failed
    created: str = ""  # ISO 8601, UTC
    seconds: float = 0.0  # active time, summed over resumes
    trials: int = 0
    val_accuracy: float | None = None  # in [0, 1]: of the conclusion, or the best so far
    test_accuracy: float | None = None  # in [0, 1]
    outcome: str = ""  # of the conclusion
    title: str = ""  # of the conclusion, one sentence
    problem: str = ""


def read_run(folder: Path) -> Run:
    """Everything that happened in the run at `folder`, as of its last commit. Raises `StoreError`.

    A run that says it is running, but that no process owns any more, was interrupted.
    """
    folder = folder.absolute()
    with reading(folder) as connection:
        meta = get_meta(connection)
        findings = connection.execute(FINDINGS).fetchall()
        trials = get_trials(connection)
    with explained(folder / DATABASE):
        return Run(
            name=meta["name"],
            number=meta["number"],
            folder=str(folder),
            created=meta["created"],
            status=_status(folder, meta),
            recipe=meta["recipe"],
            recipe_text=meta["recipe_text"],
            environment=meta["environment"],
            findings=tuple(finding_from_json(json.loads(text)) for (text,) in findings),
            trials=tuple(recorded_from_row(row).trial for row in trials),
            conclusion=meta["conclusion"],
            seconds=meta["seconds"],
        )


def read_artifact(folder: Path, name: str) -> bytes | None:
    """The bytes that were kept under `name`, or None. Raises `StoreError`."""
    with reading(folder) as connection:
        row = connection.execute("SELECT blob FROM artifacts WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def artifact_names(folder: Path) -> tuple[str, ...]:
    """The names of everything that was kept for the report, sorted. Raises `StoreError`."""
    with reading(folder) as connection:
        rows = connection.execute("SELECT name FROM artifacts ORDER BY name").fetchall()
    return tuple(name for (name,) in rows)


def list_runs(reports_dir: Path) -> list[RunSummary]:
    """All runs under `reports_dir`, or under the folder of one name, oldest first; unreadable ones say why."""
    reports_dir = reports_dir.absolute()
    if not reports_dir.is_dir():
        return []
    children = sorted(entry for entry in reports_dir.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    folders = [child for child in children if is_number(child.name) and (child / DATABASE).exists()]
    for child in (child for child in children if child not in folders):
        try:
            folders += sorted(entry for entry in child.iterdir() if entry.is_dir() and is_number(entry.name))
        except PermissionError:  # somebody else's folder: none of its runs can be listed, ours can
            continue
    return sorted(map(summarize, folders), key=lambda run: (run.created, run.name, run.number))


def summarize(folder: Path) -> RunSummary:
    """One line about the run at `folder`; never raises for what the folder holds."""
    folder = folder.absolute()
    try:
        with reading(folder) as connection:
            meta = get_meta(connection)
            (trials,) = connection.execute("SELECT count(*) FROM trials").fetchone()
        with explained(folder / DATABASE):
            return _summary(folder, meta, trials)
    except StoreError as error:
        return RunSummary(
            folder.parent.name, int(folder.name) if is_number(folder.name) else 0, str(folder), problem=str(error)
        )


def _summary(folder: Path, meta: dict[str, Any], trials: int) -> RunSummary:
    conclusion = meta["conclusion"]
    return RunSummary(
        name=meta["name"],
        number=meta["number"],
        folder=str(folder),
        status=_status(folder, meta),
        created=meta["created"],
        seconds=meta["seconds"],
        trials=trials,
        val_accuracy=_finite(conclusion.get("val_accuracy", meta["best_val_accuracy"])),
        test_accuracy=_finite(conclusion.get("test_accuracy")),
        outcome=conclusion.get("outcome", ""),
        title=conclusion.get("title", ""),
    )


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None  # "nan" is a string in JSON form


def _status(folder: Path, meta: dict[str, Any]) -> str:
    status = str(meta["status"])
    return "interrupted" if status == "running" and not is_owned(folder) else status
