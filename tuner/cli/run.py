"""`tuner run recipe.yaml`: the seven steps, resumable; ends in report.html and best.keras."""

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import Settings, common_options, emit_json, fail, make_progress

if TYPE_CHECKING:
    from tuner.data import Problem
    from tuner.interrupts import StopFlag
    from tuner.progress import Progress
    from tuner.recipe import Recipe
    from tuner.records import Finding
    from tuner.store import Store
    from tuner.tune import Window

STEP_CHOICE = click.Choice(
    ["initial_loss", "overfit_small_sample", "learning_rate", "short_runs", "learning_curves", "change", "repeat"]
)


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path), required=False)
@click.option("--set", "settings_", multiple=True, metavar="PATH=VALUE", help="Change one setting of the recipe.")
@click.option("--from", "first", type=STEP_CHOICE, help="Begin at this step, with the recipe's settings.")
@click.option("--to", "last", type=STEP_CHOICE, help="End after this step.")
@click.option("--only", type=STEP_CHOICE, help="This step alone.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped: its folder, or its number.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--max-time", metavar="2h", help="Stop cleanly after so long; the same as --set budget.max_time=2h.")
@click.option("-o", "--output-dir", type=click.Path(path_type=Path), help="Where runs go instead of ./reports.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 even if the target is missed.")
@common_options
def run(
    settings: Settings,
    recipe: Path | None,
    settings_: tuple[str, ...],
    first: str | None,
    last: str | None,
    only: str | None,
    resume: str | None,
    dry_run: bool,
    max_time: str | None,
    output_dir: Path | None,
    exit_zero: bool,
) -> None:
    """Follow the seven steps of RECIPE, and leave a tuned model and a report.

    Exits 0 when done (3 when a target is missed, 4 when a check stopped the run, 2 when the recipe is wrong).
    """
    from tuner.recipe import load

    more = [f"budget.max_time={max_time}"] if max_time else []
    more += [f"output.dir={output_dir}"] if output_dir else []
    folder = find_run(resume, output_dir) if resume else None
    if recipe is None and folder is None:
        raise click.UsageError("Name a recipe, or a run to --resume. `tuner new` writes a recipe to begin with.")
    wanted = load(recipe, [*settings_, *more]) if recipe else stored_recipe(folder, [*settings_, *more])
    if dry_run:
        click.echo(plan(wanted))
        return
    conclusion = follow(settings, wanted, folder, only or first, only or last)
    from tuner.finish import exit_code

    code = exit_code(conclusion)
    raise SystemExit(0 if exit_zero and code == 3 else code)


def follow(
    settings: Settings, recipe: "Recipe", folder: Path | None, first: str | None, last: str | None
) -> Mapping[str, Any]:
    """Open the run, take the steps, write the report, print the end. Raises `SystemExit` when interrupted."""
    from tuner.interrupts import Interrupted, StopFlag

    progress, stop = make_progress(settings), StopFlag()
    stop.install()
    run = open_run(recipe, folder, progress, stop)
    with run:
        try:
            conclusion = steps(settings, recipe, run, first, last)
        except Interrupted as interrupted:
            stopped(run, first, last)
            raise SystemExit(128 + interrupted.signal_number) from None
        report = write(run)
        show_end(settings, run, conclusion, report)
    return conclusion


def stopped(run: "Store", first: str | None, last: str | None) -> None:
    """The end of a run that was asked to stop: its report so far, and the command that goes on with the same steps."""
    run.finish("interrupted", {})
    click.echo(f"Stopped, nothing is lost. Report so far: {write(run)}", err=True)
    again = ["tuner", "run", "--resume", str(run.folder)]
    again += (["--from", first] if first else []) + (["--to", last] if last else [])
    click.echo(f"Go on with:  {shlex.join(again)}", err=True)


def open_run(recipe: "Recipe", folder: Path | None, progress: "Progress", stop: "StopFlag") -> "Store":
    """A new run folder, or the one to resume; its name is the first thing said."""
    from tuner.environment import environment
    from tuner.store import Store

    if folder is not None:
        run = Store.resume(folder, recipe.to_json(), progress, stop)
    else:
        out = Path(recipe.output.dir)
        known = environment() | {"recipe": str(recipe.path)}
        run = Store.create(out, recipe.name, recipe.to_json(), recipe.text, known, progress, stop)
    progress.say(f"tuner · {recipe.name} · run {run.folder.name} · {run.folder}")
    return run


def steps(settings: Settings, recipe: "Recipe", run: "Store", first: str | None, last: str | None) -> Mapping[str, Any]:
    """Choose the device, open the data, take the steps, conclude."""
    choose_backend(settings, recipe)
    prepare_keras(recipe, run)
    problem = open_problem(recipe, run)
    return concluded(problem, run, through(problem, run, first, last))


def choose_backend(settings: Settings, recipe: "Recipe") -> None:
    """What Keras will run on, if it is imported."""
    from tuner import backend

    backend.choose(recipe.runtime.device, recipe.runtime.deterministic, settings.verbose > 1)


def prepare_keras(recipe: "Recipe", run: "Store") -> None:
    """Import Keras, say on what it runs, and store that."""
    from tuner import backend

    started = time.monotonic()
    device = backend.prepare(recipe.runtime.device, recipe.runtime.precision)
    run.progress.say(f"Device: {device.name}, Keras on {device.backend}, {device.precision}")
    run.note_device(vars(device) | {"import_seconds": round(time.monotonic() - started, 1)})


def through(problem: "Problem", run: "Store", first: str | None, last: str | None) -> "Finding":
    """Take the steps; what the last one found."""
    from tuner.tune import tune

    return tune(problem, run, window(first, last))


def concluded(problem: "Problem", run: "Store", last: "Finding") -> Mapping[str, Any]:
    """The end of a run: its best trial is tested, saved, and the verdict stored."""
    from tuner.finish import finish

    return finish(problem, run, last)


def open_problem(recipe: "Recipe", run: "Store") -> "Problem":
    """The data, decoded once, as the steps see it. A run whose data cannot be used is stored as failed."""
    from tuner.data import DataError, Problem, cache_folder, open_dataset

    try:
        return Problem(recipe, open_dataset(recipe, run.progress, run.stop), cache_folder(recipe))
    except DataError:
        run.finish("failed", {})
        raise


def window(first: str | None, last: str | None) -> "Window":
    """The steps asked for."""
    from tuner.steps import STEP_NAMES
    from tuner.tune import Window

    return Window(first or STEP_NAMES[0], last or STEP_NAMES[-1])


def write(run: "Store") -> Path:
    """report.html and report.json, from the run's records alone."""
    from tuner.report import write_report

    return write_report(run.folder)


def show_end(settings: Settings, run: "Store", conclusion: Mapping[str, Any], report: Path) -> None:
    """The verdict and the places, on stdout."""
    from tuner.finish import lines

    if settings.json:
        payload = {"run": str(run.folder), "report": str(report), "conclusion": conclusion}
        emit_json("tuner.run/1", payload)
        return
    click.echo("\n".join(lines(conclusion, run, report)))
    click.echo(f"Next     tuner report {run.folder} --open")


def find_run(name: str, output_dir: Path | None) -> Path:
    """The run folder meant by a path or by a number. Exits 2 when there is none, or more than one."""
    path = Path(name)
    if (path / "run.db").is_file():
        return path.resolve()
    found = sorted((output_dir or Path("reports")).glob(f"*/{name.zfill(4)}/run.db"))
    if len(found) == 1:
        return found[0].parent.resolve()
    what = "no run" if not found else f"{len(found)} runs"
    fail(f"{what} called '{name}'. `tuner runs` lists them; name its folder.", 2)


def stored_recipe(folder: Path | None, settings: Sequence[str]) -> "Recipe":
    """The recipe of a run as it was resolved when the run began, --set included; what is `--set` now lies on top.

    It is where it was: `python:` names and the commands that a report proposes are seen from there.
    """
    from pydantic import ValidationError

    from tuner.recipe import Origin, Recipe, load
    from tuner.store import read_run

    assert folder is not None
    known = read_run(folder)
    origin = Origin(Path(known.environment.get("recipe", folder / "recipe.yaml")), known.recipe_text)
    resolved = load(folder / "recipe.resolved.yaml", settings).to_json() if settings else known.recipe
    try:
        return Recipe.from_json(resolved, origin)
    except ValidationError:
        begun = known.environment.get("tuner", "?")
        fail(f"{folder} was begun by another version of tuner ({begun}), whose recipes differ. Start a new run.", 2)


def plan(recipe: "Recipe") -> str:
    """What a run would do, in words."""
    from tuner.recipe.candidates import candidates

    several = candidates(recipe)
    named = several[0] if len(several) == 1 else f"the best of {', '.join(several)}"
    steps_, rates, short = recipe.steps, recipe.steps.learning_rate, recipe.steps.short_runs
    listed = () if recipe.transfer == "auto" else recipe.transfer
    stages = ", ".join(stage.name for stage in listed) or "auto"
    longer = ", then ".join(str(stage.epochs or steps_.change.epochs) for stage in listed) or steps_.change.epochs
    return "\n".join(
        [
            f"{recipe.name}: {recipe.data.source}, {named} ({recipe.model.weights}), stages {stages}",
            f"1 initial loss, {steps_.initial_loss.seeds} seeds",
            f"2 overfit {steps_.overfit_small_sample.batches} batches of {recipe.data.batch_size}",
            f"3 learning rate: {len(rates.rates)} rates x {rates.iterations} iterations",
            f"4 short runs: {short.trials} trials x {short.epochs} epochs, {recipe.search.algorithm}",
            "5 learning curves",
            f"6 change: the best {steps_.change.top_k}, {longer} epochs",
            f"7 repeat: at most {steps_.repeat.max_rounds} rounds",
            f"Target {recipe.target.at_least if recipe.target else 'none'}",
            f"Results under {Path(recipe.output.dir).resolve()}",
            "Nothing was run.",
        ]
    )
