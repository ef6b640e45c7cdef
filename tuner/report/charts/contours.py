"""A surface seen from above: shaded steps between level lines, their values, and the place that matters.

Every step is one closed path of the same translucent color, laid over those below it: the shade grows step by step, on
light and dark paper alike.

Source: marching squares (Lorensen and Cline 1987, in two dimensions), saddles by the mean of their four corners.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tuner.report.blocks import Drawing
from tuner.report.charts.frame import Plot, Size, axes
from tuner.report.charts.scale import Axis, Scale, linear_ticks, log_ticks
from tuner.report.charts.svg import circle, clipped, element, joined, rectangle, tenth, text
from tuner.report.words import compact

Point = tuple[float, float]
Edge = tuple[str, int, int]

WIDE = Size(720, 440, 13, 5, 5)
NARROW = Size(340, 330, 13, 5, 5)  # and the legend below it
MOST_LEVELS = 8
STEEP = 30.0  # highest over lowest loss: from there on levels are powers, or a single step holds all that matters
DEEPEST = 1e-4  # of the highest: no level lies below
LINE = 20  # height of a line of the legend
OUTSIDE = -math.inf  # the value around the grid, so that every line closes

# Corners inside (1 lower left, 2 lower right, 4 upper right, 8 upper left) -> from which edge to which a line goes,
# with the inside on its left. Edges: 0 lower, 1 right, 2 upper, 3 left. 5 and 10 are saddles: see `_steps`.
LINES = {
    1: ((0, 3),), 2: ((1, 0),), 3: ((1, 3),), 4: ((2, 1),), 6: ((2, 0),), 7: ((2, 3),),
    8: ((3, 2),), 9: ((0, 2),), 11: ((1, 2),), 12: ((3, 1),), 13: ((0, 1),), 14: ((3, 0),),
}  # fmt: skip
SADDLES = {5: (((0, 3), (2, 1)), ((0, 1), (2, 3))), 10: (((1, 0), (3, 2)), ((3, 0), (1, 2)))}  # parted, joined


@dataclass(frozen=True)
class Surface:
    """Values over a square: `rows[j][i]` belongs to `along[i]` on the x axis and `along[j]` on the y axis."""

    along: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    x: str  # titles of the axes
    y: str
    unit: str  # of the values


def draw_both(surface: Surface) -> tuple[Drawing, Drawing]:
    """The wide drawing, with its legend at the right, and the narrow one, with its legend below."""
    return _draw(surface, WIDE, False), _draw(surface, NARROW, True)


def levels(values: Sequence[float]) -> tuple[float, ...]:
    """At most about `MOST_LEVELS` round values between the lowest and the highest finite one."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if high - low <= 1e-12 * max(abs(high), 1e-12):
        return ()
    if low > 0 and high / low > STEEP:
        found = log_ticks(max(low, DEEPEST * high), high, MOST_LEVELS)
    else:
        found = linear_ticks(low, high, MOST_LEVELS)
    return tuple(level for level in found if low < level < high)[:MOST_LEVELS]


def rings(surface: Surface, level: float) -> list[list[Point]]:
    """The closed lines around all that is at or above `level`; what is not finite counts as above."""
    padded = _padded(surface)
    along = (surface.along[0], *surface.along, surface.along[-1])
    following: dict[Edge, Edge] = {}
    for j in range(len(padded) - 1):
        for i in range(len(padded) - 1):
            edges = (("h", i, j), ("v", i + 1, j), ("h", i, j + 1), ("v", i, j))
            for start, end in _steps(padded, i, j, level):
                following[edges[start]] = edges[end]
    found = []
    while following:
        first = at = next(iter(following))
        ring = []
        while at in following:
            ring.append(_crossing(padded, along, at, level))
            at = following.pop(at)
        assert at == first, "a level line did not close"
        found.append(ring)
    return found


def _padded(surface: Surface) -> list[list[float]]:
    count = len(surface.along)
    inner = [[OUTSIDE, *(math.inf if math.isnan(v) else v for v in row), OUTSIDE] for row in surface.rows]
    return [[OUTSIDE] * (count + 2), *inner, [OUTSIDE] * (count + 2)]


def _steps(padded: list[list[float]], i: int, j: int, level: float) -> tuple[tuple[int, int], ...]:
    """The lines through one cell."""
    corners = padded[j][i], padded[j][i + 1], padded[j + 1][i + 1], padded[j + 1][i]
    inside = sum((value >= level) << place for place, value in enumerate(corners))
    if inside in SADDLES:
        finite = all(map(math.isfinite, corners))
        return SADDLES[inside][finite and sum(corners) / 4 >= level]
    return LINES.get(inside, ())


def _crossing(padded: list[list[float]], along: tuple[float, ...], edge: Edge, level: float) -> Point:
    """Where the level lies on an edge, by linear interpolation."""
    kind, i, j = edge
    here, there = padded[j][i], padded[j][i + 1] if kind == "h" else padded[j + 1][i]
    share = 0.5  # beside the grid both ends are at one place
    if math.isfinite(here) and math.isfinite(there):
        share = (level - here) / (there - here)
    elif math.inf in (here, there) and OUTSIDE not in (here, there):
        share = 1.0 if there == math.inf else 0.0
    if kind == "h":
        return along[i] + share * (along[i + 1] - along[i]), along[j]
    return along[i], along[j] + share * (along[j + 1] - along[j])


def _draw(surface: Surface, size: Size, legend_below: bool) -> Drawing:
    chosen = levels([value for row in surface.rows for value in row])
    entries = _entries(chosen, surface.unit)
    lines = -(-(len(entries) + 1) // 2)  # one more for the dot
    canvas = Size(size.width, size.height + (lines * LINE + 12 if legend_below else 0), *_rest(size))
    plot = _square(surface, size)
    shades = [_shade(plot, rings(surface, level)) for level in chosen]
    middle = (plot.x(0.0), plot.y(0.0))
    parts = [
        *axes(plot, size),
        clipped(plot.left, plot.top, plot.right - plot.left, plot.bottom - plot.top, *shades),
        *_labels(surface, plot, size, chosen),
        circle(*middle, 4.5, "dot s1"),
        *_legend(entries, plot, size, legend_below),
    ]
    return Drawing(canvas.width, canvas.height, joined(parts))


def _rest(size: Size) -> tuple[float, int, int]:
    return size.font, size.ticks_x, size.ticks_y


def _square(surface: Surface, size: Size) -> Plot:
    low, high = surface.along[0], surface.along[-1]
    x, y = Axis(surface.x, low, high), Axis(surface.y, low, high)
    left, top = 46.0, size.font * 1.25 + 11
    side = min(size.width - left - 14, size.height - top - size.font * 3.1)
    return Plot(left, top, left + side, top + side, Scale(x, left, left + side), Scale(y, top + side, top))


def _shade(plot: Plot, closed: list[list[Point]]) -> Markup:
    """All that is at or above one level."""
    data = "".join(
        "M" + "L".join(f"{tenth(plot.x(x))} {tenth(plot.y(y))}" for x, y in ring) + "Z" for ring in closed if ring
    )
    return element("path", {"class": "layer", "d": data, "fill-rule": "evenodd"}) if data else Markup("")


def _labels(surface: Surface, plot: Plot, size: Size, chosen: tuple[float, ...]) -> list[Markup]:
    """The levels' values, where each is first met on the way up from the center; where two would touch, the first."""
    middle = len(surface.along) // 2
    column = [row[middle] for row in surface.rows[middle:]]
    free_below, parts = plot.y(0.0) - size.font, []
    for level in chosen:
        step = next((n for n in range(1, len(column)) if column[n - 1] < level <= column[n]), None)
        if step is None:
            continue
        low, high = column[step - 1], column[step]
        share = (level - low) / (high - low) if math.isfinite(high) else 1.0
        way = surface.along[middle + step - 1 : middle + step + 1]
        at = plot.y(way[0] + share * (way[1] - way[0])) + size.font * 0.35
        if plot.top + size.font <= at <= free_below:
            parts.append(text(plot.x(0.0), at, compact(level), "row", "middle"))
            free_below = at - size.font * 1.3
    return parts


def _entries(chosen: tuple[float, ...], unit: str) -> list[tuple[int, str]]:
    """How many layers lie on each step, and which values it holds; the highest first."""
    if not chosen:
        return []
    between = [f"{compact(low)} to {compact(high)}" for low, high in itertools.pairwise(chosen)]
    names = [f"below {compact(chosen[0])} {unit}", *between, f"above {compact(chosen[-1])}"]
    return list(reversed(list(enumerate(names))))


def _legend(entries: list[tuple[int, str]], plot: Plot, size: Size, below: bool) -> list[Markup]:
    """A swatch and a range for each step."""
    parts, columns = [], 2 if below else 1
    for place, (layers, words) in enumerate([*entries, (-1, "the trained weights")]):
        x = plot.left + place % columns * (size.width - plot.left) / 2 if below else plot.right + 34
        y = size.height + 8 + place // columns * LINE if below else plot.top + 4 + place * (LINE + 4)
        if layers < 0:
            parts.append(circle(x + 8, y + 7, 4.5, "dot s1"))
        else:
            parts += [rectangle(x, y, 16, 14, "layer") for _ in range(layers)]
            parts.append(rectangle(x, y, 16, 14, "swatch"))
        parts.append(text(x + 24, y + size.font - 1, words, "tick"))
    return parts
