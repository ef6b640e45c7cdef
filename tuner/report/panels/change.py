"""Step 6 as pictures: the duels of remedies, before and after each change that was taken on, and the longer runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.inspection import Duel, Side
from tuner.records import Change, Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Figure, Fold, Table
from tuner.report.charts import strips
from tuner.report.charts.scale import spread
from tuner.report.diagnosed.duels import blocks as duel_blocks
from tuner.report.panels import folds
from tuner.report.panels.curves import trials_figure
from tuner.report.panels.schedule import rates_figure
from tuner.report.view import View

MOST_CANDIDATES, MOST_DUELS = 10, 4


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Who won each duel, a before-and-after row for each candidate, the candidates as a table, and their curves."""
    for one in read.items(finding.evidence, "duels")[:MOST_DUELS]:
        duel = _duel(one)
        if duel.sides:
            yield from duel_blocks(duel)
    candidates = read.items(finding.evidence, "candidates")[:MOST_CANDIDATES]
    taken = read.whole(finding.evidence, "taken")
    noise = read.number(finding.evidence, "noise")
    if any(read.number(one, "after") == read.number(one, "after") for one in candidates):
        yield _figure(candidates, taken, noise)
    yield from folds.blocks(finding.evidence, taken)
    if candidates:
        rows = tuple(_row(one, taken) for one in candidates)
        yield Table("What was tried", ("Trial", "From trial", "Change", "Before", "After", "Gain"), rows, "rrlrrr")
    trials = [trial for one in candidates if (trial := view.trial(one, "trial"))]
    figure = trials_figure(
        "Validation accuracy of the longer runs", "Each goes on from the trial it changes.", trials, []
    )
    if figure:
        yield Fold("The longer runs, epoch by epoch", (figure,))
    first = [trial for trial in trials if trial.number == taken] or trials
    rates = rates_figure(view, next(iter(first), None), [trial for trial in trials if trial not in first[:1]])
    if rates:
        yield rates
    if noise > 0:
        yield Facts((("Noise of one measurement", f"± {noise:.3f}; a smaller gain may be chance"),))


def _duel(one: Mapping[str, Any]) -> Duel:
    """A duel as it was recorded; what is missing stays empty."""
    sides = tuple(
        Side(
            tuple(
                Change(read.text(c, "path"), read.value(c, "value"), read.text(c, "because"), read.value(c, "before"))
                for c in read.items(side, "changes")
            ),
            read.number(side, "before"),
            read.number(side, "after"),
            read.whole(side, "epochs") or 0,
            read.number(side, "seconds"),
            read.flag(side, "diverged") or False,
        )
        for side in read.items(one, "sides")
    )
    verdict, metric, sentence = (read.text(one, key) for key in ("verdict", "metric", "sentence"))
    return Duel(verdict, metric, sides, read.whole(one, "taken"), sentence, read.number(one, "noise"))


def _figure(candidates: tuple[Mapping[str, Any], ...], taken: int | None, noise: float) -> Figure:
    rows = []
    for one in candidates:
        before, after, number = read.number(one, "before"), read.number(one, "after"), read.whole(one, "trial")
        style = 0 if number == taken and taken is not None else 5
        dots = (strips.Dot(before, style, hollow=True), strips.Dot(after, style))
        rows.append(strips.Row(f"trial {number}", dots, words.signed(after - before), linked=True))
    values = [read.number(one, key) for one in candidates for key in ("before", "after")]
    wide, narrow = strips.draw_both(
        strips.Strips(tuple(rows), spread(values, "validation accuracy", within=(0.0, 1.0)))
    )
    cells = tuple((row.label, words.accuracy(row.dots[0].value), words.accuracy(row.dots[1].value)) for row in rows)
    table = Table("Before and after", ("Trial", "Before", "After"), cells, "lrr")
    message = "Hollow: before. Filled: after the change and more epochs."
    message += " In color: the one that was taken." if taken is not None else " None was taken."
    text = "; ".join(f"{label} from {before} to {after}" for label, before, after in cells)
    return Figure("Validation accuracy before and after", message, f"{text}.", wide, narrow, table)


def _row(one: Mapping[str, Any], taken: int | None) -> tuple[str | Cell, ...]:
    number, parent = read.whole(one, "trial"), read.whole(one, "parent")
    before, after = read.number(one, "before"), read.number(one, "after")
    changes = [
        f"{words.name(read.text(c, 'path'))} = {words.setting(read.value(c, 'value'))}"
        for c in read.items(one, "changes")
    ]
    label = words.MISSING if number is None else f"{number} (taken)" if number == taken else str(number)
    shown = Cell(changes[0], code=True, lines=tuple(changes[1:5])) if changes else Cell("more epochs only")
    come_from = words.MISSING if parent is None else str(parent)
    return (label, come_from, shown, words.accuracy(before), words.accuracy(after), words.signed(after - before))
