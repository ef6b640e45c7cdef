"""Curves from MLflow's folders: that of a run, or one above it, of which the newest run is read.

A run is `mlruns/EXPERIMENT/RUN/` with `metrics/NAME` (a line each: time in milliseconds, value, step), `params/NAME`
(one value) and `meta.yaml`. A slash in a metric's name is a folder.

Source: MLflow's documentation "Backend stores", the file store.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, ReadError, Reading, noted
from tuner.symptoms.readers.series import continued, table_of

METRICS, PARAMS, META = "metrics", "params", "meta.yaml"
RATES = ("learning_rate", "lr", "opt_learning_rate", "optimizer_learning_rate")
LINE = "a line 'time value step' for each value"


def mlflow_runs(folder: Path) -> list[Path]:
    """The runs in, or up to two levels under, a folder; the newest first."""
    places = (folder, *folder.glob("*/"), *folder.glob("*/*/"))
    return sorted((place for place in places if _is_run(place)), key=_started, reverse=True)


def read_mlflow(folder: Path, runs: list[Path], choice: Choice) -> Reading:
    """The curves of the newest run. Raises `ReadError` where a file is not as MLflow writes it."""
    series: dict[str, list[tuple[float, float]]] = {}
    for name, path in _files(runs[0] / METRICS):
        points = [_point(path, number, line) for number, line in enumerate(_lines(path), 1)]
        if len({step for step, _ in points}) < len(points) and len({step for step, _ in points}) == 1:
            points = [(float(place), value) for place, (_, value) in enumerate(points)]  # logged without a step
        series[name] = continued(points)
    table, said = table_of({name: points for name, points in series.items() if points})
    reading = noted(reading_of(table, str(runs[0]), choice), *said)
    if len(runs) > 1:
        reading = noted(reading, f"the newest of {len(runs)} runs under {folder}")
    return replace(reading, context=replace(reading.context, **_planned(runs[0] / PARAMS, "learning_rate" in table)))


def _is_run(folder: Path) -> bool:
    return (folder / METRICS).is_dir() and ((folder / META).is_file() or (folder / PARAMS).is_dir())


def _started(run: Path) -> float:
    """Milliseconds since 1970 that the run names; without them the time of its folder."""
    meta = run / META
    text = meta.read_text(encoding="utf-8", errors="replace") if meta.is_file() else ""
    named = re.search(r"^start_time:\s*(\d+)", text, re.MULTILINE)
    return float(named[1]) if named else run.stat().st_mtime * 1000


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix(), path


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def _point(path: Path, number: int, line: str) -> tuple[float, float]:
    """(step, value) of one line; the oldest files have no step."""
    parts = line.split()
    try:
        return (float(parts[2]) if len(parts) > 2 else float(number)), float(parts[1])
    except (IndexError, ValueError):
        raise ReadError(f"{path}:{number}: found '{line[:60]}'; wanted {LINE}.") from None


def _planned(folder: Path, rate_is_a_curve: bool) -> dict[str, Any]:
    """What the parameters say of the run: its rate and how many epochs were meant."""
    told = {name: _lines(path)[:1] for name, path in _files(folder)} if folder.is_dir() else {}
    words = {name: lines[0].strip() for name, lines in told.items() if lines}
    rate = next((_number(words[name]) for name in RATES if name in words), None)
    epochs = _number(words.get("epochs", ""))
    planned: dict[str, Any] = {}
    if rate and not rate_is_a_curve:
        planned["learning_rate"] = rate
    if epochs and epochs == int(epochs):
        planned["epochs_planned"] = int(epochs)
    return planned


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
