"""What surrounds the data of a chart: its size, axes, ticks, reference marks and labels that do not overlap."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from tuner.report.charts.scale import Axis, Scale
from tuner.report.charts.svg import line, path, rectangle, text, text_width


@dataclass(frozen=True)
class Size:
    """A canvas in user units, shown at about one unit a CSS pixel; `font` is the size of its text."""

    width: float
    height: float
    font: float
    ticks_x: int  # at most about so many
    ticks_y: int


WIDE = Size(720, 300, 13, 9, 5)
NARROW = Size(340, 250, 13, 4, 5)
SMALL = Size(236, 168, 12, 3, 4)  # one of several small charts
BOTH = (WIDE, NARROW)


@dataclass(frozen=True)
class Mark:
    """A reference value: a dashed line across the plot, with a word."""

    value: float
    label: str
    along: str = "x"  # the axis on which `value` stands
    style: str = "mark"


@dataclass(frozen=True)
class Band:
    """A range of values on an axis, shaded."""

    low: float
    high: float
    along: str = "y"


@dataclass(frozen=True)
class Plot:
    """The box in which data are drawn, and the two scales that fill it."""

    left: float
    top: float
    right: float
    bottom: float
    x: Scale
    y: Scale


def lay_out(size: Size, x: Axis, y: Axis, label_room: float, mark_rows: int) -> Plot:
    """Room for the ticks' numbers on the left, the titles above and below, and the lines' labels on the right."""
    ticks = Scale(y, 0.0, 1.0).ticks(size.ticks_y)
    left = 12 + max([text_width(y.write(tick), size.font) for tick in ticks] or [20.0])
    top = size.font * 1.25 + 11 + mark_rows * (size.font + 4) + (3 if mark_rows else 0)
    bottom = size.height - size.font * 2.2 - (size.font * 0.9 if x.title else 0)
    right = size.width - max(label_room + 8, 14)
    return Plot(left, top, right, bottom, Scale(x, left, right), Scale(y, bottom, top))


def axes(plot: Plot, size: Size) -> list[Markup]:
    """Grid lines at the y ticks, numbers on both axes, and the axes' titles."""
    ticks = [(plot.y(tick), plot.y.axis.write(tick)) for tick in plot.y.ticks(size.ticks_y)]
    parts = [
        text(0, size.font, plot.y.axis.title, "axis"),
        path([[(plot.left, y), (plot.right, y)] for y, _ in ticks], "grid"),
    ]
    parts += [text(plot.left - 8, y + size.font * 0.35, words, "tick", "end") for y, words in ticks]
    parts += base(plot, size)
    if plot.x.axis.title:
        middle = (plot.left + plot.right) / 2
        parts.append(text(middle, size.height - 4, plot.x.axis.title, "axis", "middle"))
    return parts


def base(plot: Plot, size: Size) -> list[Markup]:
    """The line under the plot with its ticks; a number that would touch the one before is left out."""
    strokes = [[(plot.left, plot.bottom), (plot.right, plot.bottom)]]
    parts: list[Markup] = []
    free_from = -math.inf
    for tick in plot.x.ticks(size.ticks_x):
        at, words = plot.x(tick), plot.x.axis.write(tick)
        half = text_width(words, size.font) / 2
        strokes.append([(at, plot.bottom), (at, plot.bottom + 4)])
        if at - half > free_from:
            parts.append(text(at, plot.bottom + size.font + 6, words, "tick", "middle"))
            free_from = at + half + 6
    return [path(strokes, "base"), *parts]


def bands(plot: Plot, shaded: tuple[Band, ...]) -> list[Markup]:
    """Shaded ranges, across the whole plot."""
    parts = []
    for band in shaded:
        if band.along == "y":
            high, low = plot.y(band.high), plot.y(band.low)
            parts.append(rectangle(plot.left, high, plot.right - plot.left, low - high, "band"))
        else:
            low, high = plot.x(band.low), plot.x(band.high)
            parts.append(rectangle(low, plot.top, high - low, plot.bottom - plot.top, "band"))
    return parts


def upright_marks(plot: Plot, size: Size, rows: list[tuple[Mark, int]]) -> list[Markup]:
    """Vertical reference lines, each labelled in its row above the plot."""
    lines, labels = [], []
    for mark, row in rows:
        at = plot.x(mark.value)
        baseline = plot.top - 9 - row * (size.font + 4)  # clear of the number at the upper end of the axis
        half = text_width(mark.label, size.font) / 2
        middle = min(max(at, half), size.width - half)
        lines.append(line(at, baseline + 3, at, plot.bottom, mark.style))
        labels.append(text(middle, baseline, mark.label, f"{mark.style}-label", "middle"))
    return [*lines, *labels]  # so that no line runs over a label


def mark_rows(marks: tuple[Mark, ...], x: Axis, size: Size) -> list[tuple[Mark, int]]:
    """Each vertical mark with the lowest row in which its label touches no other; row 0 is next to the plot.

    The pixel of a mark is taken from a plot of about the final width: good enough to keep labels apart.
    """
    scale = Scale(x, 48, size.width - 30)
    taken: list[float] = []  # right end of the last label in each row
    rows = []
    for mark in sorted(marks, key=lambda mark: mark.value):
        half = text_width(mark.label, size.font) / 2 + 5
        at = min(max(scale(mark.value), half), size.width - half)
        row = next((row for row, end in enumerate(taken) if at - half > end), len(taken))
        taken[row : row + 1] = [at + half]
        rows.append((mark, row))
    return rows


def apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the `wanted` ones, at least `gap` apart and inside [low, high] where that is possible.

    Each cluster of labels that would touch is centered on the mean of what its members want.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    clusters: list[list[int]] = []
    starts: list[float] = []
    for index in order:
        clusters.append([index])
        starts.append(min(max(wanted[index], low), high))
        while len(clusters) > 1 and starts[-2] + gap * len(clusters[-2]) > starts[-1]:
            merged = clusters[-2] + clusters[-1]
            middle = sum(wanted[i] for i in merged) / len(merged) - gap * (len(merged) - 1) / 2
            start = max(min(middle, high - gap * (len(merged) - 1)), low)
            clusters[-2:], starts[-2:] = [merged], [start]
    placed = [0.0] * len(wanted)
    for start, cluster in zip(starts, clusters, strict=True):
        for rank, index in enumerate(cluster):
            placed[index] = start + rank * gap
    return placed
