"""What trains besides the head, as a table and a picture: where the data lie, and what each regime gained."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.models.stage import HALF, HEAD, LARGE, REGIMES, SIMILAR, SMALL, WHOLE
from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Figure, Table
from tuner.report.charts import strips
from tuner.report.charts.frame import Mark
from tuner.report.charts.scale import spread
from tuner.report.view import View

MOST_ROWS = 10
CHOSEN, OTHER = 0, 5  # styles of dots
SHORT = {HEAD: "last layer only", HALF: "half, then all", SMALL: "all, small rate", WHOLE: "all"}  # beside a picture
FIELDS = {(False, True): HEAD, (True, True): HALF, (False, False): SMALL, (True, False): WHOLE}
"""(large, similar) -> what the lecture advises there."""


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """The gains with their noise, the lecture's table with these data marked, and what was measured of the data."""
    evidence = finding.evidence
    tried = [one for one in read.items(evidence, "tried") if read.text(one, "regime") in REGIMES][:MOST_ROWS]
    head, chosen = read.mapping(evidence, "head"), read.text(evidence, "chosen")
    if any(math.isfinite(read.number(one, "gain")) for one in tried):
        yield _figure(head, tried, chosen)
    yield _table(read.mapping(evidence, "field"))
    yield Facts(tuple(_facts(evidence)))


def _figure(head: Mapping[str, Any], tried: list[Mapping[str, Any]], chosen: str) -> Figure:
    known = [one for one in tried if math.isfinite(read.number(one, "gain"))]
    rows = tuple(
        strips.Row(
            SHORT[read.text(one, "regime")],
            _dots(read.number(one, "gain"), read.number(one, "gain_error"), read.text(one, "regime") == chosen),
            words.signed(read.number(one, "gain")),
            linked=True,
        )
        for one in known
    )
    axis = spread([dot.value for row in rows for dot in row.dots], "gain of validation accuracy", include=[0.0])
    marks = (Mark(0.0, "the trained head", "x"),)
    wide, narrow = strips.draw_both(strips.Strips(rows, axis, marks=marks))
    start = read.number(head, "accuracy")
    top = ("Regime", "Accuracy", "Gain", "Loss", "Lower by", "Rate", "Epochs", "Time")
    cells = tuple(_row(one, chosen) for one in (head, *tried))
    table = Table("What was tried from the trained head", top, cells, "l" + "r" * 7)
    message = (
        f"Each was tried for a few epochs from the trained head ({words.accuracy(start)}), at its own best rate. A line"
        " is one standard error to either side. Over the head a point is worth the training; between two regimes the"
        " difference has to exceed the noise, or the cheaper one is taken."
    )
    text = "; ".join(f"{row.label} {row.note}" for row in rows)
    return Figure("What else could train, and what it gained", message, f"{text}.", wide, narrow, table)


def _dots(gain: float, error: float, chosen: bool) -> tuple[strips.Dot, ...]:
    """The gain, and how far noise reaches to either side."""
    style = CHOSEN if chosen else OTHER
    if not math.isfinite(error):
        return (strips.Dot(gain, style),)
    low, high = (strips.Dot(gain + sign * error, style, hollow=True) for sign in (-1, 1))
    return (low, strips.Dot(gain, style), high)


def _row(one: Mapping[str, Any], chosen: str) -> tuple[str | Cell, ...]:
    regime = read.text(one, "regime")
    name, bare = REGIMES.get(regime, ""), regime == HEAD
    gains = tuple(
        words.MISSING if bare else f"{words.signed(read.number(one, key))} ± {words.accuracy(read.number(one, error))}"
        for key, error in (("gain", "gain_error"), ("loss_gain", "loss_error"))
    )
    return (
        Cell(name, outcome="pass") if regime == chosen else name,
        words.accuracy(read.number(one, "accuracy")),
        gains[0],
        words.loss(read.number(one, "loss")),
        gains[1],
        words.compact(read.number(one, "rate")),
        words.count(read.number(one, "epochs")),
        words.MISSING if bare else words.duration(read.number(one, "seconds")),
    )


def _table(field: Mapping[str, Any]) -> Table:
    """The lecture's table; the field in which these data lie is marked."""
    here = read.flag(field, "large"), read.flag(field, "similar")

    def cell(large: bool, similar: bool) -> Cell:
        advised = REGIMES[FIELDS[large, similar]]
        return Cell(f"{advised} (these data)", outcome="pass") if here == (large, similar) else Cell(advised)

    rows = (("few images", cell(False, True), cell(False, False)), ("many images", cell(True, True), cell(True, False)))
    note = (
        f"Many: {words.count(LARGE)} and more. Similar: the features spare {SIMILAR:.0%} or more of the errors that a "
        "linear head on the bare pixels makes. The table is an expectation; what was measured decides."
    )
    return Table("The lecture's table", ("", "similar to ImageNet", "different"), rows, "lll", note=note)


def _facts(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = read.mapping(evidence, "likeness")
    similarity = read.number(found, "similarity")
    if math.isfinite(similarity):
        yield "Similarity", f"{similarity:.2f}: the share of a plain readout's errors that the features spare"
    for key, label in (
        ("features", "A linear head on the features"),
        ("pixels", "A linear head on the pixels"),
        ("chance", "Chance"),
    ):
        if math.isfinite(read.number(found, key)):
            yield label, f"accuracy {words.accuracy(read.number(found, key))} in validation"
    logme = tuple(read.number(found, key) for key in ("logme_features", "logme_pixels"))
    if all(map(math.isfinite, logme)):
        yield "LogME", f"{words.accuracy(logme[0])} of the features, {words.accuracy(logme[1])} of the pixels"
    images, fewest = read.number(evidence, "images"), read.number(evidence, "images_a_class")
    if math.isfinite(images):
        yield "Training images", f"{words.count(images)}; {words.count(fewest)} of the rarest class"
    for one in read.items(evidence, "left_out")[:MOST_ROWS]:
        name = REGIMES.get(read.text(one, "regime"))
        if name:
            yield "Not tried", f"{name}: {words.clean(read.text(one, 'why'), 200)}"
