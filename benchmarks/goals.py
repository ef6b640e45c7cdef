"""What was promised, and how is each promise measured? One function a figure; the table says what is asked of it.

`bound` is what `make bench-small` asks, on a machine that may be busy: half of the goal, which for an upper limit is
twice the limit. Counts and differences do not depend on the machine's speed, so nothing is given away there, and a
half-frozen trial has to be no slower than the same in `fit`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks import startup
from benchmarks.rivals.workload import WORKLOADS
from benchmarks.tables import Line
from benchmarks.turns import ROOT, Bench, Entry, Failed, Plan, Turn, cost, environment, say, warm_epoch

LITE, MOBILE = "EfficientNetLite0", "MobileNetV2"


class NotBuilt(Exception):
    """What would measure the figure is not there; the message says what."""


EQUALITY = (
    "import json; from benchmarks import equality as e; "
    "print(json.dumps(max(max(e.differences(x).values()) for x in (*e.CASES.values(), e.MIXED))))"
)


@dataclass(frozen=True)
class Goal:
    """One promise."""

    id: str
    what: str
    goal: float
    at_least: bool
    unit: str
    measure: Callable[[Bench], float]
    bound: float  # in a small run
    small: bool = True  # whether a small run measures it


def versus_keras_tuner(trials: int, backbone: str, building: bool = False) -> Callable[[Bench], float]:
    """Times less than Keras Tuner's RandomSearch on W1s, work only, from the images.

    The prototypes' figures, from which the goal was made, leave out on every side what building the backbone takes.
    """

    def measure(bench: Bench) -> float:
        entries, rounds = (Entry("tuner", 64), Entry("kt_random", 2), Entry("tuner", 256)), 5 if bench.rounds > 1 else 2
        plan = Plan("W1s", backbone, "images", entries, rounds)
        return ratio(bench, plan, Entry("kt_random", 2), Entry("tuner", trials), building=building)

    return measure


def ratio(bench: Bench, plan: Plan, rival: Entry, ours: Entry, start: bool = False, building: bool = True) -> float:
    """How many times our seconds the rival takes for as many trials: the median of the rounds' own ratios.

    The machine, whose speed moves, is nearly the same for both sides of one round. With the process's start or not, and
    with what building the backbone takes or not, on both sides. Raises `NotBuilt` if the rival cannot run here.
    """
    bench.run(plan)
    theirs, own = bench.of(plan, rival), bench.of(plan, ours)
    if not theirs:
        raise NotBuilt(bench.missing.get(rival.contender, f"{rival.contender} did not run"))
    epochs = ours.trials * WORKLOADS[plan.workload].epochs
    starts = [min(turn.start for turn in turns) if start else 0.0 for turns in (theirs, own)]
    theirs_each, own_each = (
        [start + cost([turn], ours.trials, epochs, building).median for turn in turns]
        for start, turns in zip(starts, (theirs, own), strict=True)
    )
    return median(one / other for one, other in zip(theirs_each, own_each, strict=True))


def versus_compiled_once(bench: Bench) -> float:
    """W1, the start of the process included: 64 trials of the careful script against ours."""
    plan = Plan("W1", LITE, "images", (Entry("tuner", 64), Entry("script_once", 3)), 2)
    return ratio(bench, plan, Entry("script_once", 3), Entry("tuner", 64), start=True)


def shared_stream(bench: Bench) -> float:
    """64 augmented trials as a multiple of one ordinary one, in a process of its own each."""
    plan = Plan("W3s", LITE, "images", (Entry("script_naive", 1), Entry("tuner", 64)))
    return 1 / ratio_of_work(bench, plan, Entry("script_naive", 1), Entry("tuner", 64))


def ratio_of_work(bench: Bench, plan: Plan, one: Entry, other: Entry) -> float:
    """The quickest turn of `one` over the quickest of `other`, whatever they did."""
    bench.run(plan)
    return min(turn.work for turn in bench.of(plan, one)) / min(turn.work for turn in bench.of(plan, other))


def half_frozen(bench: Bench) -> float:
    """A warm half-frozen trial in plain `fit` over the same in ours."""
    plan = Plan("W4s", MOBILE, "images", (Entry("script_once", 2), Entry("tuner", 2)))
    bench.run(plan)
    theirs, own = bench.of(plan, plan.entries[0]), bench.of(plan, plan.entries[1])
    return min(map(warm_epoch, theirs)) / min(map(warm_epoch, own))


def overhead(number: int) -> Callable[[Bench], float]:
    """Percent that trial `number` (0: the first) of a wholly trainable network takes more than a bare `model.fit`."""

    def measure(bench: Bench) -> float:
        plan = Plan("W5s", MOBILE, "images", (Entry("script_naive", 2), Entry("tuner", 2)))
        bench.run(plan)

        def least(turns: list[Turn]) -> float:
            return min(turn.seconds[number] for turn in turns)

        theirs, own = bench.of(plan, plan.entries[0]), bench.of(plan, plan.entries[1])
        return 100 * (least(own) / least(theirs) - 1)

    return measure


def from_startup(figure: Callable[..., float], few: int | None = None) -> Callable[[Bench], float]:
    """A figure of `benchmarks/startup.py`, over as many rounds as it takes there, or `few` in a small run."""

    def measure(bench: Bench) -> float:
        say("benchmarks/startup.py ...")
        try:
            return figure(few) if few and bench.rounds == 1 else figure()
        except RuntimeError as error:
            raise Failed(str(error)) from error

    return measure


def study(module: str, words: tuple[str, ...] = (), backend: str = "tensorflow") -> Any:
    """The JSON that `benchmarks/MODULE.py --json` prints, in a process of its own."""
    return python(module, ["-m", f"benchmarks.{module}", *words, "--json"], backend)


def python(module: str, words: Sequence[str], backend: str) -> Any:
    """The JSON that a Python process prints. Raises `NotBuilt` without the file, `Failed` if the process fails."""
    if not (ROOT / "benchmarks" / f"{module}.py").is_file():
        raise NotBuilt(f"benchmarks/{module}.py is not there")
    say(f"benchmarks/{module}.py ...")
    paths = os.pathsep.join([str(ROOT / "benchmarks"), *filter(None, [os.environ.get("PYTHONPATH")])])
    known = environment() | {"PYTHONPATH": paths, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=known, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"benchmarks/{module}.py failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def traces(bench: Bench) -> float:
    """Training and prediction steps traced in a whole recipe of three stages."""
    return float(study("traces")["traces"])


def bookkeeping(rival: str) -> Callable[[Bench], float]:
    """Times less than a rival's bookkeeping for 10,000 trials that do nothing."""

    def measure(bench: Bench) -> float:
        found = cached(bench, "bookkeeping")
        if rival in found["missing"]:
            raise NotBuilt(f"{found['missing'][rival]}: make bench-install")
        return float(found["seconds"][rival] / found["seconds"]["tuner"])

    return measure


def report(trials: int, what: str) -> Callable[[Bench], float]:
    """Seconds, or MB of HTML, of a report of so many trials."""

    def measure(bench: Bench) -> float:
        (found,) = (one for one in cached(bench, "report_size") if one["trials"] == trials)
        return float(found["seconds"]) if what == "seconds" else found["html"] / 1e6

    return measure


def cached(bench: Bench, module: str) -> Any:
    """A study's figures; run once a bench."""
    if module not in bench.studies:
        bench.studies[module] = study(module)
    return bench.studies[module]


def growth(bench: Bench) -> float:
    """MB that one more of 2,000 trials takes in one process."""
    return float(study("growth")["mb_a_trial"])


def peak(workload: str) -> Callable[[Bench], float]:
    """The most memory that 64 trials took, in GB."""

    def measure(bench: Bench) -> float:
        turns = bench.run(Plan(workload, LITE, "images", (Entry("tuner", 64),), 1))
        return max(turn.peak_mb for turn in turns) / 1000

    return measure


def equality(backend: str) -> Callable[[Bench], float]:
    """The largest difference of a weight, in millionths, between trials trained together and apart."""

    def measure(bench: Bench) -> float:
        if find_spec(backend) is None:
            raise NotBuilt(f"{backend} is not installed")
        return float(python("equality", ["-c", EQUALITY], backend)) * 1e6

    return measure


GOALS: tuple[Goal, ...] = (
    Goal("G1", "64 trials, EfficientNetLite0", 300, True, "x", versus_keras_tuner(64, LITE), 150),
    Goal("G1", "256 trials, EfficientNetLite0", 1000, True, "x", versus_keras_tuner(256, LITE), 500),
    Goal("G1", "64 trials, MobileNetV2", 300, True, "x", versus_keras_tuner(64, MOBILE), 150, small=False),
    Goal("G1", "256 trials, MobileNetV2", 1000, True, "x", versus_keras_tuner(256, MOBILE), 500, small=False),
    Goal("G1", "64, its building counted", 300, True, "x", versus_keras_tuner(64, LITE, True), 150),
    Goal("G1", "256, its building counted", 1000, True, "x", versus_keras_tuner(256, LITE, True), 500),
    Goal("G2", "64 trials, script compiled once", 250, True, "x", versus_compiled_once, 125, small=False),
    Goal("G4", "lr-find on cached features", 12, True, "x", from_startup(startup.lr_find_ratio, few=3), 6),
    Goal("G6", "64 augmented trials, of one", 1.10, False, "x", shared_stream, 2.2),
    Goal("G7", "half-frozen trial, MobileNetV2", 1.5, True, "x", half_frozen, 1.0),
    Goal("G8", "overhead on bare fit, first trial", 2, False, "%", overhead(0), 4),
    Goal("G8", "overhead on bare fit, second trial", 0, False, "%", overhead(1), 0),
    Goal("G9", "traces in a whole recipe", 6, False, "", traces, 6),
    Goal("G11", "tuner --help, of import click", 1.5, False, "x", from_startup(startup.help_ratio), 3),
    Goal("D1", "tuner diagnose curves.csv, of import pandas", 3, False, "x", from_startup(startup.diagnose_ratio), 6),
    Goal("G12", "10,000 no-op trials, Keras Tuner", 100, True, "x", bookkeeping("keras_tuner_growing"), 50),
    Goal("G12", "10,000 no-op trials, Optuna", 100, True, "x", bookkeeping("optuna_sqlite"), 50),
    Goal("G13", "report of 1 trial", 0.1, False, "s", report(1, "seconds"), 0.2),
    Goal("G13", "report of 100 trials", 0.2, False, "s", report(100, "seconds"), 0.4),
    Goal("G13", "report of 10,000 trials", 2, False, "s", report(10_000, "seconds"), 4),
    Goal("G13", "its size", 3, False, "MB", report(10_000, "size"), 3),
    Goal("G14", "memory growth a trial", 0.01, False, "MB", growth, 0.02),
    Goal("G14", "peak memory, W1s", 1.5, False, "GB", peak("W1s"), 1.5),
    Goal("G14", "peak memory, W1", 1.5, False, "GB", peak("W1"), 1.5, small=False),
    Goal("G17", "fused against apart, TensorFlow", 10, False, "e-6", equality("tensorflow"), 10),
    Goal("G17", "fused against apart, JAX", 10, False, "e-6", equality("jax"), 10, small=False),
)


def line(goal: Goal, bench: Bench, small: bool) -> Line:
    """Measure one goal."""
    figure, note = None, ""
    try:
        figure = goal.measure(bench)
    except NotBuilt as missing:
        note = f"not built: {missing}"
    except Failed as failure:  # the others are still worth an hour
        say(str(failure))
        note = f"failed: {str(failure).rstrip().splitlines()[-1]}"
    bound = goal.bound if small else goal.goal
    return Line(goal.id, goal.what, figure, goal.goal, bound, goal.at_least, goal.unit, note)
