"""How do the report's files reach the disk? Each whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from tuner.records import Run
from tuner.report.machine import run_json
from tuner.report.page import render
from tuner.store import read_artifact, read_run, replace_text, write_table


def write_report(folder: Path) -> Path:
    """Write report.html, report.json and trials.csv into a run's folder, from run.db alone; return the page's path.

    Raises `tuner.store.StoreError` when the folder holds no run that can be read, and `OSError` when the disk refuses.
    """
    run = read_run(folder)
    write_table(folder, run.trials)
    return write_page(run, lambda name: read_artifact(folder, name), folder)


def write_page(run: Run, artifact: Callable[[str], bytes | None], folder: Path) -> Path:
    """Write report.html and report.json from a run and its artifacts; return the page's absolute path."""
    page = folder.absolute() / "report.html"
    replace_text(page.with_suffix(".json"), run_json(run))
    replace_text(page, render(run, artifact))
    return page
