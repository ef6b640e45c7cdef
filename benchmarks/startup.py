"""How long do short commands make one wait, beside the import that they do without? One command, three ratios.

    python -m benchmarks.startup [--rounds 20]

G4: `tuner lr-find recipes/digits.yaml` on cached features, from a cold shell to the printed answer, against
`python -c "import tensorflow"`. G11: `tuner --help` against `python -c "import click"`. And `tuner diagnose
curves.csv`, a table of 100 epochs, against `python -c "import pandas"`. The two sides of a ratio run in turn (A-B-A-B),
each in a new process, and the figure is the median of the rounds' own ratios: a machine whose speed changes is the same
for neighbours.

Both sides find their bytecode (`__pycache__`) written, as on any machine where they were run once: a first round, which
is not counted, writes it into a folder of its own. Of Python's own variables only the paths are passed on. The answer
is the line with the rate and why; the report is written after it, and the time to the end is in the table, too.

Source: the goals G4 and G11 of benchmarks/README.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "digits.yaml"
ROUNDS, HELP_ROUNDS = 7, 20
"""Rounds. On two cores with two other processes busy, of 80 rounds drawn again and again, nine figures of G11 in ten
lie within 0.50 to 1.96 with the ratio of the medians of 7 rounds, 1.01 to 1.31 with the median of the ratios of 7, and
1.08 to 1.21 of 20. With four busy, the ratio of the least of 20 lies within 0.81 to 1.50, the median of ratios within
1.05 to 1.16."""

VERDICTS = ("✓", "!", "✗")  # how the line with the answer begins
PATHS = ("PYTHONHOME", "PYTHONPATH")
PYTHON = [sys.executable, "-c"]
SCRIPT = Path(sys.executable).with_name("tuner")
TUNER = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tuner"]


@dataclass(frozen=True)
class Times:
    """Seconds of one process, from its start."""

    answer: float  # to the line that answers; to the end where no line does
    end: float


def help_ratio(rounds: int = HELP_ROUNDS) -> float:
    """G11: the time of `tuner --help` as a multiple of that of `import click`; smaller is better."""
    command, imported = help_times(rounds)
    return ratio(command, imported)


def lr_find_ratio(rounds: int = ROUNDS) -> float:
    """G4: how many times less than `import tensorflow` the answer of `tuner lr-find` takes; larger is better."""
    command, imported = lr_find_times(rounds)
    return ratio(imported, command)


def diagnose_ratio(rounds: int = HELP_ROUNDS) -> float:
    """The time of `tuner diagnose curves.csv` as a multiple of that of `import pandas`; smaller is better."""
    command, imported = diagnose_times(rounds)
    return ratio(command, imported)


@cache
def help_times(rounds: int = HELP_ROUNDS) -> tuple[list[Times], list[Times]]:
    """(`tuner --help`, `import click`), a time for each round."""
    with own_folders() as environment:
        return in_turn(
            rounds, lambda: run([*TUNER, "--help"], environment), lambda: run([*PYTHON, "import click"], environment)
        )


@cache
def lr_find_times(rounds: int = ROUNDS) -> tuple[list[Times], list[Times]]:
    """(`tuner lr-find` on cached features, `import tensorflow`), a time for each round."""
    with own_folders() as environment:
        command = [
            *TUNER,
            "lr-find",
            str(RECIPE),
            "--progress",
            "none",
            "-o",
            str(Path(environment["TUNER_CACHE_DIR"]).parent),
        ]
        return in_turn(
            rounds, lambda: run(command, environment), lambda: run([*PYTHON, "import tensorflow"], environment)
        )


@cache
def diagnose_times(rounds: int = HELP_ROUNDS) -> tuple[list[Times], list[Times]]:
    """(`tuner diagnose` on a table, `import pandas`), a time for each round. Raises `RuntimeError` without pandas."""
    with own_folders() as environment:
        curves = Path(environment["TUNER_CACHE_DIR"]).with_name("curves.csv")
        rows = (f"{epoch},{2 * 0.97**epoch + 0.1},{2 * 0.97**epoch + 0.15}\n" for epoch in range(100))
        curves.write_text("epoch,loss,val_loss\n" + "".join(rows))
        return in_turn(
            rounds,
            lambda: run([*TUNER, "diagnose", str(curves)], environment),
            lambda: run([*PYTHON, "import pandas"], environment),
        )


@contextmanager
def own_folders() -> Iterator[dict[str, str]]:
    """The environment of the measured processes: a cache and bytecode of their own, which go in the end."""
    with tempfile.TemporaryDirectory(prefix="tuner-startup-") as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name in PATHS}
        places = {"TUNER_CACHE_DIR": f"{folder}/cache", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        yield kept | places | {"TF_CPP_MIN_LOG_LEVEL": "2"}


def in_turn(rounds: int, one: Callable[[], Times], other: Callable[[], Times]) -> tuple[list[Times], list[Times]]:
    """Both sides in turn, `rounds` times each, after a round that warms the caches and is not counted."""
    one(), one(), other()  # the first fills the cache, the second keeps what it reads there
    pairs = [(one(), other()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def run(command: Sequence[str], environment: dict[str, str]) -> Times:
    """The times of one process. Raises `RuntimeError` with what it said if it failed."""
    began = perf_counter()
    answer = None
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if answer is None and line.startswith(VERDICTS):
                answer = perf_counter() - began
        errors = process.stderr.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{errors}")
    end = perf_counter() - began
    return Times(end if answer is None else answer, end)


def ratio(ours: Sequence[Times], theirs: Sequence[Times]) -> float:
    """The median over the rounds of how many times the other's seconds one side took to its answer."""
    return median(one.answer / other.answer for one, other in zip(ours, theirs, strict=True))


def row(name: str, times: Sequence[Times]) -> str:
    """A line of the table: median, least and most of the answers, and the median to the end."""
    answers = [time.answer for time in times]
    figures = (median(answers), min(answers), max(answers), median(time.end for time in times))
    return f"{name:<44}" + "".join(f"{figure:>9.3f}" for figure in figures)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, help=f"processes of each side (--help, diagnose: {HELP_ROUNDS}, lr-find: {ROUNDS})"
    )
    asked = parser.parse_args().rounds
    few, many = asked or ROUNDS, asked or HELP_ROUNDS
    load = os.getloadavg()[0]
    print(f"{'seconds':<44}{'median':>9}{'least':>9}{'most':>9}{'to end':>9}")
    print(row("tuner --help", help_times(many)[0]))
    print(row('python -c "import click"', help_times(many)[1]))
    print(row("tuner lr-find recipes/digits.yaml, cached", lr_find_times(few)[0]))
    print(row('python -c "import tensorflow"', lr_find_times(few)[1]))
    pandas = find_spec("pandas") is not None
    if pandas:
        print(row("tuner diagnose curves.csv", diagnose_times(many)[0]))
        print(row('python -c "import pandas"', diagnose_times(many)[1]))
    print(f"\nG4   lr-find   {lr_find_ratio(few):.1f} times less than TensorFlow's import   goal >= 12")
    print(f"G11  --help    {help_ratio(many):.2f} times the import of click   goal <= 1.5")
    figure = f"{diagnose_ratio(many):.2f} times the import of pandas" if pandas else "pandas is not installed"
    print(f"     diagnose  {figure}   goal <= 3")
    print(f"Load average before: {load:.1f}; {os.cpu_count()} cores; Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
