"""`tuner report RUN`: write a run's report again from its records alone, and open it."""

import webbrowser
from pathlib import Path

import click

from tuner.cli.options import WRONG_USE, Settings, common_options, emit_json, fail


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--open", "wants_browser", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default="reports",
    show_default=True,
    help="Where to look for a run that is given by name or number.",
)
@common_options
def report(settings: Settings, run: str, wants_browser: bool, reports: Path) -> None:
    """Write report.html, report.json and trials.csv of RUN again.

    RUN is a run's folder, its name and number (digits/7), a name (its latest run), or a number that only one run has.
    """
    folder = find(run, reports)
    from tuner.report import write_report
    from tuner.store import StoreError

    try:
        page = write_report(folder)
    except StoreError as error:
        fail(str(error), error.exit_code)
    if settings.json:
        show_json(folder, page)
    else:
        click.echo(page)
    if wants_browser and not webbrowser.open(page.as_uri()):
        click.echo(f"No browser was found; open {page} in one.", err=True)


def find(run: str, reports: Path) -> Path:
    """The absolute folder that RUN means. Ends the command with exit code 2 if there is none, or more than one."""
    from tuner.store import list_runs

    if (Path(run) / "run.db").is_file():
        return Path(run).absolute()
    runs = list_runs(reports)
    name, _, number = run.rstrip("/").rpartition("/")
    if number.isdigit():
        found = [one for one in runs if one.number == int(number) and name in ("", one.name)]
    else:
        found = [one for one in runs if one.name == run][-1:]
    if len(found) == 1:
        return Path(found[0].folder)
    if found:
        several = ", ".join(f"{one.name}/{one.number}" for one in found[:5])
        fail(f"More than one run has the number {number}: {several}. Say which.", WRONG_USE)
    fail(f"{run} is neither a run's folder nor the name or number of one under {reports}. Try: tuner runs", WRONG_USE)


def show_json(folder: Path, page: Path) -> None:
    """The content of report.json on stdout, with the files that were written."""
    from tuner.report.machine import SCHEMA, payload
    from tuner.store import read_run

    files = {"html": str(page), "json": str(page.with_suffix(".json")), "trials": str(folder / "trials.csv")}
    emit_json(SCHEMA, payload(read_run(folder)) | {"files": files})
