"""How often is a diagnosis right, and how often does it cry wolf? On the runs of `collect.py`, the held-out ones.

    python -m benchmarks.diagnosis.score              the table of rates with 95 % intervals, and one by cause
    python -m benchmarks.diagnosis.score --train      on the tasks that thresholds may be chosen by
    python -m benchmarks.diagnosis.score --verbose    every miss and every false alarm besides
    python -m benchmarks.diagnosis.score --json FILE  the rates as data

"curves only" is told nothing but the history file; "curves, told" knows classes, sizes and rate as their owner does;
"with model" has the probes' evidence besides (a sample of runs). A fault is found where a right verdict is among those
given (`causes.RIGHT`), a note such as `undertrained` included; "by an alarm" leaves notes out. Needs no training and,
for curves, no Keras.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.diagnosis.causes import RIGHT
from benchmarks.diagnosis.evidence import evidence_of
from benchmarks.diagnosis.rows import EVIDENCE, Row, context_of, curves_of, prefixes, select, unpack
from tuner.records import LearningCurves, Outcome, Verdict
from tuner.search.noise import wilson_interval
from tuner.symptoms import Context, diagnose

Judge = Callable[[Row, LearningCurves, Context], tuple[Verdict, ...]]
CLEAR = 0.1  # of balanced accuracy or R² that a fault costs: below it, the curves look like those of a sound run


@dataclass(frozen=True)
class Rate:
    """A share of cases, with Wilson's interval."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        """In [0, 1]; NaN of nothing."""
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; (0, 1) of nothing."""
        return wilson_interval(self.hits, self.of) if self.of else (0.0, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:6.1%}  [{low:.1%}, {high:.1%}]  {self.hits}/{self.of}"


@dataclass
class Tally:
    """What became of one set of runs under one way of judging."""

    healthy: int = 0
    alarmed: int = 0
    prefix: int = 0
    faults: int = 0
    found: int = 0
    found_by_alarm: int = 0
    any_alarm: int = 0
    clear: int = 0  # faults that cost CLEAR or more
    clear_found: int = 0
    first: int = 0
    three: int = 0
    delays: list[int] = field(default_factory=list)
    by_cause: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    misses: list[str] = field(default_factory=list)

    def rates(self) -> dict[str, Rate]:
        """Name -> rate."""
        found = {
            "false alarms, whole run": Rate(self.alarmed, self.healthy),
            "faults found": Rate(self.found, self.faults),
            "faults found by an alarm": Rate(self.found_by_alarm, self.faults),
            f"found where harm is >= {CLEAR}": Rate(self.clear_found, self.clear),
            "any alarm on a fault": Rate(self.any_alarm, self.faults),
            "right first": Rate(self.first, self.faults),
            "right among three": Rate(self.three, self.faults),
        }
        return found


def alarms(verdicts: Sequence[Verdict]) -> list[str]:
    """The verdicts that ask for something."""
    return [verdict.name for verdict in verdicts if verdict.outcome is not Outcome.PASS]


def tally(rows: Sequence[Row], judge: Judge, told: bool, with_prefixes: bool = True) -> Tally:
    """Judge every run and count."""
    found = Tally()
    for row in rows:
        curves, context = curves_of(row, told), context_of(row, told)
        verdicts = judge(row, curves, context)
        if row["cause"] == "healthy":
            _count_healthy(found, row, alarms(verdicts), curves, context, judge if with_prefixes else None)
        else:
            _count_fault(found, row, verdicts)
        if row["cause"] == "overfitted" and with_prefixes:
            delay = overfit_delay(row, curves, context, judge)
            found.delays += [delay] if delay is not None else []
    return found


def _count_healthy(
    found: Tally, row: Row, raised: list[str], curves: LearningCurves, context: Context, judge: Judge | None
) -> None:
    early = (
        {name for p in (prefixes(curves) if judge else ()) for name in alarms(judge(row, p, context))}
        if judge
        else set()
    )
    found.healthy += 1
    found.alarmed += bool(raised)
    found.prefix += bool(early or raised)
    found.by_cause["healthy"].update(["runs", *(["alarm"] if raised else []), *(f"  {name}" for name in raised[:1])])
    if raised or early:
        found.misses.append(f"false alarm {row['id']}: {raised or 'on a prefix'} {sorted(early)}")


def _count_fault(found: Tally, row: Row, verdicts: Sequence[Verdict]) -> None:
    right, names, raised = RIGHT[row["cause"]], [verdict.name for verdict in verdicts], alarms(verdicts)
    hits = [name in right for name in names]
    found.faults += 1
    found.found += any(hits)
    found.found_by_alarm += bool(right.intersection(raised))
    found.any_alarm += bool(raised)
    if float(row["harm"][0]) >= CLEAR:
        found.clear += 1
        found.clear_found += any(hits)
    found.first += bool(hits and hits[0])
    found.three += any(hits[:3])
    said = ["runs", *(["alarm"] if raised else []), *(["found"] if any(hits) else [])]
    found.by_cause[row["cause"]].update([*said, *(["first"] if hits[0] else []), f"  {names[0]}"])
    if not any(hits):
        found.misses.append(f"missed {row['id']}: {names}")


def overfit_delay(row: Row, curves: LearningCurves, context: Context, judge: Judge) -> int | None:
    """Epochs from the best validation loss to the first prefix that is called `overfit`; None if none is."""
    best = min(range(len(curves.val_loss)), key=lambda epoch: curves.val_loss[epoch]) + 1
    for epochs, prefix in enumerate(prefixes(curves), 1):
        if "overfit" in alarms(judge(row, prefix, context)):
            return epochs - best
    return None


def from_curves(row: Row, curves: LearningCurves, context: Context) -> tuple[Verdict, ...]:
    """The verdicts on curves."""
    return diagnose(curves, context)


def with_model(kept: dict[str, Any]) -> Judge:
    """A judge that has the kept evidence of the probes too."""
    from tuner.probes import verdicts

    def judge(row: Row, curves: LearningCurves, context: Context) -> tuple[Verdict, ...]:
        return verdicts(evidence_of(kept[row["id"]]), curves, context)

    return judge


def tallies(rows: Sequence[Row], models: bool) -> dict[str, Tally]:
    """Way of judging -> what came of it."""
    found = {
        "curves only": tally(rows, from_curves, told=False),
        "curves, told": tally(rows, from_curves, told=True),
    }
    if models and EVIDENCE.exists():
        kept = {line["id"]: line["evidence"] for line in unpack(EVIDENCE)}
        looked = [row for row in rows if row["id"] in kept]
        found["with model"] = tally(looked, with_model(kept), told=True, with_prefixes=False)
    return found


def show(way: str, found: Tally) -> None:
    """Print one way's rates and its table by cause."""
    print(f"\n{way}")
    rates = found.rates() | (
        {"false alarms, any prefix": Rate(found.prefix, found.healthy)} if way != "with model" else {}
    )
    for name, rate in rates.items():
        print(f"  {name:26} {rate}")
    if found.delays:
        missed = found.by_cause["overfitted"]["runs"] - len(found.delays)
        print(f"  overfit after the best epoch: median {median(found.delays):g} epochs, never said in {missed} runs")
    print(f"  {'cause':17} {'runs':>5} {'alarm':>6} {'found':>6} {'first':>6}  first verdict")
    for cause, row in sorted(found.by_cause.items()):
        first = ", ".join(f"{name.strip()} {n}" for name, n in row.most_common() if name.startswith("  "))
        print(f"  {cause:17} {row['runs']:5} {row['alarm']:6} {row['found']:6} {row['first']:6}  {first}")


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--verbose", "-v", action="store_true")
    parser.add_argument("--no-models", action="store_true", help="curves alone, without importing Keras")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = select(unpack(), held_out=not arguments.train)
    found = tallies(rows, not arguments.no_models)
    print("tasks:", ", ".join(sorted({row["task"] for row in rows})))
    for way, counted in found.items():
        show(way, counted)
        if arguments.verbose:
            print(*counted.misses, sep="\n")
    if arguments.json:
        data = {
            way: {
                "rates": {n: [r.hits, r.of, *r.interval] for n, r in counted.rates().items()},
                "any_prefix": [counted.prefix, counted.healthy],
                "overfit_delay_median": median(counted.delays) if counted.delays else None,
                "by_cause": {cause: dict(row) for cause, row in counted.by_cause.items()},
            }
            for way, counted in found.items()
        }
        arguments.json.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
