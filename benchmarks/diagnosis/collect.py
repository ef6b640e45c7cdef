"""Which curves do known faults leave? Trains healthy and broken Keras models and keeps what proves true to its label.

    python -m benchmarks.diagnosis.collect --out FILE.jsonl    trains everything (an hour), resumes where it ended
    python -m benchmarks.diagnosis.collect --pack FILE.jsonl   writes benchmarks/diagnosis/curves.json.gz
    python -m benchmarks.diagnosis.collect --rates             the sweep behind reference.RATES
    python -m benchmarks.diagnosis.collect --evidence FILE.jsonl   trains a sample again and asks the probes

Needs KERAS_BACKEND=jax (see training.py). A fault is trained with five seeds and kept, with two of them, only if it
hurts; a healthy run is kept only if its outcome is sound (`keep.py`).
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import jax

from benchmarks.diagnosis.faults import faults
from benchmarks.diagnosis.healthy import SLOW, healthy
from benchmarks.diagnosis.keep import SEEDS, ends_well, hurts, is_healthy
from benchmarks.diagnosis.reference import OPTIMIZERS, SWEEP, base
from benchmarks.diagnosis.rows import CURVES, Row, pack, setup_words, short
from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import NAMES, Task, load
from benchmarks.diagnosis.training import Outcome, Trainer

FAULT_SEEDS = 2  # of a fault that are kept
HEALTHY_SEEDS = 4
HEALTHY_SEEDS_SLOW = 2


def row_of(task: Task, cause: str, strength: str, setup: Setup, outcome: Outcome, harm: tuple[float, float]) -> Row:
    """One run as plain data."""
    return {
        "id": f"{task.name}/{cause}/{strength}/{setup.optimizer}/{setup.seed}",
        "task": task.name,
        "held_out": task.held_out,
        "cause": cause,
        "strength": strength,
        "setup": setup_words(setup),
        "classes": task.classes,
        "counts": list(outcome.counts),
        "sizes": list(outcome.sizes),
        "harm": [short(v) for v in harm],
        "quality": short(max(outcome.quality)),
        "curves": {name: [short(v) for v in values] for name, values in outcome.curves.items()},
    }


class Collector:
    """Collects one task after the other into a file of lines."""

    def __init__(self, file: Path) -> None:
        self.file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.done = {json.loads(line)["key"] for line in lines}
        self.start = time.monotonic()

    def task(self, name: str) -> None:
        """All setups of one task that are not in the file yet."""
        task = load(name)
        trainer = Trainer(task)
        chance = 1 / task.classes if task.classes else 0.0
        jobs = [("healthy", *job) for job in healthy(task)] + list(faults(task))
        jobs = [job for job in jobs if self.key(*job) not in self.done]
        if not jobs:
            return
        references = {o: self.runs(trainer, base(task, o), len(SEEDS)) for o in OPTIMIZERS}
        for number, (cause, strength, setup) in enumerate(jobs, 1):
            if cause == "healthy":
                seeds = HEALTHY_SEEDS_SLOW if task.network in SLOW else HEALTHY_SEEDS
                runs = self.runs(trainer, setup, seeds)
                rows = [(seed, run, (0.0, 1.0)) for seed, run in enumerate(runs)]
                rows = [row for row in rows if is_healthy(row[1], references[setup.optimizer], chance)]
            else:
                runs = self.runs(trainer, setup, len(SEEDS))
                kept, *harm = hurts(cause, runs, references[setup.optimizer], chance)
                rows = [(s, run, tuple(harm)) for s, run in enumerate(runs[:FAULT_SEEDS])] if kept else []
            self.write(
                self.key(cause, strength, setup),
                [row_of(task, cause, strength, replace(setup, seed=s), run, harm) for s, run, harm in rows],
            )
            spent = time.monotonic() - self.start
            best = fmean(max(run.quality) for run in runs)
            print(f"{spent:5.0f} s {name} {number}/{len(jobs)} {cause} {strength} {setup.optimizer}:"
                  f" quality {best:.3f}, kept {len(rows)}", flush=True)  # fmt: skip
        jax.clear_caches()

    def runs(self, trainer: Trainer, setup: Setup, seeds: int) -> list[Outcome]:
        """The same setup with seeds 0, 1, ..."""
        return [trainer.train(replace(setup, seed=seed))[0] for seed in range(seeds)]

    def key(self, cause: str, strength: str, setup: Setup) -> str:
        """What tells a job from every other."""
        return json.dumps([cause, strength, setup_words(setup)])

    def write(self, key: str, rows: list[Row]) -> None:
        """One line a job, so that a job is in the file wholly or not at all."""
        with self.file.open("a") as file:
            file.write(json.dumps({"key": key, "rows": rows}) + "\n")


def collected(file: Path) -> Iterator[Row]:
    """The rows of a file of lines."""
    for line in file.read_text().splitlines():
        for row in json.loads(line)["rows"]:
            if row["cause"] != "healthy" or ends_well(row["curves"]):  # the rule may be stricter than when it ran
                yield row


def balanced(rows: list[Row]) -> list[Row]:
    """Every healthy run, and of each task as many faults at most: all first seeds, then second ones."""
    kept = []
    for name in NAMES:
        mine = [row for row in rows if row["task"] == name]
        fine = [row for row in mine if row["cause"] == "healthy"]
        broken = sorted((row for row in mine if row["cause"] != "healthy"), key=lambda row: row["setup"].get("seed", 0))
        kept += fine + broken[: max(len(fine), sum(row["setup"].get("seed", 0) == 0 for row in broken))]
    return kept


def sweep(names: list[str]) -> None:
    """Print the table of `reference.RATES`."""
    for name in names:
        task = load(name)
        trainer, table = Trainer(task), {}
        for optimizer, rates in SWEEP.items():
            ends: dict[float, float] = {}
            for rate in rates:
                setup = Setup(name, optimizer, rate, epochs=task.epochs)
                runs = [trainer.train(replace(setup, seed=seed))[0] for seed in range(1 if task.network in SLOW else 2)]
                ends[rate] = fmean(fmean(run.curves["val_loss"][-3:]) for run in runs)
            table[optimizer] = min((end, rate) for rate, end in ends.items() if end == end)[1]
        print(f'    "{name}": {table},', flush=True)


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--rates", action="store_true")
    parser.add_argument("--tasks", nargs="+", default=list(NAMES), choices=NAMES)
    arguments: Any = parser.parse_args()
    if arguments.rates:
        sweep(arguments.tasks)
    if arguments.out:
        collector = Collector(arguments.out)
        for name in arguments.tasks:
            collector.task(name)
    if arguments.pack:
        rows = balanced(list(collected(arguments.pack)))
        pack(rows, CURVES)
        print(f"{len(rows)} runs, {CURVES.stat().st_size / 1024:.0f} KiB in {CURVES}")
    if arguments.evidence:
        from benchmarks.diagnosis.evidence import collect

        collect(arguments.evidence, arguments.tasks)


if __name__ == "__main__":
    main()
