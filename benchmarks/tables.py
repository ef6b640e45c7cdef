"""How are figures written down? Markdown tables with ratios, the marked region of a file, and a line a goal. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

BEGIN, END = "<!-- {name}: begin -->", "<!-- {name}: end -->"
NOT_AVAILABLE = "n/a"


@dataclass(frozen=True)
class Row:
    """One contender in one regime. Seconds for all trials; None where it did not run."""

    title: str
    trials: int
    median: float | None
    least: float | None
    ratio: float | None  # times the reference's median
    accuracy: float | None  # of its best rate, trained again, mean over seeds
    note: str


@dataclass(frozen=True)
class Line:
    """One goal and how it came out."""

    id: str
    what: str
    figure: float | None  # None: it could not be measured
    goal: float
    bound: float  # what has to hold here: the goal, or less of it where only half is asked
    at_least: bool
    unit: str
    note: str = ""

    @property
    def ok(self) -> bool:
        """Measured, and on the right side of the bound."""
        if self.figure is None or self.figure != self.figure:
            return False
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    head = "| | trials | seconds, median | least | times `tuner` | accuracy | |\n|---|---:|---:|---:|---:|---:|---|"
    return "\n".join([head, *(markdown(row) for row in rows)])


def markdown(row: Row) -> str:
    """One row."""
    cells = (
        row.title,
        str(row.trials),
        cell(row.median, 1),
        cell(row.least, 1),
        NOT_AVAILABLE if row.ratio is None else times(row.ratio),
        cell(row.accuracy, 3),
        row.note,
    )
    return f"| {' | '.join(cells)} |"


def cell(value: float | None, digits: int) -> str:
    """A number, or n/a."""
    return NOT_AVAILABLE if value is None else f"{value:,.{digits}f}"


def times(ratio: float) -> str:
    """`312x`; below ten with a decimal."""
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2f}x"


def quantity(value: float | None, unit: str) -> str:
    """A figure with its unit: `312x`, `1.4 %`, `0.8 s`; three significant digits."""
    if value is None:
        return NOT_AVAILABLE
    if unit == "x":
        return times(value)
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def goal_lines(lines: Sequence[Line]) -> str:
    """`G1  64 trials  312x  goal 300x  ok`, in columns; `short` where the bound does not hold."""
    cells = [
        (
            line.id,
            line.what,
            quantity(line.figure, line.unit),
            f"goal {'' if line.at_least else '<= '}{quantity(line.goal, line.unit)}",
            verdict(line),
        )
        for line in lines
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(4)] if cells else []
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]) for row in cells
    )


def verdict(line: Line) -> str:
    """ok, ok for half of the goal, short, or why there is no figure."""
    if line.figure is None:
        return line.note or "not measured"
    word = "ok" if line.ok else "short"
    if line.ok and not Line(**{**vars(line), "bound": line.goal}).ok:
        word = f"ok (half of the goal is asked here: {quantity(line.bound, line.unit)})"
    return f"{word}  {line.note}".rstrip()


def put(text: str, name: str, body: str) -> str:
    """`text` with the region `name` replaced. Raises `ValueError` if it is not marked, or more than once."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"one region between {begin} and {end} is needed")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{body.strip()}\n{end}{after}"
