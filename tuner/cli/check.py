"""`tuner check recipe.yaml`: everything that is wrong with a recipe, in one go; nothing is run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.options import CHECK_FAILED, DONE, WRONG_USE, Settings, common_options, emit_json, make_progress

if TYPE_CHECKING:
    from tuner.recipe import Problem, Recipe
    from tuner.records import Verdict

FORMATS = ("text", "json", "github")


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RECIPE...")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Check it with this setting changed.")
@click.option("--data", is_flag=True, help="Open the data set as well, and check the images.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Of the problems."
)
@common_options
def check(settings: Settings, recipes: tuple[Path, ...], changes: tuple[str, ...], data: bool, form: str) -> None:
    """Say everything that is wrong with RECIPE, with line and column.

    Exits 2 if anything is, and with --data 4 if the images cannot be learned from.
    """
    from tuner.cli.paint import painted
    from tuner.recipe import RecipeError, load
    from tuner.recipe.notes import notes

    form = "json" if settings.json else form
    problems: list[Problem] = []
    verdicts: list[Verdict] = []
    for path in recipes:
        try:
            recipe = load(path, changes)
        except RecipeError as error:
            problems.extend(error.problems)
            if form == "text":
                click.echo(painted(error), err=True)
            continue
        if form == "text" and not settings.quiet:
            click.echo(f"{path}: fine. {summary(recipe)}")
            click.echo(f"  split: {split(recipe)}")
            for note in notes(recipe):
                click.echo(f"  note: {note.path}: {note.sentence}.")
        if data:
            verdicts += data_verdicts(settings, recipe, loud=form == "text" and not settings.quiet)
    if form == "json":
        found = [problem.to_json() for problem in problems]
        payload = {"recipes": [str(path) for path in recipes], "problems": found}
        emit_json("tuner.check/1", payload | ({"verdicts": verdicts} if data else {}))
    elif form == "github":
        click.echo("".join(f"{annotation(problem)}\n" for problem in problems), nl=False)
    failed = any(verdict.outcome == "fail" for verdict in verdicts)
    sys.exit(WRONG_USE if problems else CHECK_FAILED if failed else DONE)


def summary(recipe: "Recipe") -> str:
    """What the recipe is about, in a few words."""
    from tuner.recipe.candidates import candidates

    data, model = recipe.data, recipe.model
    weights = "random weights" if model.weights is None else Path(model.weights).name
    height, width = data.image_size
    return f"{data.name or data.source} at {height} x {width}, {' or '.join(candidates(recipe))} ({weights})"


def split(recipe: "Recipe") -> str:
    """How the images are divided, in a sentence; a source that names parts of its own has them kept."""
    data = recipe.data
    named = {"csv": data.split_column, "directory": "train/, validation/, test/", "digits": None}.get(data.source, True)
    shares = f"{data.validation_split:.0%} of the images for validation, {data.test_split:.0%} for the test"
    words = [f"{shares}, unless the source names them" if named else shares]
    words.append("every class in its share" if data.stratify else "whatever the classes")
    whose = f"column {data.group_column}" if data.group_column else f"pattern {data.group_pattern}"
    if data.group_column or data.group_pattern:
        words.append(f"no group ({whose}) in two of them")
    if data.folds is not None:
        few = "where these are few" if data.folds == "auto" else f"on {data.folds} folds"
        words.append(f"finalists compared by cross-validation {few}")
    return "; ".join(words)


def data_verdicts(settings: Settings, recipe: "Recipe", loud: bool) -> "list[Verdict]":
    """Decode the data, and judge them; one line each if `loud`. Raises `DataError`."""
    from tuner.data import check_dataset, open_dataset

    verdicts = list(check_dataset(open_dataset(recipe, make_progress(settings))))
    for verdict in verdicts if loud else ():
        click.echo(f"{verdict.outcome.value.upper():<5} {verdict.name}: {verdict.sentence}")
    return verdicts


def annotation(problem: "Problem") -> str:
    """The problem as a workflow command that GitHub shows beside the line.

    Source: docs.github.com, "Workflow commands for GitHub Actions", setting an error message.
    """
    message = escaped(f"{problem.path}: {problem.message}" if problem.path else problem.message)
    hint = escaped(f" ({problem.hint})") if problem.hint else ""
    file = escaped(problem.file).replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={problem.line},col={problem.column}::{message}{hint}"


def escaped(text: str) -> str:
    """The text as a workflow command may hold it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
