"""The law: a run that was killed, interrupted and resumed ends as the same run that was left alone, bit for bit."""

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuner.store.schema import get_meta, reading

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from kill_demo import (  # noqa: E402
    Life,
    Place,
    Process,
    begin_or_resume,
    differences,
    live,
    predictions,
)

SEED = 20261121
RECIPE = """\
version: 1
name: tiny
seed: 7
data:
  {source: digits, image_size: [28, 28], color_mode: grayscale, limit: 250, validation_split: 0.2, test_split: 0.2}
model: {backbone: LeNet5, weights: lenet.weights.h5}
transfer:
  - {name: head, trainable: none, epochs: 4}
  - {name: fine_tune, trainable: all, epochs: 2, learning_rate_factor: 0.1}
optimizer: {name: AdamW, learning_rate: auto}
search:
  algorithm: random
  space:
    optimizer.learning_rate: {min_value: 1e-3, max_value: 3e-2, sampling: log}
    model.dropout: {min_value: 0.1, max_value: 0.5, step: 0.1}
steps:
  initial_loss: {seeds: 1, examples: 64}
  overfit_small_sample: {max_epochs: 60}
  learning_rate: {rates: [1e-1, 1e-2, 1e-3], iterations: 20, num_steps: 30}
  short_runs: {trials: 3, epochs: 1}
  change: {top_k: 1, epochs: 4}
  repeat: {max_rounds: 2}
"""

FIRST_WEIGHTS = """\
import keras
from tuner.models import BACKBONES
keras.utils.set_random_seed(0)
BACKBONES["LeNet5"].build((28, 28, 1), "none").save_weights("lenet.weights.h5")
"""

READS_TEST = "Test set: read once"

DIES_AT_THE_TEST = """\
import os, signal, sys
import tuner.final_test
from tuner.cli.main import main
from tuner.store import Store

open_test = Store.open_test

def open_and_die(run, trial, images):
    open_test(run, trial, images)
    tuner.final_test.predict = lambda *asked: os.kill(os.getpid(), signal.SIGKILL)

Store.open_test = open_and_die
sys.exit(main(sys.argv[1:]))
"""  # a kill from outside would fall after the test set was read, on a fast machine

SIGNALS_ITSELF = """\
import os, sys, threading
from pathlib import Path
from tuner.cli.main import main
from tuner.interrupts import StopFlag

signals, arguments = eval(sys.argv[1]), sys.argv[2:]
check = StopFlag.check

def look_and_signal(flag):
    files = Path().glob("reports/*/*/events.jsonl")
    if signals and sum(len(path.read_bytes().splitlines()) for path in files) >= signals[0][0]:
        _, seconds, number = signals.pop(0)
        threading.Timer(seconds, os.kill, (os.getpid(), number)).start() if seconds else os.kill(os.getpid(), number)
    check(flag)

StopFlag.check = look_and_signal
sys.exit(main(arguments))
"""
"""`tuner` that sends itself signals, each at the first batch with so many records on the disk, and so many seconds.
From outside, a fast machine would be past the moment, or not yet catch signals."""


def signalling(*signals: tuple[int, float, int]) -> tuple[str, ...]:
    """The program that sends itself these: records, seconds, number."""
    plain = [(records, seconds, int(number)) for records, seconds, number in signals]
    return (sys.executable, "-c", SIGNALS_ITSELF, repr(plain))


pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Lives:
    """A run and the processes that it took, by what happened to them."""

    place: Place
    of: Mapping[str, Life]

    @property
    def run(self) -> Path:
        assert self.place.run is not None, [life.said for life in self.of.values()]
        return self.place.run


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE)
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([sys.executable, "-c", FIRST_WEIGHTS], cwd=path.parent, env=quiet, check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def alone(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """Nothing happens to this run."""
    place = Place(tmp_path_factory.mktemp("alone"))
    return Lives(place, {"only": live(place, ["run", str(recipe)])})


@pytest.fixture(scope="module")
def killed(alone: Lives, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """Three kills: one at a random moment of each half, and one while the test set is read."""
    place = Place(tmp_path_factory.mktemp("killed"))
    chance, half = random.Random(SEED), len(alone.place.events) // 2
    early = half // 2  # of each half: the last records are followed at once by the end of the run
    at = [(start + chance.randrange(early), chance.uniform(0, 0.05), signal.SIGKILL) for start in (0, half)]
    lives = {}
    for number, moment in enumerate(at, start=1):
        lives[f"killed {number}"] = live(place, begin_or_resume(place, recipe), program=signalling(moment))
    lives["killed 3"] = live(place, begin_or_resume(place, recipe), program=(sys.executable, "-c", DIES_AT_THE_TEST))
    lives["last"] = live(place, begin_or_resume(place, recipe))
    return Lives(place, lives)


@pytest.fixture(scope="module")
def stopped(alone: Lives, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """SIGINT in the first half of the records, SIGTERM in the second; others try to take the run, or to change it."""
    place = Place(tmp_path_factory.mktemp("stopped"))
    records = len(alone.place.events)
    chance = random.Random(SEED)
    lives: dict[str, Life] = {}
    interrupt = (chance.randrange(2, records // 2), chance.uniform(0, 0.05), signal.SIGINT)
    process = Process(place, ["run", str(recipe)], signalling((1, 0.0, signal.SIGSTOP), interrupt))
    process.paused()
    lives["second process"] = live(place, begin_or_resume(place, recipe))
    process.signal(signal.SIGCONT)
    lives["SIGINT"] = process.ended()
    report = (place.run or place.folder) / "report.html"
    assert "interrupted" in report.read_text().lower()
    report.unlink()  # so that the next life has to write its own
    lives["other setting"] = live(place, [*begin_or_resume(place, recipe), "--set", "optimizer.weight_decay=0.5"])
    other = recipe.with_name("other.yaml")
    other.write_text(RECIPE.replace("limit: 250", "limit: 251"))
    lives["other recipe"] = live(place, ["run", str(other), "--resume", str(place.run)])
    late = chance.randrange(records // 2, records * 3 // 4)  # not at the very end
    ends = signalling((late, chance.uniform(0, 0.05), signal.SIGTERM))
    lives["SIGTERM"] = live(place, begin_or_resume(place, recipe), program=ends)
    assert "interrupted" in report.read_text().lower(), lives["SIGTERM"].said
    lives["last"] = live(place, ["run", str(recipe), "--resume", str(place.run)])
    lives["finished"] = live(place, begin_or_resume(place, recipe))
    return Lives(place, lives)


def test_a_run_left_alone_ends_well(alone: Lives) -> None:
    life = alone.of["only"]
    assert life.code == 0, life.said
    assert (alone.run / "report.html").is_file()
    assert len(alone.place.events) > 25


def test_a_run_killed_at_random_moments_ends_as_the_one_left_alone(alone: Lives, killed: Lives) -> None:
    assert [life.code for life in killed.of.values()] == [-signal.SIGKILL] * 3 + [0], killed.of["last"].said
    assert differences(alone.run, killed.run) == []


def test_a_run_stopped_by_signals_ends_as_the_one_left_alone(alone: Lives, stopped: Lives) -> None:
    assert stopped.of["last"].code == 0, stopped.of["last"].said
    assert differences(alone.run, stopped.run) == []


def test_the_exported_models_predict_the_same(alone: Lives, killed: Lives, stopped: Lives) -> None:
    first, *others = predictions([alone.run, killed.run, stopped.run])
    assert others == [first, first]


@pytest.mark.parametrize("name", ["alone", "killed", "stopped"])
def test_the_test_set_is_read_once_for_the_best_trial_and_again_only_if_the_answer_was_lost(
    name: str, request: pytest.FixtureRequest
) -> None:
    lives: Lives = request.getfixturevalue(name)
    *lost, answered = [life.code for life in lives.of.values() if READS_TEST in life.said]
    assert answered == 0
    assert lost == ([-signal.SIGKILL] if name == "killed" else [])
    with reading(lives.run) as connection:
        meta = get_meta(connection)
    assert meta["test"] == meta["conclusion"]["best_trial"]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_a_run_with_its_report_and_the_command_that_goes_on(stopped: Lives, name: str, code: int) -> None:
    life = stopped.of[name]
    assert life.code == code, life.said
    report, command = life.said.splitlines()[-2:]
    assert str(stopped.run / "report.html") in report
    assert command.endswith(f"tuner run --resume {stopped.run}")
    assert "Traceback" not in life.said


def test_a_second_process_on_the_same_run_is_refused(stopped: Lives) -> None:
    life = stopped.of["second process"]
    assert life.code == 1
    assert re.search(r"in use by process \d+", life.said)
    assert "Traceback" not in life.said


@pytest.mark.parametrize(
    ("what", "path"), [("other setting", "optimizer.weight_decay"), ("other recipe", "data.limit")]
)
def test_a_resume_with_another_recipe_is_refused_naming_what_differs(stopped: Lives, what: str, path: str) -> None:
    life = stopped.of[what]
    assert life.code == 2, life.said
    assert f"What differs: {path}." in life.said


def test_a_finished_run_is_not_resumed(stopped: Lives) -> None:
    life = stopped.of["finished"]
    assert life.code == 2
    assert "is finished: there is nothing to resume." in life.said
    assert "Traceback" not in life.said
