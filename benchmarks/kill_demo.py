"""Does a run that is killed ten times come to the same end as one that is left alone?

    python benchmarks/kill_demo.py [RECIPE] [--kills 10] [--seed 0] [--keep FOLDER]

Runs RECIPE (recipes/digits.yaml) through the command line twice: once in peace, once with `kill -9` at random moments
and `--resume` after each. One moment is drawn from each tenth of the peaceful run's time and carried over: so many
trials and findings on record, then so many seconds more. Prints the kills and what was compared; exits 1 on any
difference in trials, findings, conclusion or the exported model's predictions. Only times, places and whether the
data came from the cache may differ. Each run has a cache of its own, empty at first.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tuner.records import Run, to_json
from tuner.store import read_run

ROOT = Path(__file__).resolve().parents[1]
TUNER = (sys.executable, "-m", "tuner")
MASKED = frozenset(
    {"folder", "created", "environment", "seconds", "cache", "cached"}
)  # keys that may differ, at any depth
LOOK = 0.02  # seconds between two looks at a run
PREDICT = """\
import hashlib, sys, keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    images = np.random.default_rng(0).integers(0, 256, (64, *model.input_shape[1:])).astype("float32")
    print(hashlib.sha256(np.asarray(model.predict(images, verbose=0)).tobytes()).hexdigest())
"""


@dataclass(frozen=True)
class Place:
    """A folder with one run in it, and a cache of its own."""

    folder: Path

    @property
    def run(self) -> Path | None:
        """The run's folder; None until it is there."""
        return next((path.parent for path in sorted(self.folder.glob("reports/*/*/run.db"))), None)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What is on record, in order: one entry a trial or finding; a line that a crash cut short is left out."""
        found = []
        for path in self.folder.glob("reports/*/*/events.jsonl"):
            for line in path.read_text().splitlines():
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found


@dataclass(frozen=True)
class Moment:
    """So many records on the disk, and then so many seconds; from the start if they are there already."""

    records: int
    after: float


@dataclass(frozen=True)
class Life:
    """One process, and how it ended."""

    code: int
    said: str  # stdout and stderr together
    began: float  # seconds since 1970
    seconds: float


class Process:
    """A `tuner` in a place."""

    def __init__(self, place: Place, arguments: Sequence[str], program: Sequence[str] = TUNER) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        known = {"TUNER_CACHE_DIR": str(place.folder / "cache"), "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": str(ROOT)}
        self.place, self.began = place, time.time()
        handle, name = tempfile.mkstemp(dir=place.folder, prefix="said-")
        self._said = Path(name)
        with os.fdopen(handle, "w") as file:
            self._process = subprocess.Popen(
                [*program, *arguments], cwd=place.folder, env=os.environ | known, stdout=file, stderr=file
            )

    def wait_for(self, moment: Moment) -> None:
        """Return at that moment, or when the process has ended."""
        while self._process.poll() is None and len(self.place.events) < moment.records:
            time.sleep(LOOK)
        until = time.monotonic() + moment.after
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(LOOK)

    def paused(self) -> None:
        """Return when the process has stopped itself by SIGSTOP. Raises `RuntimeError` if it ended instead."""
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"{self._process.args!r} ended:\n{self._said.read_text()}")

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens if the process has ended."""
        self._process.send_signal(number)

    def ended(self) -> Life:
        """Wait for the end."""
        code = self._process.wait()
        return Life(code, self._said.read_text(), self.began, time.time() - self.began)


def live(
    place: Place,
    arguments: Sequence[str],
    moment: Moment | None = None,
    number: int = signal.SIGKILL,
    program: Sequence[str] = TUNER,
) -> Life:
    """Run `program` to its end, or until it gets a signal at `moment`."""
    process = Process(place, arguments, program)
    if moment is not None:
        process.wait_for(moment)
        process.signal(number)
    return process.ended()


def moments(events: Sequence[Mapping[str, Any]], whole: Life, kills: int, chance: random.Random) -> list[Moment]:
    """A random moment in each of so many equal parts of a life that left these records; none in its last second."""
    times = [datetime.fromisoformat(event["at"]).timestamp() for event in events]
    found = []
    for part in range(kills):
        at = whole.began + (part + chance.random()) / kills * (whole.seconds - 1)
        records = sum(time_ <= at for time_ in times)
        found.append(Moment(records, at - (times[records - 1] if records else whole.began)))
    return found


def begin_or_resume(place: Place, recipe: Path) -> list[str]:
    """The command line that goes on with the run, or begins it if no process lived long enough to do so."""
    return ["run", str(recipe)] if place.run is None else ["run", "--resume", str(place.run)]


def killed(place: Place, recipe: Path, at: Sequence[Moment]) -> Iterator[tuple[Moment | None, Life]]:
    """The lives of a run that is killed at each moment and resumed after it; nobody ends the last one."""
    for moment in at:
        life = live(place, begin_or_resume(place, recipe), moment)
        yield moment, life
        if life.code != -signal.SIGKILL:  # it came to its end before
            return
    yield None, live(place, begin_or_resume(place, recipe))


def content(run: Run, folder: Path) -> dict[str, Any]:
    """All of a run that must not depend on how often it was stopped, flat: dotted path -> value."""
    here = str(folder.absolute())
    flat = _flat(to_json(run), "")
    return {path: value.replace(here, "RUN") if isinstance(value, str) else value for path, value in flat}


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in MASKED:
                yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}.{index}")
    else:
        yield path, value


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two runs, as `path: this is not that`."""
    first, second = content(read_run(one), one), content(read_run(other), other)
    missing = "(nothing)"
    return [
        f"{path}: {first.get(path, missing)!r} is not {second.get(path, missing)!r}"
        for path in dict.fromkeys([*first, *second])
        if first.get(path, missing) != second.get(path, missing)
    ]


def predictions(runs: Sequence[Path]) -> list[str]:
    """SHA-256 of the probabilities that each run's `best.keras` gives the same 64 images of noise."""
    models = [str(run / "best.keras") for run in runs]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow")}
    done = subprocess.run([sys.executable, "-c", PREDICT, *models], env=quiet, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.split()


def last_step(place: Place) -> str:
    """What was on record last, in words."""
    events = place.events
    if not events:
        return "nothing yet"
    last = events[-1]
    what = f"trial {last['number']}" if last["event"] == "trial" else "finding"
    return f"{last['step']} {last['round']}, {what}"


def main() -> int:
    """Both runs, the table, the comparison; the exit status."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("recipe", nargs="?", type=Path, default=ROOT / "recipes" / "digits.yaml")
    asked.add_argument("--kills", type=int, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", type=Path, help="where both runs stay; else they are deleted if they are alike")
    args = asked.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp(prefix="kill-demo-"))
    recipe, alone, other = args.recipe.resolve(), Place(folder / "alone"), Place(folder / "killed")
    peace = live(alone, ["run", str(recipe)])
    if alone.run is None or peace.code not in (0, 3):
        print(peace.said)
        return 1
    print(f"left alone: exit {peace.code}, {len(alone.events)} records, {peace.seconds:.0f} s", flush=True)
    print(f"{'kill':>4}  {'moment':<24}{'on record last':<36}{'exit':>4}{'lived':>8}", flush=True)
    at = moments(alone.events, peace, args.kills, random.Random(args.seed))
    life = peace
    for index, (moment, life) in enumerate(killed(other, recipe, at), start=1):
        when = f"{moment.records} records + {moment.after:.1f} s" if moment else "never"
        print(f"{index:>4}  {when:<24}{last_step(other):<36}{life.code:>4}{life.seconds:>6.0f} s", flush=True)
    if other.run is None or life.code != peace.code:
        print(life.said)
        return 1
    return compare(alone.run, other.run, folder if not args.keep else None)


def compare(one: Path, other: Path, passing: Path | None) -> int:
    """Say what is alike and what is not; 1 if anything is not. Deletes `passing` if all is."""
    found, hashes = differences(one, other), predictions([one, other])
    run = read_run(one)
    values, end = len(content(run, one)), run.conclusion
    print(f"{len(run.trials)} trials, {len(run.findings)} findings, the conclusion: {values} values compared")
    print(
        f"test accuracy {end.get('test_accuracy')}, {read_run(other).conclusion.get('test_accuracy')} after the kills"
    )
    print(f"predictions of best.keras: {hashes[0][:16]}, {hashes[1][:16]} after the kills")
    for line in found:
        print(f"  differs: {line}")
    if found or hashes[0] != hashes[1]:
        print(f"NOT ALIKE; see {one} and {other}")
        return 1
    print("alike in everything but time")
    if passing is not None:
        shutil.rmtree(passing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
