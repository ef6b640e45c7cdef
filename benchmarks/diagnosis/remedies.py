"""Does the first remedy, applied, improve the run? Retrained with three seeds, on the faults found on held-out tasks.

    export KERAS_BACKEND=jax
    python -m benchmarks.diagnosis.remedies [--most 100] [--train] [--curves] [--minutes M] [--json FILE]

The first remedy of the first verdict is made to the setup, as `tuner diagnose --try` would make it to a program; the
verdicts are those on curves and model (probes' evidence that was kept, or measured now), with `--curves` those on
curves alone. Only faults that were found count: where no right verdict was given, a remedy can only be lucky. What
only a person can do ("look at the labels"), and what the benchmark has no knob for, is counted apart.

Better means by more than the standard error of three seeds, and 0.005 at least: the best validation quality, or that at
the end (what `fit` leaves behind), while the other does not get worse; after `overfit` and `gap`, else, the last
validation loss.
"""

import argparse
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from benchmarks.diagnosis.applied import LOOK, applied
from benchmarks.diagnosis.causes import RIGHT
from benchmarks.diagnosis.evidence import evidence_of, look_at, setup_of
from benchmarks.diagnosis.keep import Outcome, best
from benchmarks.diagnosis.rows import EVIDENCE, Row, context_of, curves_of, select, unpack
from benchmarks.diagnosis.score import Rate
from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import load
from tuner.diagnosis.remedies import remedies_of
from tuner.probes import verdicts
from tuner.records import Change, Verdict
from tuner.records import Outcome as Severity

if TYPE_CHECKING:  # it needs JAX
    from benchmarks.diagnosis.training import Trainer

SEEDS = range(3)
LEAST, LEAST_OF_LOSS = 0.005, 0.02  # of balanced accuracy or R²; of a loss: a smaller gain is none
USELESS = 0.0  # R² of a constant answer: what is worse is not the better for being less so
LAST = 3  # epochs that the end of a run is the mean of
LEFT_BEHIND = ("overfit", "gap")  # verdicts on the end of a run: its last loss is what they want better
OTHER_LOSS = ("loss.", "regularization.", "optimizer.weight_decay", "data.scale_targets")  # changes of the loss itself
IMPROVED, NOT, PERSON, NO_KNOB, NOTHING = "improved", "not", "a person", "no knob", "no change"

Train = Callable[[Setup], Outcome]
Looked = Callable[[Row], dict[str, Any]]  # what the probes measured, as JSON


def noise(before: Sequence[float], after: Sequence[float]) -> float:
    """Standard error of the difference of two means."""
    return float((variance(before) / len(before) + variance(after) / len(after)) ** 0.5)


def gain(before: Sequence[float], after: Sequence[float], least: float = LEAST) -> int:
    """1 where the mean rose by more than its standard error and `least`, -1 where it fell by more, else 0."""
    difference = fmean(after) - fmean(before)
    return 0 if abs(difference) <= max(noise(before, after), least) else 1 if difference > 0 else -1


def improved(verdict: str, before: Sequence[Outcome], after: Sequence[Outcome], same_loss: bool = True) -> bool:
    """Whether the runs are better after than before; losses are compared only where they are the same."""
    bests = gain(*([max(best(run), USELESS) for run in runs] for runs in (before, after)))
    ends = gain(*([max(fmean(run.quality[-LAST:]), USELESS) for run in runs] for runs in (before, after)))
    if max(bests, ends) == 1 and min(bests, ends) >= 0:
        return True
    losses = [[-fmean(run.curves["val_loss"][-LAST:]) for run in runs] for runs in (before, after)]
    less = gain(*losses, LEAST_OF_LOSS * abs(fmean(losses[0])))
    return verdict in LEFT_BEHIND and same_loss and less == 1 and ends >= 0


def first_remedy(found: Sequence[Verdict]) -> tuple[str, tuple[Change, ...]]:
    """The first verdict that asks for something or, where none does, for more epochs; with its first remedy."""
    asking = [v for v in found if v.outcome is not Severity.PASS] or [v for v in found if v.changes]
    remedies = remedies_of(asking[0]) if asking else []
    return (asking[0].name if asking else ""), (remedies[0] if remedies else ())


def changed(changes: Sequence[Change], setup: Setup, trainer: "Trainer") -> tuple[str, Setup]:
    """The setup with all changes, or why not: `PERSON`, `NO_KNOB`, `NOTHING`; "" where it differs."""
    if not changes:
        return NOTHING, setup
    new = setup
    for change in changes:
        after = applied(change, new, trainer.task)
        if after is None:
            return (PERSON if change.value == LOOK else NO_KNOB), setup
        new = after
    return (NOT, setup) if new == setup else ("", new)  # it is so already: the remedy was beside the point


def sample(rows: Sequence[Row], most: int) -> list[Row]:
    """Faults with seed 0, mixed, at most so many: whoever stops half way has a fair half."""
    faults = [row for row in rows if row["cause"] != "healthy" and row["setup"].get("seed", 0) == 0]
    random.Random(1).shuffle(faults)
    return faults[:most]


def tried(
    rows: Sequence[Row], looked: Looked | None, train: "Callable[[Trainer], Train]", seconds: float = math.inf
) -> list[dict[str, Any]]:
    """For every run, as far as the time goes: cause, whether it was found, verdict, change, and what came of it."""
    from benchmarks.diagnosis.training import Trainer

    results: list[dict[str, Any]] = []
    trainers: dict[str, Trainer] = {}
    began = time.monotonic()
    for row in rows:
        if time.monotonic() - began > seconds:
            print(f"time is over: {len(rows) - len(results)} of {len(rows)} runs were not tried")
            break
        if row["task"] not in trainers:
            trainers[row["task"]] = Trainer(load(row["task"]))
        trainer = trainers[row["task"]]
        evidence = evidence_of(looked(row)) if looked else {}
        found = verdicts(evidence, curves_of(row, told=True), context_of(row))
        name, changes = first_remedy(found)
        result: dict[str, Any] = {
            "id": row["id"],
            "cause": row["cause"],
            "found": bool(RIGHT[row["cause"]].intersection(v.name for v in found)),
            "verdict": name,
            "change": " and ".join(f"{change.path}={change.value}" for change in changes[:3]),
        }
        result["result"], new = changed(changes, setup_of(row), trainer)
        if not result["result"]:
            run = train(trainer)
            before, after = ([run(replace(one, seed=seed)) for seed in SEEDS] for one in (setup_of(row), new))
            same_loss = not any(change.path.startswith(OTHER_LOSS) for change in changes)
            result["result"] = IMPROVED if improved(name, before, after, same_loss) else NOT
            result["quality"] = [round(fmean(best(o) for o in outcomes), 4) for outcomes in (before, after)]
        results.append(result)
        print(line(result), flush=True)
    return results


def line(result: dict[str, Any]) -> str:
    """One run in words."""
    quality = " -> ".join(f"{value:.3f}" for value in result.get("quality", ()))
    found = "" if result["found"] else "(not found) "
    return f"{result['result']:9} {found}{result['id']}: {result['verdict']} -> {result['change']}  {quality}"


def looked_at(row: Row) -> dict[str, Any]:
    """What the probes measure on a run that is trained again."""
    found, _ = look_at(row)
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def kept_or_looked_at() -> Looked:
    """What the probes measured when the runs were collected or, where that was not kept, measure now."""
    kept = {line["id"]: line["evidence"] for line in unpack(EVIDENCE)} if EVIDENCE.exists() else {}
    return lambda row: kept[row["id"]] if row["id"] in kept else looked_at(row)


def training(trainer: "Trainer") -> Train:
    """A run of a setup."""
    return lambda setup: trainer.train(setup)[0]


def show(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Print the table by cause and the rate; the same as data."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        table[result["cause"]][result["result"] if result["found"] else "not found"] += 1
    for cause, counts in sorted(table.items()):
        print(f"{cause:17} {dict(counts)}")
    total = sum(table.values(), Counter())
    rate = Rate(total[IMPROVED], total[IMPROVED] + total[NOT] + total[NO_KNOB] + total[NOTHING])
    print(f"first remedy improves: {rate} of the faults found whose remedy is no matter of a person; {dict(total)}")
    return {"improves": [rate.hits, rate.of, *rate.interval], "totals": dict(total)}


def main() -> None:
    """Try and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--curves", action="store_true", help="verdicts on curves alone")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so many, with what was tried")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = sample(select(unpack(), held_out=not arguments.train), arguments.most)
    looked = None if arguments.curves else kept_or_looked_at()
    results = tried(rows, looked, training, 60 * arguments.minutes)
    data = show(results)
    if arguments.json:
        arguments.json.write_text(json.dumps({**data, "runs": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
