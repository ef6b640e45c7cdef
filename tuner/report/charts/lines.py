"""Curves over epochs, iterations or a rate: a few in color with labels at their ends, the rest in gray."""

import math
from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from tuner.report.blocks import Drawing
from tuner.report.charts.frame import (
    BOTH,
    Band,
    Mark,
    Plot,
    Size,
    apart,
    axes,
    bands,
    lay_out,
    mark_rows,
    upright_marks,
)
from tuner.report.charts.scale import Axis
from tuner.report.charts.svg import circle, clipped, joined, line, path, text, text_width, tiles

Point = tuple[float, float]

LONE = 16  # units of width that a crowd has which stands over one x only
TILE = 6  # units: the side of a tile of a heap
SHADES = 4  # of a heap; classes of the style sheet


@dataclass(frozen=True)
class Series:
    """One curve; a non-finite y interrupts it. `style` counts from 0 and sets color and dash together."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    style: int = 0
    dots: bool = False  # a dot at each point
    diverged: bool = False  # a cross where it left the finite numbers

    @property
    def runs(self) -> list[list[Point]]:
        """The unbroken stretches of finite points."""
        stretches: list[list[Point]] = [[]]
        for x, y in zip(self.x, self.y, strict=False):
            if math.isfinite(x) and math.isfinite(y):
                stretches[-1].append((x, y))
            elif stretches[-1]:
                stretches.append([])
        return [stretch for stretch in stretches if stretch]


@dataclass(frozen=True)
class Crowd:
    """Between which values a share of many curves lies, from one x to the next."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class LineChart:
    """What to draw; series without a finite point are left out."""

    series: tuple[Series, ...]
    x: Axis
    y: Axis
    muted: tuple[Series, ...] = ()
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()
    stops: tuple[float, ...] = ()  # x of each row of the table twin
    crowds: tuple[Crowd, ...] = ()  # the widest first
    heap: tuple[Point, ...] = ()  # points that are too many for a dot each: tiles, darker where there are more


def draw_both(chart: LineChart) -> tuple[Drawing, Drawing]:
    """The wide and the narrow drawing of a chart."""
    wide, narrow = (draw(chart, size) for size in BOTH)
    return wide, narrow


def draw(chart: LineChart, size: Size) -> Drawing:
    """The chart on a canvas of the given size."""
    shown = [series for series in chart.series if series.runs]
    upright = mark_rows(tuple(mark for mark in chart.marks if mark.along == "x"), chart.x, size)
    level = [mark for mark in chart.marks if mark.along == "y"]
    labels = [series.label for series in shown] + [mark.label for mark in level]
    room = max([text_width(label, size.font) + 14 for label in labels if label] or [0.0])
    plot = lay_out(size, chart.x, chart.y, room, max([row + 1 for _, row in upright] or [0]))
    data = [
        *(_crowd(plot, crowd) for crowd in chart.crowds),
        *_heap(plot, chart.heap),
        *_muted(plot, chart.muted),
        *(line(plot.left, plot.y(m.value), plot.right, plot.y(m.value), m.style) for m in level),
    ]
    data += [part for series in shown for part in _curve(plot, series)]
    width, height = plot.right - plot.left, plot.bottom - plot.top
    parts = [
        *bands(plot, chart.bands),
        *axes(plot, size),
        *upright_marks(plot, size, upright),
        clipped(plot.left - 5, plot.top - 5, width + 10, height + 10, *data),
        *_end_labels(plot, size, shown, level),
    ]
    return Drawing(size.width, size.height, joined(parts), tuple(plot.x(stop) for stop in chart.stops))


def _muted(plot: Plot, curves: tuple[Series, ...]) -> list[Markup]:
    runs = [[(plot.x(x), plot.y(y)) for x, y in run] for series in curves for run in series.runs]
    dots = [circle(*run[0], 2.5, "muted-dot") for run in runs if len(run) == 1]
    return [path(runs, "muted"), *dots]


def _crowd(plot: Plot, crowd: Crowd) -> Markup:
    """A shaded area; over a single x it still gets some width."""
    x = [plot.x(at) for at in crowd.x]
    x = x if len(x) > 1 else [x[0] - LONE / 2, x[0] + LONE / 2]
    low, high = (
        [plot.y(value) for value in (values if len(values) > 1 else values * 2)] for values in (crowd.low, crowd.high)
    )
    return path([[*zip(x, high, strict=True), *reversed([*zip(x, low, strict=True)])]], "crowd")


def _heap(plot: Plot, points: tuple[Point, ...]) -> list[Markup]:
    """Square tiles, one path a shade; the shade follows the logarithm of how many points lie in a tile."""
    counts = Counter((plot.x(x) // TILE, plot.y(y) // TILE) for x, y in points)
    most = math.log1p(max(counts.values(), default=1))
    shades: dict[int, list[tuple[float, float]]] = {}
    for tile, count in sorted(counts.items()):
        shades.setdefault(math.ceil(SHADES * math.log1p(count) / most), []).append(tile)
    return [
        tiles([(x * TILE, y * TILE) for x, y in at], TILE, f"heap h{shade}") for shade, at in sorted(shades.items())
    ]


def _curve(plot: Plot, series: Series) -> list[Markup]:
    runs = [[(plot.x(x), plot.y(y)) for x, y in run] for run in series.runs]
    parts = [path(runs, f"line s{series.style}")]
    alone = [run[0] for run in runs if len(run) == 1]
    dots = [point for run in runs for point in run] if series.dots else alone
    parts += [circle(x, y, 3.5, f"dot s{series.style}") for x, y in dots]
    if series.diverged:
        x, y = runs[-1][-1]
        y = max(y, plot.top + 4)
        cross = [[(x - 4, y - 4), (x + 4, y + 4)], [(x - 4, y + 4), (x + 4, y - 4)]]
        parts.append(path(cross, f"cross s{series.style}"))
    return parts


def _end_labels(plot: Plot, size: Size, shown: list[Series], level: list[Mark]) -> list[Markup]:
    """Labels right of the plot, moved apart, each tied to its line's end by a hair where it had to move."""
    ends: list[tuple[float, float, str, str]] = []
    for series in shown:
        x, y = series.runs[-1][-1]
        if series.label:
            ends.append((plot.x(x), plot.y(y), series.label, f"label s{series.style}"))
    ends += [(plot.right, plot.y(mark.value), mark.label, f"{mark.style}-label") for mark in level]
    wanted = [min(max(y, plot.top), plot.bottom) for _, y, _, _ in ends]
    placed = apart(wanted, size.font * 1.2, plot.top, plot.bottom)
    parts = []
    for (x, _, label, style), meant, at in zip(ends, wanted, placed, strict=True):
        if abs(at - meant) > 3 or plot.right - x > 6:
            parts.append(line(min(x + 5, plot.right), meant, plot.right + 8, at, "leader"))
        parts.append(text(plot.right + 11, at + size.font * 0.35, label, style))
    return parts
