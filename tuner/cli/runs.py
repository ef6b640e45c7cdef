"""`tuner runs`: which runs are there, how did each end, and where is it?"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.options import Settings, common_options, emit_json

if TYPE_CHECKING:
    from tuner.store import RunSummary

COLUMNS = ("run", "status", "started", "time", "trials", "val_accuracy", "test_accuracy", "outcome", "folder")
NUMBERS = ("time", "trials", "val_accuracy", "test_accuracy")  # columns that are set flush right
GAP = "  "


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default="reports")
@common_options
def runs(settings: Settings, folder: Path) -> None:
    """List the runs under DIR (./reports), oldest first; those that cannot be read say why."""
    from tuner.store import list_runs

    found = list_runs(folder)
    if settings.json:
        emit_json("tuner.runs/1", {"folder": str(folder.absolute()), "runs": found})
        return
    if not found:
        place = folder if folder.is_absolute() else f"./{folder}"
        click.echo(f"No runs under {printable(str(place))} yet: tuner run recipe.yaml")
        return
    click.echo("\n".join(aligned([COLUMNS, *map(row, found)])))
    for run in found:
        if run.problem:
            click.echo(f"! {printable(run.problem)}", err=True)


def row(run: "RunSummary") -> tuple[str, ...]:
    """The cells of one run, in the order of `COLUMNS`; what is not known is a dash."""
    return (
        printable(f"{run.name}/{Path(run.folder).name}"),
        run.status,
        started(run.created),
        duration(run.seconds) if run.created else "-",
        str(run.trials) if run.created else "-",
        accuracy(run.val_accuracy),
        accuracy(run.test_accuracy),
        printable(run.outcome.replace("_", " ")) or "-",
        printable(os.path.relpath(run.folder)),
    )


def aligned(rows: Sequence[Sequence[str]], numbers: Sequence[str] = NUMBERS) -> list[str]:
    """Rows of cells as lines, every column as wide as its widest cell; those headed by `numbers` flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    right = [name in numbers for name in rows[0]]
    return [
        GAP.join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(cells, widths, right, strict=True)
        ).rstrip()
        for cells in rows
    ]


def started(created: str) -> str:
    """A UTC time of the records as the clock on the wall showed it: 2026-11-21 14:03."""
    return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M") if created else "-"


def duration(seconds: float) -> str:
    """Seconds in the largest unit that says enough: 8 s, 41 min, 3 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def accuracy(value: float | None) -> str:
    """Three decimals, or a dash where nothing was measured."""
    return "-" if value is None else f"{value:.3f}"


def printable(text: str) -> str:
    """Text without the control characters that a folder's name could send to the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
