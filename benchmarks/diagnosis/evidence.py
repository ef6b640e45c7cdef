"""What did the probes measure on the kept runs? Trained again, looked at when they end, kept as JSON, and read back.

A look takes seconds, so a sample of the runs is looked at. Reading back needs the probes' classes and no training.
"""

import dataclasses
import json
import time
import types
import typing
import zlib
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.rows import EVIDENCE, Row, pack, short, unpack
from benchmarks.diagnosis.setups import Setup

HEALTHY = 16  # runs of a task that are looked at
PER_CAUSE = 2  # of each cause


def restored(kind: Any, data: Any) -> Any:
    """The inverse of `tuner.records.to_json` for a value annotated as `kind`: dataclasses, tuples, mappings, floats."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        return restored(next(one for one in inside if one is not type(None)), data)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(
            **{f.name: restored(hints[f.name], data[f.name]) for f in dataclasses.fields(kind) if f.name in data}
        )
    if origin is tuple:
        kinds = [inside[0]] * len(data) if len(inside) == 2 and inside[1] is Ellipsis else inside
        return tuple(restored(one, item) for one, item in zip(kinds, data, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: restored(inside[1], item) for key, item in data.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return float(data) if kind is float else data


def shortened(value: Any) -> Any:
    """JSON data with every float cut to the digits that are kept."""
    if isinstance(value, float):
        return short(value)
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    return [shortened(item) for item in value] if isinstance(value, list) else value


def evidence_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Probe name -> its evidence, from the JSON form."""
    from tuner.probes import PROBES

    return {name: restored(PROBES[name].evidence, data) for name, data in found.items() if name in PROBES}


def looked_at(rows: list[Row]) -> list[Row]:
    """The runs that the probes are asked about: with seed 0, of each task so many of a cause, in a fixed order."""
    mixed = [row for row in rows if row["setup"].get("seed", 0) == 0]
    mixed.sort(key=lambda row: zlib.crc32(row["id"].encode()))
    taken: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in mixed:
        key = (row["task"], row["cause"])
        taken[key] += 1
        if taken[key] <= (HEALTHY if row["cause"] == "healthy" else PER_CAUSE):
            kept.append(row)
    return kept


def collect(file: Path, tasks: list[str]) -> None:
    """Train every kept run with seed 0 again and add what the probes measure, a line a run; then pack all of it."""
    done = {json.loads(line)["id"] for line in file.read_text().splitlines()} if file.exists() else set()
    sample = looked_at(unpack())
    rows = [row for name in tasks for row in sample if row["task"] == name and row["id"] not in done]
    start = time.monotonic()
    for number, row in enumerate(rows, 1):
        found, seconds = look_at(row)
        with file.open("a") as lines:
            lines.write(json.dumps({"id": row["id"], "seconds": round(seconds, 2), "evidence": found}) + "\n")
        print(f"{time.monotonic() - start:5.0f} s {number}/{len(rows)} {row['id']} {seconds:.1f} s", flush=True)
    packed(file)


def packed(file: Path) -> None:
    """Pack the lines of a file whose runs are among the kept ones."""
    kept = {row["id"] for row in unpack()}
    pack((line for line in map(json.loads, file.read_text().splitlines()) if line["id"] in kept), EVIDENCE)


def setup_of(row: Row) -> Setup:
    """The setup of a kept run."""
    return Setup(**{key: tuple(value) if isinstance(value, list) else value for key, value in row["setup"].items()})


_TRAINERS: dict[str, Any] = {}  # the trainer of the last task: its compiled epochs are used again


def look_at(row: Row, trains: bool = True) -> tuple[dict[str, Any], float]:
    """Train one run again and ask every probe; JSON data, and the seconds that the probes took."""
    from benchmarks.diagnosis.tasks import load
    from benchmarks.diagnosis.training import Trainer
    from tuner.probes import Subject, look
    from tuner.records import to_json

    if row["task"] not in _TRAINERS:
        _TRAINERS.clear()
        _TRAINERS[row["task"]] = Trainer(load(row["task"]))
    setup = setup_of(row)
    _, trained = _TRAINERS[row["task"]].train(setup, keep=True)
    subject = Subject(
        trained.model, trained.x, trained.y, trained.val_x, trained.val_y,
        trained=True, batch_size=setup.batch_size, initial=trained.initial,
    )  # fmt: skip
    start = time.monotonic()
    found = look(subject, trains)
    return shortened(to_json(found)), time.monotonic() - start
