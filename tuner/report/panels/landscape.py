"""The loss around the trained weights, from above and along its two axes, and what it says: with care.

Source: Li et al. 2018, arXiv 1712.09913; that sharpness alone proves nothing: Dinh et al. 2017, arXiv 1703.04933.
"""

import math
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Facts, Figure, Table
from tuner.report.charts import contours, lines
from tuner.report.charts.frame import Mark
from tuner.report.charts.scale import Axis, spread
from tuner.report.panels.smoothness import figures as figures_of_the_way
from tuner.report.panels.smoothness import says as says_of_the_way
from tuner.report.view import View

__all__ = ["lost", "meaning", "panel", "rise", "says_of_the_way"]

PARTS = {"head": "the head", "trained": "the layers that trained", "all": "the whole network"}
RADIUS = 0.5  # filter lengths: where the rise is stated
FLAT, SHARP = 0.1, 0.5  # of what training gained over chance: what a step of RADIUS loses in a flat, in a sharp place
CARE = (
    "Lengths are in units of each filter, so that pictures of like networks can be compared; "
    "a flat place often, but not always, generalizes better."
)
NOTHING: tuple[float, ...] = ()


def panel(view: View) -> Iterator[Block]:
    """A picture for each part that was moved, then the way down."""
    for part in PARTS:
        found = view.json(f"landscape-{part}.json")
        along, rows = _grid(found)
        if along:
            yield from _pictures(found, along, rows)
    yield from figures_of_the_way(view.json("smoothness.json"))


def _grid(found: Any) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Coordinates and rows of a landscape that is whole; empty ones otherwise."""
    along = read.numbers(found, "coordinates")
    rows = tuple(read.numbers({"row": row}, "row") for row in read.values(found, "rows"))
    whole = len(along) > 2 and len(rows) == len(along) and all(len(row) == len(along) for row in rows)
    if not whole or len(read.finite(along)) < len(along) or list(along) != sorted(set(along)):
        return NOTHING, ()
    middle = len(along) // 2
    return (along, rows) if math.isfinite(rows[middle][middle]) else (NOTHING, ())


def rise(along: tuple[float, ...], rows: tuple[tuple[float, ...], ...], radius: float = RADIUS) -> float:
    """By how much the loss rises, in nats, at `radius` along both axes, both ways: the mean of four places."""
    middle = len(along) // 2
    column = tuple(row[middle] for row in rows)
    places = [_at(along, values, sign * radius) for values in (rows[middle], column) for sign in (-1, 1)]
    return fmean(places) - rows[middle][middle]


def _at(along: tuple[float, ...], values: tuple[float, ...], place: float) -> float:
    """The value at a place between two coordinates, by linear interpolation."""
    right = next((n for n in range(1, len(along)) if along[n] >= place), len(along) - 1)
    share = (place - along[right - 1]) / (along[right] - along[right - 1])
    return (1 - share) * values[right - 1] + share * values[right]


def lost(found: Mapping[str, Any]) -> float:
    """The rise at `RADIUS` over what training gained (loss of knowing nothing less the loss at the center)."""
    along, rows = _grid(found)
    if not along:
        return math.nan
    gained = read.number(found, "chance") - rows[len(along) // 2][len(along) // 2]
    return rise(along, rows) / gained if gained > 0 else math.nan


def meaning(found: Mapping[str, Any]) -> str:
    """What a landscape says, in two or three sentences."""
    along, rows = _grid(found)
    if not along:
        return "The landscape is not whole yet."
    center, share = rows[len(along) // 2][len(along) // 2], lost(found)
    part = PARTS.get(read.text(read.mapping(found, "asked"), "part"), "the weights")
    moved = (
        f"Moving {part} by half a filter's length in a random direction raises the training loss "
        f"from {words.loss(center)} to {words.loss(center + rise(along, rows))} nats"
    )
    if not math.isfinite(share):
        return f"{moved}. {CARE}"
    word = "a flat place" if share < FLAT else "a sharp place" if share > SHARP else "neither flat nor sharp"
    return f"{moved}: {max(share, 0.0):.0%} of what training gained over chance is lost, {word}. {CARE}"


def _pictures(found: Any, along: tuple[float, ...], rows: tuple[tuple[float, ...], ...]) -> Iterator[Block]:
    asked = read.mapping(found, "asked")
    part = PARTS.get(read.text(asked, "part"), "the weights")
    yield _above(along, rows, part, meaning(found))
    yield _axes(along, rows, read.number(found, "chance"))
    yield Facts(tuple(_facts(found, asked)))


def _above(along: tuple[float, ...], rows: tuple[tuple[float, ...], ...], part: str, message: str) -> Figure:
    titles = "first direction, filter lengths", "second direction"
    wide, narrow = contours.draw_both(contours.Surface(along, rows, *titles, "nats"))
    values = read.finite(tuple(value for row in rows for value in row))
    corners = [rows[j][i] for j in (0, -1) for i in (0, -1)]
    center = rows[len(along) // 2][len(along) // 2]
    description = (
        f"Training loss over {len(along)} by {len(along)} places. Center, the trained weights: {words.loss(center)} "
        f"nats. Lowest {words.loss(min(values))}, highest {words.loss(max(values))}. "
        f"Corners: {', '.join(map(words.loss, corners))}."
    )
    return Figure(f"Around {part}, from above", message, description, wide, narrow, _table(along, rows))


def _table(along: tuple[float, ...], rows: tuple[tuple[float, ...], ...]) -> Table:
    middle = len(along) // 2
    shown = tuple(
        (f"{place:.2g}", words.loss(rows[middle][n]), words.loss(rows[n][middle])) for n, place in enumerate(along)
    )
    return Table("Training loss along each axis", ("Filter lengths", "First direction", "Second"), shown, "rrr")


def _axes(along: tuple[float, ...], rows: tuple[tuple[float, ...], ...], chance: float) -> Figure:
    middle = len(along) // 2
    series = (
        lines.Series("first", along, rows[middle], 0),
        lines.Series("second", along, tuple(row[middle] for row in rows), 1),
    )
    y = spread([v for one in series for v in one.y], "training loss, nats", include=[0.0])
    marks = (Mark(chance, "chance", "y"),) if y.low < chance < y.high else ()
    x = Axis("filter lengths from the trained weights", along[0], along[-1])
    wide, narrow = lines.draw_both(lines.LineChart(series, x, y, marks=marks, stops=along))
    message = "Where a curve stays low, it does not matter what exactly the weights are."
    description = f"Loss along both directions; {words.loss(rise(along, rows))} nats higher at {RADIUS} on average."
    return Figure("The same along its two axes", message, description, wide, narrow, _table(along, rows))


def _facts(found: Any, asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    along, rows = _grid(found)
    yield f"Rise at {RADIUS} filter lengths", f"{words.loss(rise(along, rows))} nats"
    share = lost(found)
    if math.isfinite(share):
        yield "Of what training gained", f"{share:.0%}"
    number, images, seed = (read.whole(asked, key) for key in ("trial", "images", "seed"))
    yield "Trial", words.MISSING if number is None else str(number)
    yield "Training images", words.MISSING if images is None else words.count(images)
    kernels, weights = read.whole(found, "kernels"), read.whole(found, "weights")
    if kernels is not None and weights is not None:
        yield "What moved", f"{words.plural(kernels, 'kernel')}, {words.count(weights)} weights"
    yield "Seed of the directions", words.MISSING if seed is None else str(seed)
    yield "Time", words.duration(read.number(found, "seconds"))
