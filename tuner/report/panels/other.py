"""What of a step that this report does not know, such as one of a later version? Its evidence, as it stands."""

from collections.abc import Iterator

from tuner.records import Finding
from tuner.report import words
from tuner.report.blocks import Block, Cell, Table
from tuner.report.view import View

MOST_ROWS = 60


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Keys and values as a table."""
    rows = tuple(
        (Cell(words.name(key), code=True), words.clean(words.setting(value), 300))
        for key, value in list(finding.evidence.items())[:MOST_ROWS]
    )
    if rows:
        yield Table("Evidence", ("Key", "Value"), rows, "ll")
