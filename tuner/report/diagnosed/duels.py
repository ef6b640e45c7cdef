"""Duels as pictures: what did each remedy change, and was it more than noise?"""

import math
from collections.abc import Iterator

from tuner.inspection import Duel, Inspection, Side
from tuner.report import meanings, remedies, words
from tuner.report.blocks import Block, Cell, Figure, Table
from tuner.report.charts import strips
from tuner.report.charts.frame import Band
from tuner.report.charts.scale import spread

AS_IT_WAS = "as it was"


def part(inspection: Inspection) -> Iterator[Block]:
    """A picture and a table for each duel."""
    for duel in inspection.duels:
        yield from blocks(duel)


def blocks(duel: Duel) -> Iterator[Block]:
    """One duel: before and after of each side, then what each side was."""
    if any(math.isfinite(side.after) for side in duel.sides):
        yield figure(duel)
    yield _table(duel)


def figure(duel: Duel) -> Figure:
    """A row a side, hollow before and filled after; the range that noise alone explains is shaded."""
    rows = tuple(
        strips.Row(
            label(side),
            (strips.Dot(side.before, _style(duel, index), hollow=True), strips.Dot(side.after, _style(duel, index))),
            "diverged" if side.diverged else _number(duel, side.after),
            linked=True,
        )
        for index, side in enumerate(duel.sides)
    )
    values = [value for side in duel.sides for value in (side.before, side.after)]
    unchanged = duel.sides[0].after
    band: tuple[Band, ...] = ()
    if math.isfinite(unchanged) and duel.noise > 0:
        band = (Band(unchanged - duel.noise, unchanged + duel.noise, along="x"),)
    axis = spread(values, metric(duel), include=[v for one in band for v in (one.low, one.high)])
    wide, narrow = strips.draw_both(strips.Strips(rows, axis, bands=band))
    shaded = " Shaded: what noise alone explains." if band else ""
    message = f"{words.clean(duel.sentence)} Hollow: before. Filled: after.{shaded}"
    cells = tuple((row.label, *(_number(duel, dot.value) for dot in row.dots)) for row in rows)
    table = Table(f"Before and after, {metric(duel)}", ("Side", "Before", "After"), cells, "lrr")
    text = "; ".join(f"{name} from {before} to {after}" for name, before, after in cells)
    title = f"Remedies against: {meanings.of(duel.verdict).short}"
    return Figure(title, message, f"{text}.", wide, narrow, table)


def label(side: Side) -> str:
    """What a side changed, short: the first change, and how many more."""
    if not side.changes:
        return AS_IT_WAS
    first, more = side.changes[0], len(side.changes) - 1
    shown = f"{first.path.rsplit('.', 1)[-1]} {remedies.value(first)}".strip()
    return words.clean(shown, 26) + (f" +{more}" if more else "")


def metric(duel: Duel) -> str:
    """The metric in words."""
    said = words.name(duel.metric).replace("_", " ")
    return said.replace("val ", "validation ") if said.startswith("val ") else f"training {said}"


def _table(duel: Duel) -> Table:
    rows = tuple(_row(duel, index, side) for index, side in enumerate(duel.sides))
    noise = f"Noise of {metric(duel)}: ± {words.compact(duel.noise)}." if math.isfinite(duel.noise) else ""
    note = noise + ("" if duel.taken is not None else " No remedy beat it." if noise else "No remedy was better.")
    head = ("Remedy", "Before", "After", "Epochs", "Time")
    return Table(f"The sides, {metric(duel)}", head, rows, "lrrrr", note=note.strip())


def _row(duel: Duel, index: int, side: Side) -> tuple[str | Cell, ...]:
    changes = [f"{words.name(c.path)} = {remedies.value(c) or words.setting(c.value)}" for c in side.changes]
    taken = " (taken)" if index == duel.taken else ""
    shown = [AS_IT_WAS, *changes[1:]] if not changes else [f"{changes[0]}{taken}", *changes[1:5]]
    outcome = "pass" if taken else ""
    first = Cell(shown[0], code=bool(changes), lines=tuple(shown[1:]), outcome=outcome)
    after = "diverged" if side.diverged else _number(duel, side.after)
    time = words.duration(side.seconds) if side.seconds > 0 else ""
    return first, _number(duel, side.before), after, words.count(side.epochs), time


def _style(duel: Duel, index: int) -> int:
    return 0 if index == duel.taken else 5


def _number(duel: Duel, value: float) -> str:
    return words.accuracy(value) if duel.metric.endswith("accuracy") else words.loss(value)
