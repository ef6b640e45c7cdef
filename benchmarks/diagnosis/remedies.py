"""Does the first remedy, applied, improve the run? Retrained with three seeds, on faults found on the held-out tasks.

    KERAS_BACKEND=jax python -m benchmarks.diagnosis.remedies [--most 100] [--train] [--json FILE]

The first change of the first verdict is made to the setup, where the setup has such a knob; the verdict may use the
probes' evidence where it was kept. Better means: the best validation quality (of an overfitted run, else, the last
validation loss) gains more than the seeds' noise. A change that only a person can make ("look at the labels") is
counted apart.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, variance

from benchmarks.diagnosis.applied import applied
from benchmarks.diagnosis.evidence import evidence_of, setup_of
from benchmarks.diagnosis.keep import AT_THE_END, Outcome, best
from benchmarks.diagnosis.rows import EVIDENCE, Row, context_of, curves_of, select, unpack
from benchmarks.diagnosis.score import Rate
from benchmarks.diagnosis.tasks import load
from benchmarks.diagnosis.training import Trainer
from tuner.probes import verdicts
from tuner.records import Change, Verdict
from tuner.records import Outcome as Severity

SEEDS = range(3)


def better(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether the mean rose by more than its standard error."""
    noise = (variance(before) / len(before) + variance(after) / len(after)) ** 0.5
    return fmean(after) - fmean(before) > noise


def improved(cause: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> bool:
    """Whether the runs are better after than before."""
    if better([best(run) for run in before], [best(run) for run in after]):
        return True
    ends = [[-run.curves["val_loss"][-1] for run in runs] for runs in (before, after)]
    return cause in AT_THE_END and better(*ends)


def first_change(found: Sequence[Verdict]) -> tuple[str, Change] | None:
    """The first verdict that asks for something or, where none does, for more epochs; with its first change."""
    asking = [v for v in found if v.outcome is not Severity.PASS] or [v for v in found if v.changes]
    return (asking[0].name, asking[0].changes[0]) if asking and asking[0].changes else None


def sample(rows: Sequence[Row], most: int) -> list[Row]:
    """Faults with seed 0, mixed, at most so many; those of one task follow each other."""
    faults = [row for row in rows if row["cause"] != "healthy" and row["setup"].get("seed", 0) == 0]
    random.Random(1).shuffle(faults)
    return sorted(faults[:most], key=lambda row: row["task"])


def tried(rows: Sequence[Row]) -> list[dict[str, str]]:
    """For every run: cause, verdict, change, and what came of it: improved | not | no change | a person | no knob."""
    kept = {line["id"]: line["evidence"] for line in unpack(EVIDENCE)} if EVIDENCE.exists() else {}
    results, trainers = [], {}
    for row in rows:
        if row["task"] not in trainers:
            trainers = {row["task"]: Trainer(load(row["task"]))}
        trainer, setup = trainers[row["task"]], setup_of(row)
        found = verdicts(evidence_of(kept.get(row["id"], {})), curves_of(row, told=True), context_of(row))
        chosen = first_change(found)
        result = {"id": row["id"], "cause": row["cause"], "verdict": "", "change": "", "result": "no change"}
        if chosen is not None:
            name, change = chosen
            result |= {"verdict": name, "change": f"{change.path}={change.value}"}
            new = applied(change, setup, trainer.task)
            if new is None:
                result["result"] = "a person" if change.value == "look" else "no knob"
            elif new == setup:
                result["result"] = "not"  # it is so already: the remedy was beside the point
            else:
                before, after = ([trainer.train(replace(one, seed=seed))[0] for seed in SEEDS] for one in (setup, new))
                result["result"] = "improved" if improved(row["cause"], before, after) else "not"
        results.append(result)
        print(f"{result['result']:9} {result['id']}: {result['verdict']} -> {result['change']}", flush=True)
    return results


def main() -> None:
    """Try and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = tried(sample(select(unpack(), held_out=not arguments.train), arguments.most))
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        table[result["cause"]][result["result"]] += 1
    for cause, counts in sorted(table.items()):
        print(f"{cause:17} {dict(counts)}")
    total = sum(table.values(), Counter())
    made = total["improved"] + total["not"]
    print(f"first remedy improves: {Rate(total['improved'], made)} of the changes that could be made; {dict(total)}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"totals": total, "runs": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
