"""Step 5 as pictures: training against validation of the leading trials, each with the name of its shape."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.records import Finding, Trial
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Multiples, Table
from tuner.report.panels.curves import last_cells, loss_axis, small_losses
from tuner.report.view import View

MOST_CHARTS = 6
MOST_ROWS = 30  # of readings; all are in report.json
HEAD = ("Trial", "Train loss", "Val. loss", "Train accuracy", "Val. accuracy")


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Small charts of the first trials, and every reading as a table."""
    readings = read.items(finding.evidence, "readings")
    pairs = [(reading, view.whole(trial)) for reading in readings if (trial := view.trial(reading, "trial"))]
    drawn = [(reading, trial) for reading, trial in pairs if trial.curves.loss or trial.curves.val_loss][:MOST_CHARTS]
    if drawn:
        yield _charts(drawn)
    if readings:
        rows = tuple(_row(reading) for reading in readings[:MOST_ROWS])
        more = len(readings) - len(rows)
        note = f"{words.plural(more, 'more reading')} in report.json." if more > 0 else ""
        head = ("Trial", "Shape", "Reading", "Since epoch")
        yield Table("What each trial's curves say", head, rows, "rllr", note=note)


def symptom(reading: Mapping[str, Any]) -> str:
    """The symptom's name as words: `rate_too_low` is "rate too low"."""
    return words.name(read.text(reading, "symptom")).replace("_", " ")


def _charts(drawn: list[tuple[Mapping[str, Any], Trial]]) -> Multiples:
    y = loss_axis([trial.curves for _, trial in drawn])
    cells = tuple(
        (
            f"Trial {trial.number}",
            symptom(reading),
            small_losses(trial, y, read.whole(reading, "onset"), read.text(reading, "outcome")),
        )
        for reading, trial in drawn
    )
    rows = tuple((str(trial.number), *last_cells(trial)) for _, trial in drawn)
    description = "; ".join(f"trial {trial.number}: {symptom(reading)}" for reading, trial in drawn)
    message = "Same axes everywhere. A gap that opens is overfitting; two high lines side by side are underfitting."
    table = Table("Values at the last epoch", HEAD, rows, "rrrrr")
    return Multiples("Training and validation loss of the leading trials", message, f"{description}.", cells, table)


def _row(reading: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    onset, number = read.whole(reading, "onset"), read.whole(reading, "trial")
    return (
        words.MISSING if number is None else str(number), Cell(symptom(reading), outcome=read.text(reading, "outcome")),
        words.clean(read.text(reading, "sentence"), 300), words.MISSING if onset is None else str(onset),
    )  # fmt: skip
