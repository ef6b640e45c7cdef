"""`tuner backbones recipe.yaml`: which backbone? The ranking alone, on the recipe's own images.

It is a run like any other, in a folder of its own, so the report shows the ranking; it decides nothing for a later run:
the command that it prints last does.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import Settings, common_options, emit_json
from tuner.cli.run import choose_backend, open_problem, open_run, prepare_keras, stopped, write

if TYPE_CHECKING:
    from tuner.recipe import Recipe
    from tuner.records import Finding
    from tuner.store import Store

SETTING = "model.backbone"
COLUMNS = ("", "val. loss", "accuracy", "LogME", "images/s", "parameters", "features")


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--backbones", "names", metavar="A,B,C", help="Rank these instead of the recipe's model.backbone.")
@click.option("--set", "settings_", multiple=True, metavar="PATH=VALUE", help="Change one setting of the recipe.")
@click.option("-o", "--output-dir", type=click.Path(path_type=Path), help="Where runs go instead of ./reports.")
@common_options
def backbones(
    settings: Settings, recipe: Path, names: str | None, settings_: tuple[str, ...], output_dir: Path | None
) -> None:
    """Rank backbones on the images of RECIPE: the best linear head on the features of each, frozen.

    Exits 0 when they were ranked, 4 when nothing can be learned from the data, 2 when the recipe is wrong.
    """
    from tuner.recipe import load

    more = [f"{SETTING}={named(names)}"] if names else []
    more += [f"output.dir={output_dir}"] if output_dir else []
    again = [word for setting in settings_ if not setting.startswith(f"{SETTING}=") for word in ("--set", setting)]
    again += ["--output-dir", str(output_dir)] if output_dir else []
    wanted = load(recipe, [*settings_, *more])
    raise SystemExit(rank(settings, wanted, ["tuner", "run", str(recipe), *again]))


def named(names: str) -> str:
    """`A,B` as a recipe writes it: `[A, B]`; one alone is no list."""
    several = [name.strip() for name in names.split(",") if name.strip()]
    return several[0] if len(several) == 1 else f"[{', '.join(several)}]"


def rank(settings: Settings, recipe: "Recipe", next_command: Sequence[str]) -> int:
    """Rank in a new run, print what was found, return the exit status. Raises `SystemExit` when interrupted."""
    from tuner.cli.options import make_progress
    from tuner.interrupts import Interrupted, StopFlag

    progress, stop = make_progress(settings), StopFlag()
    stop.install()
    with open_run(recipe, None, progress, stop) as run:
        try:
            finding, conclusion = ranked(settings, recipe, run)
        except Interrupted as interrupted:
            stopped(run, None, None)
            raise SystemExit(128 + interrupted.signal_number) from None
        places = {"run": str(run.folder), "report": str(write(run))}
    command = shlex.join([*next_command, "--set", f"{SETTING}={finding.evidence['chosen']}"]) if finding else ""
    if settings.json:
        emit_json("tuner.backbones/1", payload(finding, conclusion) | places | {"next": command})
    else:
        for line in [*lines(finding, conclusion), "", f"Report   {places['report']}"]:
            click.echo(line)
        if command:
            click.echo(f"Next     {command}")
    from tuner.finish import exit_code

    return exit_code(conclusion)


def ranked(settings: Settings, recipe: "Recipe", run: "Store") -> "tuple[Finding | None, Mapping[str, Any]]":
    """The ranking, None if the data forbid it, and how the run ended."""
    choose_backend(settings, recipe)
    prepare_keras(recipe, run)
    from tuner.finish import finish
    from tuner.records import Outcome
    from tuner.tune import look_at_data, rank_backbones

    problem = open_problem(recipe, run)
    last = look_at_data(problem, run)
    found = None if last.outcome is Outcome.FAIL else rank_backbones(problem, run)
    return found, finish(problem, run, found or last)


def payload(finding: "Finding | None", conclusion: Mapping[str, Any]) -> dict[str, Any]:
    """What `--json` prints, besides the places: the evidence and the verdicts."""
    if finding is None:
        return {"chosen": None, "why": conclusion["title"], "candidates": []}
    return {**finding.evidence, "verdicts": finding.verdicts, "seconds": finding.seconds}


def lines(finding: "Finding | None", conclusion: Mapping[str, Any]) -> list[str]:
    """The table, a line a backbone, and the verdict."""
    if finding is None:
        return [f"✗ {conclusion['title']}"]
    chosen = finding.evidence["chosen"]
    rows = [COLUMNS, *(_row(one) for one in finding.evidence["candidates"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    marks = ["", *("  ← chosen" * (one["backbone"] == chosen) for one in finding.evidence["candidates"])]
    table = [_aligned(row, widths) + mark for row, mark in zip(rows, marks, strict=True)]
    return [*table, "", *(f"{_MARKS[verdict.outcome]} {verdict.sentence}" for verdict in finding.verdicts)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    loss = f"{float(one['val_loss']):.3f} ± {float(one['val_loss_error']):.3f}"
    speed, size = f"{one['images_per_second']:,.0f}", f"{one['parameters']:,}"
    logme = float(one["logme"])  # the text "nan" where short runs ranked
    scores = f"{one['val_accuracy']:.3f}", f"{logme:.3f}" if math.isfinite(logme) else "-"
    return one["backbone"], loss, *scores, speed, size, f"{one['features']:,}"


_MARKS = {"pass": "✓", "warn": "!", "fail": "✗"}
