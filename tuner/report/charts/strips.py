"""Values on one shared axis, a row each: dots, ranges and before-and-after pairs."""

import math
from dataclasses import dataclass, replace

from markupsafe import Markup

from tuner.report.blocks import Drawing
from tuner.report.charts.frame import BOTH, Band, Mark, Plot, Size, bands, base, mark_rows, upright_marks
from tuner.report.charts.scale import Axis, Scale
from tuner.report.charts.svg import circle, joined, line, path, text, text_width
from tuner.report.words import clean

ROW = 34  # height of a row on a wide canvas
STACKED_ROW = 46  # and where the row's name stands above it


@dataclass(frozen=True)
class Dot:
    """One value; `hollow` for the one before, filled for the one after."""

    value: float
    style: int = 0
    hollow: bool = False


@dataclass(frozen=True)
class Row:
    """One row: its name, its dots, and a note at the right; `linked` ties first and last dot."""

    label: str
    dots: tuple[Dot, ...]
    note: str = ""
    linked: bool = False


@dataclass(frozen=True)
class Strips:
    """Rows over one axis."""

    rows: tuple[Row, ...]
    x: Axis
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()


def draw_both(chart: Strips) -> tuple[Drawing, Drawing]:
    """The wide and the narrow drawing of a chart."""
    wide, narrow = (draw(chart, size) for size in BOTH)
    return wide, narrow


def draw(chart: Strips, size: Size) -> Drawing:
    """The rows on a canvas of the given width; its height follows from their number."""
    stacked = size.width < 500  # no room for names left of the rows
    upright = mark_rows(chart.marks, chart.x, size)
    row_height = STACKED_ROW if stacked else ROW
    left = 14.0 if stacked else 18 + max([_label_width(row, size) for row in chart.rows] or [0.0])
    notes = max([text_width(row.note, size.font) for row in chart.rows] or [0.0])
    right = size.width - (14.0 if stacked or not notes else notes + 22)
    top = 10 + max([row + 1 for _, row in upright] or [0]) * (size.font + 4) + (3 if upright else 0)
    bottom = top + row_height * len(chart.rows) + 6
    canvas = replace(size, height=bottom + size.font * 3.1)
    plot = Plot(left, top, right, bottom, Scale(chart.x, left, right), Scale(Axis("", 0, 1), bottom, top))
    parts = [*bands(plot, chart.bands), *_grid(plot, canvas), *upright_marks(plot, canvas, upright)]
    for index, row in enumerate(chart.rows):
        parts += _row(plot, canvas, row, top + row_height * index, stacked)
    return Drawing(canvas.width, canvas.height, joined(parts))


def _label_width(row: Row, size: Size) -> float:
    return text_width(clean(row.label, 30), size.font)


def _grid(plot: Plot, size: Size) -> list[Markup]:
    ticks = [plot.x(tick) for tick in plot.x.ticks(size.ticks_x)]
    parts = [path([[(x, plot.top), (x, plot.bottom)] for x in ticks], "grid"), *base(plot, size)]
    parts.append(text((plot.left + plot.right) / 2, size.height - 4, plot.x.axis.title, "axis", "middle"))
    return parts


def _row(plot: Plot, size: Size, row: Row, top: float, stacked: bool) -> list[Markup]:
    middle = top + (STACKED_ROW - 14 if stacked else ROW / 2)
    label = clean(row.label, 30)
    baseline = top + size.font + 1 if stacked else middle + size.font * 0.35
    parts = [
        text(plot.left, baseline, label, "row") if stacked else text(plot.left - 12, baseline, label, "row", "end")
    ]
    if row.note:
        at = (plot.right, baseline, "end") if stacked else (plot.right + 14, baseline, "start")
        parts.append(text(at[0], at[1], row.note, "tick", at[2]))
    known = [dot for dot in row.dots if math.isfinite(dot.value)]
    if row.linked and len(known) > 1:
        first, last = plot.x(known[0].value), plot.x(known[-1].value)
        parts.append(line(first, middle, last, middle, f"link s{known[-1].style}"))
    for dot, (x, y) in zip(known, _dodged([plot.x(dot.value) for dot in known], middle), strict=True):
        parts.append(circle(x, y, 4.5, f"{'ring' if dot.hollow else 'dot'} s{dot.style}"))
    return parts


def _dodged(pixels: list[float], middle: float) -> list[tuple[float, float]]:
    """Dots that would cover one another are moved up and down by turns."""
    seen: list[tuple[float, float]] = []
    for x in pixels:
        near = sum(abs(x - other) < 6 for other, _ in seen)
        offset = (near + 1) // 2 * (5 if near % 2 else -5)
        seen.append((x, middle + max(-10, min(10, offset))))
    return seen
