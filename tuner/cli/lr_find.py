"""`tuner lr-find recipe.yaml`: step 3 alone. Which learning rate, and why?

It is a run like any other, in a folder of its own, so the report shows its curves; it decides nothing for a later run:
the command that it prints does. On cached features it answers without importing Keras.
"""

import math
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import Settings, common_options, emit_json
from tuner.cli.run import choose_backend, concluded, open_problem, open_run, prepare_keras, stopped, through, write

if TYPE_CHECKING:
    from tuner.data import Problem
    from tuner.recipe import Recipe
    from tuner.records import Finding
    from tuner.store import Store

STEP = "learning_rate"
COLUMNS = ("rate", "first", "last", "")


@click.command("lr-find")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "settings_", multiple=True, metavar="PATH=VALUE", help="Change one setting of the recipe.")
@click.option("-o", "--output-dir", type=click.Path(path_type=Path), help="Where runs go instead of ./reports.")
@common_options
def lr_find(settings: Settings, recipe: Path, settings_: tuple[str, ...], output_dir: Path | None) -> None:
    """Find the learning rate for RECIPE: a sweep of fixed rates, and a range test beside it.

    Exits 0 when a rate was found, 4 when no rate makes the loss fall, 2 when the recipe is wrong.
    """
    from tuner.recipe.known import load_known

    more = [f"output.dir={output_dir}"] if output_dir else []
    wanted = load_known(recipe, [*settings_, *more])
    raise SystemExit(find(settings, wanted, ["tuner", "run", str(recipe), *_again(settings_, output_dir)]))


def _again(settings_: Sequence[str], output_dir: Path | None) -> list[str]:
    """The options of this call as the next command repeats them."""
    kept = [
        word
        for setting in settings_
        if not setting.startswith("optimizer.learning_rate=")
        for word in ("--set", setting)
    ]
    return kept + (["--output-dir", str(output_dir)] if output_dir else [])


def find(settings: Settings, recipe: "Recipe", next_command: Sequence[str]) -> int:
    """Take step 3 in a new run, print what it found, return the exit status. Raises `SystemExit` when interrupted."""
    from tuner.cli.options import make_progress
    from tuner.interrupts import Interrupted, StopFlag

    progress, stop = make_progress(settings), StopFlag()
    stop.install()
    with open_run(recipe, None, progress, stop) as run:
        try:
            problem, last = take(settings, recipe, run)
            finding = run.finding(STEP, 0)
            if finding and not settings.json:  # the answer first: the rest takes as long as the sweep
                show(finding)
            conclusion = concluded(problem, run, last)
        except Interrupted as interrupted:
            stopped(run, STEP, STEP)
            raise SystemExit(128 + interrupted.signal_number) from None
        if finding is None and not settings.json:
            click.echo(f"✗ {conclusion['title']}")
        places = {"run": str(run.folder), "report": str(write(run))}
        command = with_rate(next_command, finding.evidence["chosen"]) if finding else ""
        if settings.json:
            emit_json("tuner.lr-find/1", payload(finding, conclusion, places, command))
        else:
            click.echo(f"\nReport   {places['report']}" + (f"\nNext     {command}" if command else ""))
    from tuner.finish import exit_code

    return exit_code(conclusion)


def take(settings: Settings, recipe: "Recipe", run: "Store") -> "tuple[Problem, Finding]":
    """Step 3, and the data it was taken on. Keras is imported up front if it will be needed; the record says so."""
    if "numpy" not in sys.modules:  # it reads this once; heads are so small that more threads wait for each other
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    choose_backend(settings, recipe)
    problem = open_problem(recipe, run)
    light = not sweep_needs_keras(problem, run)
    if light:
        from tuner import backend

        device = backend.without_keras()
        run.progress.say(f"Device: {device.name}, NumPy, {device.precision}")
        run.note_device(vars(device))
    else:
        prepare_keras(recipe, run)
    last = through(problem, run, STEP, STEP)
    if light and "keras" in sys.modules:  # a file vanished from the cache in between
        prepare_keras(recipe, run)
    return problem, last


def sweep_needs_keras(problem: "Problem", run: "Store") -> bool:
    """Whether the sweep, or the ranking of several backbones before it, will import Keras."""
    from tuner.recipe.candidates import candidates
    from tuner.records import TrialSpec
    from tuner.steps.situation import situation
    from tuner.training import needs_keras

    if len(candidates(problem.recipe)) > 1:
        return True
    now = situation(problem, run)
    point = replace(now.setting.hyperparameters, augmentation=(), schedule="none", warmup_epochs=0.0)
    spec = TrialSpec(point, epochs=1, seed=problem.recipe.seed, step=STEP, stage=now.stage.name, validate=False)
    return needs_keras(problem, run, spec)


def show(finding: "Finding") -> None:
    """The answer on stdout: the sweep as a table, the rate, and why."""
    for line in table(finding.evidence):
        click.echo(line)
    for verdict in finding.verdicts:
        click.echo(f"{_mark(verdict.outcome)} {verdict.sentence}")


def payload(
    finding: "Finding | None", conclusion: Mapping[str, Any], places: Mapping[str, str], command: str
) -> dict[str, Any]:
    """What `--json` prints, besides the schema: the evidence without its curves, the verdicts, the places."""
    from tuner.records import to_json

    if finding is None:
        return {**places, "chosen": None, "why": conclusion["title"], "next": ""}
    seen = finding.evidence
    curves = ("step_loss",)
    return {
        **places,
        **{key: seen[key] for key in ("chosen", "why", "given", "iterations", "weight_decay", "suggestions", "spread")},
        "sweep": [{key: value for key, value in run.items() if key not in curves} for run in seen["sweep"]],
        "range_test": seen["range_test"] and seen["range_test"]["stopped"],
        "verdicts": to_json(finding.verdicts),
        "seconds": finding.seconds,
        "next": command,
    }


def with_rate(command: Sequence[str], rate: float | None) -> str:
    """The command with the rate set; empty if there is no rate."""
    return shlex.join([*command, "--set", f"optimizer.learning_rate={rate:g}"]) if rate is not None else ""


def table(evidence: Mapping[str, Any]) -> list[str]:
    """The sweep, a line a rate, and the range test's suggestions."""
    rows = [COLUMNS, *(_row(run, evidence["chosen"]) for run in evidence["sweep"])]
    lines = [f"{rate:>9}  {first:>7}  {last:>7}  {word}".rstrip() for rate, first, last, word in rows]
    if evidence["range_test"]:
        lines += ["", f"Range test: {suggested(evidence)} ({evidence['range_test']['stopped']})"]
    return [*lines, ""]


def _row(run: Mapping[str, Any], chosen: float | None) -> tuple[str, str, str, str]:
    word = "falls steadily" if run["steady"] else "falls, after rising" if run["falls"] else "does not fall"
    if run["state"] == "diverged":
        word = "diverges"
    mark = "  ← chosen" if run["learning_rate"] == chosen else ""
    return f"{run['learning_rate']:g}", _nats(run["first"]), _nats(run["last"]), word + mark


def _nats(value: Any) -> str:
    from tuner.records import number

    return f"{number(value):.3f}" if math.isfinite(number(value)) else "–"


def suggested(evidence: Mapping[str, Any]) -> str:
    """The four rules' rates, with their spread over seeds in decades where it was measured."""
    words = []
    for rule, rate in evidence["suggestions"].items():
        spread = evidence["spread"].get(rule)
        words.append(
            f"{rule} {'–' if rate is None else f'{rate:.2g}'}" + (f" ± {spread:.1f} decades" if spread else "")
        )
    return " · ".join(words)


def _mark(outcome: str) -> str:
    return {"pass": "✓", "warn": "!", "fail": "✗"}[outcome]
