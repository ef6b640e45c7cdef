"""How are contenders measured side by side? Turn after turn, A-B-A-B, each in a process of its own, on the same cores.

A `Bench` remembers the turns that were taken, so that two goals that need the same turn share it. A warm trial is any
but the first of its process. Where all trials of a rival would take hours, the seconds of its warm epochs times the
epochs that a whole search trains stand for it, and the table says so. A rival that prunes is given the number of epochs
that it trained when it ran the whole search on features.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.rivals import CONTENDERS
from benchmarks.rivals.workload import PLACE, WORKLOADS, Workload

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Failed(Exception):
    """A process came to grief; the message ends with what it said last."""


@dataclass(frozen=True)
class Entry:
    """A contender with a number of trials."""

    contender: str
    trials: int


@dataclass(frozen=True)
class Plan:
    """Who runs against whom, on what."""

    workload: str
    backbone: str
    regime: str  # images | features
    entries: tuple[Entry, ...]
    rounds: int | None = None  # None: as many as the bench takes


@dataclass(frozen=True)
class Turn:
    """One process of one contender. Seconds of the wall clock."""

    plan: tuple[str, str, str]  # workload, backbone, regime
    entry: Entry
    seconds: tuple[float, ...]  # of each trial; of all of them together for `tuner` on a frozen network
    epochs: tuple[int, ...]  # trained in each of those
    learning_rate: float
    val_accuracy: float
    work: float  # from the end of the imports to the last result
    wall: float  # of the whole process
    peak_mb: float
    load: tuple[float, float]  # average over a minute, before and after
    built: tuple[float, ...] = ()  # of each time that the backbone was built, in order; within the trials or before

    @property
    def start(self) -> float:
        """All but the trials: the interpreter, the imports, opening what was prepared."""
        return self.wall - sum(self.seconds)

    @property
    def whole(self) -> bool:
        """Trials were trained together, so that one of them has no time of its own."""
        return len(self.seconds) < self.entry.trials and CONTENDERS[self.entry.contender].whole


@dataclass
class Bench:
    """Takes turns, and remembers them."""

    rounds: int = 2
    turns: list[Turn] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # contender -> why it did not run
    studies: dict[str, object] = field(default_factory=dict)  # what the studies in files of their own printed
    _prepared: set[str] = field(default_factory=set)

    def run(self, plan: Plan) -> list[Turn]:
        """All turns of a plan, in rounds; those taken before are not taken again."""
        workload = workload_of(plan)
        key = (plan.workload, plan.backbone, plan.regime)
        for number in range(plan.rounds or self.rounds):
            for entry in plan.entries:
                if entry.contender in self.missing or len(self.of(plan, entry)) > number:
                    continue
                if package := CONTENDERS[entry.contender].missing:
                    self.missing[entry.contender] = f"{package} is not installed: make bench-install"
                    continue
                self._prepare(workload)
                say(f"{plan.workload} {plan.backbone} {plan.regime}: {entry.contender}, {entry.trials} trials ...")
                try:
                    turn = take(key, workload, entry, number)
                except Failed as failure:
                    if entry.contender == "tuner":
                        raise
                    say(str(failure))  # a rival that cannot run here gets no row, and the others theirs
                    self.missing[entry.contender] = f"failed: {str(failure).rstrip().splitlines()[-1]}"
                    continue
                say(f"    {turn.work:.1f} s, load {turn.load[1]:.1f}")
                self.turns.append(turn)
        return [turn for entry in plan.entries for turn in self.of(plan, entry)]

    def of(self, plan: Plan, entry: Entry) -> list[Turn]:
        """The turns of one entry of a plan that were taken so far."""
        key = (plan.workload, plan.backbone, plan.regime)
        return [turn for turn in self.turns if (turn.plan, turn.entry) == (key, entry)]

    def _prepare(self, workload: Workload) -> None:
        """Data and features for the workload; and what an earlier command of `tuner` would have left. Not timed."""
        if workload.name + workload.key in self._prepared:
            return
        say(f"{workload.name} {workload.backbone}: preparing the data")
        process(["prepare", *arguments(workload, "images")], workload)
        if workload.trainable == "none" and not workload.augmented:
            process(["tuner", *arguments(workload, "features"), "--trials", "1"], workload)
        self._prepared.add(workload.name + workload.key)


def workload_of(plan: Plan) -> Workload:
    """The plan's workload on its backbone."""
    return WORKLOADS[plan.workload].on(plan.backbone)


def take(key: tuple[str, str, str], workload: Workload, entry: Entry, seed: int) -> Turn:
    """One turn. Raises `Failed`."""
    began = perf_counter()
    more = ["--trials", str(entry.trials), "--seed", str(seed)]
    found = process([entry.contender, *arguments(workload, key[2]), *more], workload)
    wall = perf_counter() - began
    return turn_of({**found, "plan": key, "entry": vars(entry), "wall": wall})


def turn_of(found: dict[str, object]) -> Turn:
    """A turn from what its process wrote, or from a line of a results file."""
    plain: dict[str, object] = {name: tuple(x) if isinstance(x, list) else x for name, x in found.items()}
    entry = found["entry"]
    assert isinstance(entry, dict)
    return Turn(**{**plain, "entry": Entry(**entry)})  # type: ignore[arg-type]


def arguments(workload: Workload, regime: str) -> list[str]:
    """The command line of one turn, besides who and how many."""
    return ["--workload", workload.name, "--backbone", workload.backbone, "--regime", regime]


def process(words: Sequence[str], workload: Workload) -> dict[str, object]:
    """Run `benchmarks.rivals.turn` with fixed threads; what it wrote. Raises `Failed`."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "turn.json"
        more = ["--warm", str(PLACE / workload.key), "--out", str(out)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.rivals.turn", *words, *more],
            cwd=ROOT, env=environment(), capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return dict(json.loads(out.read_text())) if out.is_file() else {}


def environment() -> dict[str, str]:
    """As many threads as cores, for everybody, and TensorFlow quiet."""
    cores = str(len(os.sched_getaffinity(0)))
    return os.environ | dict.fromkeys(THREADS, cores) | {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Cost:
    """Seconds for so many trials, over the turns."""

    median: float
    least: float
    how: str  # measured | from N warm trials


def cost(turns: Sequence[Turn], trials: int, epochs: int, building: bool = True) -> Cost:
    """What `trials` trials cost that train `epochs` epochs in all; measured where a turn ran as many.

    Without `building`, the seconds in which the backbone was built are taken off.
    """
    if all(turn.entry.trials == trials for turn in turns):
        seconds = [sum(turn.seconds) - (0.0 if building else sum(turn.built)) for turn in turns]
        return Cost(median(seconds), min(seconds), "measured")
    warm = sum(len(turn.seconds) - 1 for turn in turns)
    seconds = [warm_epoch(turn, building) * epochs for turn in turns]
    return Cost(median(seconds), min(seconds), f"from {warm} warm trials")


def warm_epoch(turn: Turn, building: bool = True) -> float:
    """Seconds of one epoch of a warm trial, all that a trial needs besides epochs included; see `cost`."""
    warm = len(turn.seconds) - 1
    built = () if building or len(turn.built) <= warm else turn.built[-warm:]  # one a trial, or one for all trials
    return (sum(turn.seconds[1:]) - sum(built)) / sum(turn.epochs[1:])


def searched_epochs(turns: Iterable[Turn], contender: str, trials: int, epochs: int) -> int:
    """Epochs that a whole search of `trials` trials trains: what the contender trained on features, else all."""
    done = [sum(turn.epochs) for turn in turns if turn.entry == Entry(contender, trials) and not turn.whole]
    return round(median(done)) if done else trials * epochs
