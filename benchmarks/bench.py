"""Is it as fast as promised, against whom, and on the same work? All rivals side by side, then a line a goal.

    python -m benchmarks.bench                   everything: about 90 minutes on 2 cores; writes results/, README.md
    python -m benchmarks.bench --small           minutes: ratios within one run, half of each goal; what CI may run
    python -m benchmarks.bench --only G1 G12     these goals
    python -m benchmarks.bench --only W1s        this workload's tables, printed and not written

Exits 1 when a goal (with --small: half of it) is missed, or could not be measured.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.goals import GOALS, LITE, MOBILE, line
from benchmarks.rivals import CONTENDERS
from benchmarks.tables import Line, Row, goal_lines, put, table
from benchmarks.turns import (
    ROOT,
    Bench,
    Entry,
    Plan,
    arguments,
    cost,
    process,
    say,
    searched_epochs,
    workload_of,
)
from tuner.environment import environment

TRIALS = 64
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "benchmarks" / "README.md"
REGION = "rivals"
FEW = ("kt_random", "script_once")  # where every trial takes minutes
PRUNE = ("kt_hyperband", "optuna", "ray_asha")  # train fewer epochs than they might


def entries(rivals: Sequence[str], whole: bool) -> tuple[Entry, ...]:
    """Ours, then the rivals: all trials where they are cheap, else as many as stand for them."""
    more = [Entry(name, TRIALS if whole else CONTENDERS[name].trials) for name in rivals]
    return (Entry("tuner", TRIALS), *more)


EVERY = tuple(name for name in CONTENDERS if name != "tuner")
PLANS: tuple[Plan, ...] = (
    Plan("W1s", LITE, "features", entries(EVERY, whole=True), 1),  # whole searches
    Plan("W1s", LITE, "images", entries(EVERY, whole=False)),
    Plan("W1s", MOBILE, "images", entries(FEW, whole=False)),
    Plan("W1", LITE, "features", entries(FEW, whole=False), 1),
    Plan("W1", LITE, "images", entries(FEW, whole=False)),
)


def main() -> int:
    """Run what was asked for; the exit status."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--small", action="store_true", help="minutes, half of each goal")
    asked.add_argument("--only", nargs="+", default=[], metavar="WHAT", help="goals or workloads, such as G1 or W1s")
    args = asked.parse_args()
    unknown = set(args.only) - {goal.id for goal in GOALS} - {plan.workload for plan in PLANS}
    if unknown:
        asked.error(f"no {', '.join(sorted(unknown))}; there are goals G1 to G17 and workloads W1s and W1")
    bench = Bench(rounds=1 if args.small else 2)
    plans = [] if args.small else [plan for plan in PLANS if not args.only or plan.workload in args.only]
    tables = []
    for plan in plans:
        bench.run(plan)
        tables.append(f"**{heading(plan)}**\n\n{table(rows(bench, plan))}")
        if not args.only:
            keep(bench, plan.workload)
    if tables:
        print("\n\n".join(tables), end="\n\n")
    goals = [goal for goal in GOALS if (goal.id in args.only or not args.only) and (goal.small or not args.small)]
    found = [line(goal, bench, args.small) for goal in goals]
    if not args.only and not args.small:
        write(tables, found)
    print(goal_lines(found))
    return 0 if all(one.ok for one in found) else 1


def heading(plan: Plan) -> str:
    """What a table is about."""
    workload = workload_of(plan)
    seen = "from images" if plan.regime == "images" else "given the features"
    size = f"{workload.train:,} + {workload.validation} images of {workload.size} px, {workload.epochs} epochs"
    return f"{plan.workload}, {plan.backbone}, {seen}: {TRIALS} trials, {size}"


def rows(bench: Bench, plan: Plan) -> list[Row]:
    """A row for each contender, ours first."""
    accuracies = judged(bench, plan) if plan.regime == "features" else {}
    ours = cost(bench.of(plan, plan.entries[0]), TRIALS, TRIALS * workload_of(plan).epochs)
    made = []
    for entry in plan.entries:
        title, turns = CONTENDERS[entry.contender].title, bench.of(plan, entry)
        if not turns:
            made.append(Row(title, TRIALS, None, None, None, None, bench.missing.get(entry.contender, "did not run")))
            continue
        epochs = TRIALS * workload_of(plan).epochs
        note = ""
        if entry.contender in PRUNE:
            like = [turn for turn in bench.turns if turn.plan == (plan.workload, plan.backbone, "features")]
            epochs = searched_epochs(like, entry.contender, TRIALS, workload_of(plan).epochs)
            note = f", {epochs} epochs"
        found = cost(turns, TRIALS, epochs)
        ratio = found.median / ours.median
        accuracy = accuracies.get(entry.contender)
        made.append(Row(title, TRIALS, found.median, found.least, ratio, accuracy, found.how + note))
    return made


def judged(bench: Bench, plan: Plan) -> dict[str, float]:
    """Contender -> accuracy of its best rate, trained again by the same plain Keras, where all its trials ran."""
    best = {
        entry.contender: turns[0].learning_rate
        for entry in plan.entries
        if entry.trials == TRIALS and (turns := bench.of(plan, entry))
    }
    rates = [str(rate) for rate in sorted(set(best.values()))]
    say("training the best rates again ...")
    found = process(["referee", *arguments(workload_of(plan), "features"), "--rates", *rates], workload_of(plan))
    return {name: float(str(found[repr(rate)])) for name, rate in best.items()}


def keep(bench: Bench, workload: str) -> None:
    """Write the turns of a workload as raw JSON."""
    RESULTS.mkdir(exist_ok=True)
    known = {name: value for name, value in environment().items() if name not in ("host", "command")}
    turns = [turn for turn in bench.turns if turn.plan[0] == workload]
    raw = {
        "date": date.today().isoformat(),
        "environment": known,
        "load": os.getloadavg(),
        "missing": bench.missing,
        "turns": [vars(turn) | {"entry": vars(turn.entry)} for turn in turns],
    }
    (RESULTS / f"{raw['date']}-{workload}.json").write_text(rounded(raw))


def rounded(raw: object) -> str:
    """JSON, a line a turn, numbers at six significant digits."""

    def short(value: object) -> object:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return [short(item) for item in value] if isinstance(value, list | tuple) else value

    plain = short(raw)
    assert isinstance(plain, dict)
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in plain.items() if key != "turns"]
    turns = ",\n  ".join(json.dumps(turn) for turn in plain["turns"])
    return "{\n" + ",\n".join([*lines, f' "turns": [\n  {turns}\n ]']) + "\n}\n"


def write(tables: Sequence[str], found: Sequence[Line], readme: Path = README) -> None:
    """Put the tables and the goals into the README's marked region."""
    known = environment()
    packages = ", ".join(f"{name} {number}" for name, number in known["packages"].items())
    machine = f"{date.today().isoformat()}, {known['cpus']} cores, {known['memory'] / 2**30:.0f} GiB; {packages}."
    body = "\n\n".join([machine, *tables, f"```\n{goal_lines(found)}\n```"])
    readme.write_text(put(readme.read_text(), REGION, body))


if __name__ == "__main__":
    sys.exit(main())
