"""The law: whatever instant the process dies at, what was acknowledged is there and nothing finished runs again."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.records import Run, to_json
from tuner.store import key_of, list_runs, read_artifact, read_run

KILLS = 40
LIFE = 0.25  # seconds; a life ends at a random instant of this span, a whole run takes several
SEED = 20261121
MASKED = ("folder", "number", "created", "seconds")


def content(run: Run) -> Mapping[str, Any]:
    """All of a run that must not depend on how often it was killed."""
    return {key: value for key, value in to_json(run).items() if key not in MASKED}


def acknowledged(log: Path) -> dict[str, int]:
    """Every key that was acknowledged, with its number; a trial must not start again once it is."""
    done: dict[str, int] = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        match line.split():
            case ["start", key]:
                assert key not in done, "a finished trial was trained again"
            case ["done", number, key]:
                done[key] = int(number)
    return done


def most_starts(log: Path) -> int:
    return max(Counter(line for line in log.read_text().splitlines() if line.startswith("start")).values())


def the_run(reports: Path) -> Path:
    """The folder of the only run that began; a life may have ended before one did."""
    (folder,) = [run.folder for run in list_runs(reports) if not run.problem]
    return Path(folder)


def check_acknowledged(folder: Path, done: Mapping[str, int]) -> None:
    found = {key_of(trial.spec): trial for trial in read_run(folder).trials}
    assert {key: found[key].number for key in done} == done
    for key, trial in found.items():
        if trial.weights is not None:
            assert (folder / trial.weights).read_bytes() == key.encode() * 32 * 8


def live(command: Sequence[str], seconds: float) -> bool:
    """Run for so long, then kill -9; whether that came before the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.kill()
    return process.returncode == -signal.SIGKILL


def test_forty_kills_lose_nothing_acknowledged_and_end_as_a_run_that_was_never_killed(
    tmp_path: Path, pretend: Callable[..., list[str]], integrity: Callable[[Path], str]
) -> None:
    subprocess.run(pretend(tmp_path / "whole", tmp_path / "whole.log"), check=True, capture_output=True)
    expected = content(read_run(the_run(tmp_path / "whole")))
    chance, kills, runs = random.Random(SEED), 0, 0
    while kills < KILLS:
        runs += 1
        reports, log, before = tmp_path / str(runs), tmp_path / f"{runs}.log", kills
        while kills < KILLS and live(pretend(reports, log), chance.uniform(0, LIFE)):
            kills += 1
            if done := acknowledged(log):
                check_acknowledged(the_run(reports), done)
        if kills == KILLS:
            subprocess.run(pretend(reports, log), check=True, capture_output=True)
        folder = the_run(reports)
        run = read_run(folder)
        assert content(run) == expected
        assert run.status == "finished"
        check_acknowledged(folder, acknowledged(log))
        assert most_starts(log) <= 1 + kills - before
        assert integrity(folder) == "ok"
        kept = {trial.weights for trial in run.trials} - {None}
        assert {f"weights/{path.name}" for path in (folder / "weights").iterdir()} == kept
        assert not list(folder.glob("tmp-*"))
        assert read_artifact(folder, "round 4") == b"picture" * 4
