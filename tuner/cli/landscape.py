"""`tuner landscape RUN`: what does the loss look like around the best weights of a run?

The cost is measured on one pass and told before the rest begins. Each row of the picture is kept as it is done, so a
stopped command goes on where it was. The picture is kept with the run, and its report is written again.
"""

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import WRONG_USE, Settings, common_options, emit_json, fail, is_terminal, make_progress

if TYPE_CHECKING:
    from tuner.data import Problem
    from tuner.interrupts import StopFlag
    from tuner.progress import Progress
    from tuner.records import Trial
    from tuner.seeing.landscape import Landscape
    from tuner.store import Store

ASK_FROM = 60.0  # seconds of work: from then on a person at a terminal is asked first
FILES = {part: f"landscape-{part}.json" for part in ("head", "trained", "all")}  # artifacts of a run


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--all", "whole", is_flag=True, help="Move every kernel, not only what trained.")
@click.option("--gradient", is_flag=True, help="Instead: how far along the gradient does the gradient hold?")
@click.option("--points", type=int, default=21, show_default=True, help="Along each side of the picture, odd.")
@click.option("--images", type=click.IntRange(1), default=512, show_default=True, help="Training images in the loss.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the two directions.")
@click.option("--trial", type=click.IntRange(1), help="Another trial than the run's best.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask, whatever it costs.")
@click.option("--reports", type=click.Path(path_type=Path), default="reports", show_default=True)
@common_options
def landscape(
    settings: Settings,
    run: str,
    whole: bool,
    gradient: bool,
    points: int,
    images: int,
    seed: int,
    trial: int | None,
    yes: bool,
    reports: Path,
) -> None:
    """Draw the training loss around the best weights of RUN, into its report.

    Two random directions, each filter as long as the network's own (Li et al., arXiv 1712.09913). RUN is a run's
    folder, its name and number (digits/7), or a name (its latest run).
    """
    from tuner.cli.report import find
    from tuner.interrupts import Interrupted, StopFlag

    folder = find(run, reports)
    progress, stop = make_progress(settings), StopFlag()
    stop.install()
    sure = yes or settings.json or not is_terminal(sys.stdin)
    with opened(settings, folder, progress, stop) as store:
        problem = problem_of(folder, store)
        best = trial_of(folder, store, trial)
        try:
            if gradient:
                found = way_down(problem, store, best, whole)
            else:
                found = drawn(problem, store, best, (whole, points, images, seed), sure)
        except Interrupted as interrupted:
            click.echo(f"Stopped, what was done is kept. Go on with:  {shlex.join(['tuner', *sys.argv[1:]])}", err=True)
            raise SystemExit(128 + interrupted.signal_number) from None
    show(settings, folder, *found)


def opened(settings: Settings, folder: Path, progress: "Progress", stop: "StopFlag") -> "Store":
    """The run, to look at it; Keras's backend is chosen."""
    from tuner.cli.run import choose_backend, stored_recipe
    from tuner.store import revisit

    choose_backend(settings, stored_recipe(folder, ()))
    return revisit(folder, progress, stop)


def problem_of(folder: Path, store: "Store") -> "Problem":
    """The problem of the run, on the data that it saw. Ends the command with exit code 2 if those have changed."""
    from tuner import backend
    from tuner.cli.run import stored_recipe
    from tuner.data import Problem, cache_folder, open_dataset
    from tuner.steps import backbones

    recipe = stored_recipe(folder, ())
    backend.prepare(recipe.runtime.device, recipe.runtime.precision)
    dataset = open_dataset(recipe, store.progress, store.stop)
    seen = store.finding("data", 0)
    before = seen.evidence.get("fingerprint") if seen else None
    if before is not None and before != dataset.fingerprint:
        fail("The data are no longer those of the run; its landscape cannot be drawn on others.", WRONG_USE)
    return backbones.settled(Problem(recipe, dataset, cache_folder(recipe)), store)


def trial_of(folder: Path, store: "Store", number: int | None) -> "Trial":
    """The trial asked for, or the run's best. Ends the command with exit code 2 if there is none with weights."""
    from tuner.steps.situation import contenders
    from tuner.store import read_run

    kept = {trial.number: trial for trial in contenders(store)}
    if not kept:
        fail("The run kept no weights (output.keep_models: none, or no trial was longer). Run it again.", WRONG_USE)
    wanted = read_run(folder).conclusion.get("best_trial") if number is None else number
    if wanted is None:
        return next(iter(kept.values()))
    if wanted not in kept:
        there = ", ".join(map(str, sorted(kept)))
        fail(f"Trial {wanted} kept no weights; there are those of {there}. Name one with --trial.", WRONG_USE)
    return kept[wanted]


def drawn(
    problem: "Problem", store: "Store", trial: "Trial", asked: tuple[bool, int, int, int], sure: bool
) -> tuple[str, Mapping[str, Any]]:
    """The landscape, kept with the run row by row: the artifact's name and its content."""
    from tuner.records import to_json
    from tuner.seeing import survey
    from tuner.seeing.landscape import coordinates

    whole, points, images, seed = asked
    try:
        coordinates(points)
    except ValueError as error:
        fail(f"--points: {error}", WRONG_USE)

    def keep(found: "Landscape") -> None:
        store.put_artifact(FILES[found.asked.part], _encoded(to_json(found)), "application/json")

    plan = survey.planned(problem, store, trial, points, images, seed, whole)
    known = _known(store.folder, FILES[plan.asked.part])
    begun = survey.begun(plan, known)
    seconds = plan.pass_seconds * (points - len(begun.rows)) * points
    click.echo(told(plan.asked.part, points, plan.asked.images, len(begun.rows), seconds), err=True)
    if seconds >= ASK_FROM and not sure and not click.confirm("Go on?", default=True, err=True):
        raise SystemExit(0)
    done = survey.finished(plan, begun, keep, store.progress, store.stop)
    return FILES[plan.asked.part], to_json(done)


def told(part: str, points: int, images: int, known: int, seconds: float) -> str:
    """What it will cost, in a line: `Head: 441 passes over 512 images, about 40 s`."""
    from tuner.report.words import duration

    passes = (points - known) * points
    what = {"head": "The head on kept features", "trained": "The layers that trained", "all": "The whole network"}
    rest = f", {known} of {points} rows are there" if known else ""
    return f"{what[part]}: {passes} passes over {images} images, about {duration(seconds)}{rest}"


def way_down(problem: "Problem", store: "Store", trial: "Trial", whole: bool) -> tuple[str, Mapping[str, Any]]:
    """How the loss and its gradient change along the gradient, during a short training, kept with the run."""
    from tuner.records import to_json
    from tuner.seeing import smoothness

    found = to_json(smoothness.of_trial(problem, store, trial, whole))
    store.put_artifact(smoothness.FILE, _encoded(found), "application/json")
    return smoothness.FILE, found


def show(settings: Settings, folder: Path, name: str, found: Mapping[str, Any]) -> None:
    """The sentence and the place, on stdout."""
    from tuner.report import write_report
    from tuner.report.panels import landscape as panel

    page = write_report(folder)
    says: Callable[[Mapping[str, Any]], str] = panel.meaning if name in FILES.values() else panel.says_of_the_way
    if settings.json:
        payload = {"run": str(folder), "report": str(page), "artifact": name, "says": says(found), "found": found}
        emit_json("tuner.landscape/1", payload)
        return
    click.echo(f"{says(found)}\n\nPicture  {page}#landscape")


def _known(folder: Path, name: str) -> Any:
    from tuner.report.read import parsed
    from tuner.store import read_artifact

    return parsed(read_artifact(folder, name))


def _encoded(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()
