"""Step 3 as pictures: the loss at each fixed rate, and the loss while one rate grows."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Drawing, Facts, Figure, Fold, Multiples, Table
from tuner.report.charts import lines
from tuner.report.charts.frame import SMALL, Mark
from tuner.report.charts.scale import Axis, spread
from tuner.report.panels import optimum
from tuner.report.panels.curves import LOSS_CEILING, NOT_NEGATIVE, thinned
from tuner.report.view import View

MOST_RATES = 12  # small charts
MOST_NAMED = 6  # rates whose loss left the picture
SUGGESTIONS = {
    "valley": "middle of the longest fall", "slide": "end of the steady fall",
    "steep": "steepest fall", "minimum": "a tenth of the rate at the lowest loss",
}  # fmt: skip


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """The sweep's small charts, what each rate gained, the range test, and the suggestions."""
    evidence = finding.evidence
    sweep = sorted((one for one in read.items(evidence, "sweep") if _rate(one) > 0), key=lambda one: -_rate(one))
    chosen = read.number(evidence, "chosen")
    if sweep:
        yield _gains(sweep, chosen, read.mapping(evidence, "optimum"))
        yield _curves(_some(sweep, chosen), chosen, read.whole(evidence, "iterations"))
    test = read.mapping(evidence, "range_test")
    suggestions = {
        name: value
        for name in read.mapping(evidence, "suggestions")
        if (value := read.number(read.mapping(evidence, "suggestions"), name)) > 0
    }
    if read.finite(read.numbers(test, "rates")):
        figure = _range_test(test, suggestions, chosen)
        if figure:
            rows = _suggestions(suggestions, read.mapping(evidence, "spread"))
            yield Fold("The range test: one rate that grows with every batch", (figure, *rows), not sweep)
    yield from optimum.fold(read.mapping(evidence, "optimum"))
    yield Facts((*_facts(evidence), *optimum.facts(read.mapping(evidence, "optimum"))))


def _some(sweep: list[Mapping[str, Any]], chosen: float) -> list[Mapping[str, Any]]:
    """At most `MOST_RATES` of a sweep, evenly, the highest, the lowest and the chosen rate among them."""
    if len(sweep) <= MOST_RATES:
        return sweep
    places = [round(index * (len(sweep) - 1) / (MOST_RATES - 1)) for index in range(MOST_RATES)]
    picked = next((index for index, one in enumerate(sweep) if _same(_rate(one), chosen)), None)
    if picked is not None and picked not in places:
        nearest = min(range(1, MOST_RATES - 1), key=lambda place: abs(places[place] - picked))
        places[nearest] = picked
    return [sweep[index] for index in places]


def _rate(one: Mapping[str, Any]) -> float:
    rate = read.number(one, "learning_rate")
    return rate if math.isfinite(rate) else 0.0


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6)


def _gains(sweep: list[Mapping[str, Any]], chosen: float, possible: Mapping[str, Any]) -> Figure:
    """Loss after the sweep against the rate, on a log axis, over the best that a linear head could do."""
    ordered = sorted(sweep, key=_rate)
    rates = tuple(_rate(one) for one in ordered)
    lasts = tuple(read.number(one, "last") for one in ordered)
    firsts = read.finite(tuple(read.number(one, "first") for one in ordered))
    ceiling = LOSS_CEILING * max(firsts, default=1.0)
    shown = tuple(value if math.isfinite(value) and value < ceiling else math.nan for value in lasts)
    start = sum(firsts) / len(firsts) if firsts else math.nan
    marks: tuple[Mark, ...] = (Mark(start, "start", "y"),) if firsts and start < ceiling else ()
    marks += (Mark(chosen, f"chosen: {words.compact(chosen)}", style="pick"),) if chosen > 0 else ()
    x = spread(rates, "learning rate (log scale)", "log", include=[chosen])
    y = spread(shown, "loss at the end, nats", include=[0.0, start], within=NOT_NEGATIVE)
    under = optimum.marks(possible, start)
    marks += under
    series = lines.Series("end", rates, shown, 0, dots=True)
    wide, narrow = lines.draw_both(lines.LineChart((series,), x, y, marks=marks, stops=rates))
    rows = tuple(_gain_row(one) for one in ordered)
    table = Table("Loss at the start and the end of the sweep", ("Rate", "Start", "End", "Verdict"), rows, "rrrl")
    missing = [words.compact(rate) for rate, value in zip(rates, shown, strict=True) if math.isnan(value)]
    named = ", ".join(missing[:MOST_NAMED]) + (f" and {len(missing) - MOST_NAMED} more" * (len(missing) > MOST_NAMED))
    gone = f" Not shown: {named}, where the loss left the picture." if missing else ""
    said = f"The lowest point is the rate that learned most in the same number of batches.{gone}"
    message = said + optimum.meaning(under)
    description = "; ".join(f"rate {words.compact(r)}: {words.loss(v)}" for r, v in zip(rates, lasts, strict=True))
    return Figure(
        "What each learning rate achieved", message, f"Loss after the sweep. {description}.", wide, narrow, table
    )


def _gain_row(one: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    verdict = "falls, after rising" if read.flag(one, "falls") else "does not fall"
    if read.text(one, "state") == "diverged":
        verdict = "diverged"
    elif read.flag(one, "steady"):
        verdict = "falls steadily"
    return (
        words.compact(_rate(one)),
        words.loss(read.number(one, "first")),
        words.loss(read.number(one, "last")),
        verdict,
    )


def _curves(sweep: list[Mapping[str, Any]], chosen: float, iterations: int | None) -> Multiples:
    losses = [read.numbers(one, "step_loss") for one in sweep]
    firsts = read.finite(tuple(values[0] for values in losses if values))
    ceiling = LOSS_CEILING * max(firsts, default=1.0)
    y = spread(
        [min(v, ceiling) for values in losses for v in read.finite(values)],
        "loss, nats",
        include=[0.0],
        within=NOT_NEGATIVE,
    )
    x = Axis("batch", 0, max(max(map(len, losses)) - 1, 1), "integer")
    cells = []
    for one, values in zip(sweep, losses, strict=True):
        picked = _same(_rate(one), chosen)
        style = "chosen" if picked else _gain_row(one)[3]
        drawing = _small(values, x, y, picked, read.text(one, "state") == "diverged")
        cells.append((words.compact(_rate(one)), style if isinstance(style, str) else "", drawing))
    head = ("Batch", *(words.compact(_rate(one)) for one in sweep))
    rows = tuple(
        (str(index), *(words.loss(values[index]) if index < len(values) else "" for values in losses))
        for index in thinned(max(map(len, losses)))[::3]
    )
    table = Table(
        "Loss by batch at each rate",
        head,
        rows,
        "r" * len(head),
        note="Some batches are left out; all are in report.json.",
    )
    title = f"The loss within {iterations} batches at each rate" if iterations else "The loss at each rate"
    description = f"{words.plural(len(sweep), 'small chart')} on the same axes, from the highest rate to the lowest."
    return Multiples(
        title,
        "Same axes everywhere. Too high: it jumps or climbs. Too low: it hardly moves.",
        description,
        tuple(cells),
        table,
    )


def _small(values: tuple[float, ...], x: Axis, y: Axis, picked: bool, diverged: bool) -> Drawing:
    series = lines.Series("", tuple(map(float, range(len(values)))), values, 0 if picked else 5, diverged=diverged)
    return lines.draw(lines.LineChart((series,), x, y), SMALL)


def _range_test(test: Mapping[str, Any], suggestions: dict[str, float], chosen: float) -> Figure | None:
    rates = read.numbers(test, "rates")
    raw, smooth = read.numbers(test, "losses"), read.numbers(test, "smoothed")
    known = read.finite(smooth or raw)
    if not known or not all(rate > 0 for rate in rates):
        return None
    ceiling = LOSS_CEILING * max(known[: max(1, len(known) // 4)])
    x = spread(rates, "learning rate (log scale)", "log")
    y = spread([min(value, ceiling) for value in known], "loss, nats")
    inside = {name: rate for name, rate in suggestions.items() if x.low < rate < x.high}
    marks = tuple(Mark(rate, name) for name, rate in inside.items())
    marks += (Mark(chosen, "chosen", style="pick"),) if x.low < chosen < x.high else ()
    muted = (lines.Series("", rates, raw),) if smooth and raw else ()
    rows = thinned(len(rates))
    chart = lines.LineChart(
        (lines.Series("", rates, smooth or raw),), x, y, muted, marks, stops=tuple(rates[i] for i in rows)
    )
    wide, narrow = lines.draw_both(chart)
    values = smooth or raw
    twin = tuple((words.compact(rates[i]), words.loss(values[i]) if i < len(values) else "") for i in rows)
    table = Table("Loss by learning rate", ("Rate", "Loss"), twin, "rr")
    stopped = words.clean(read.text(test, "stopped"), 200)
    message = "Gray: each batch. Line: smoothed." + (f" It stopped because {stopped}." if stopped else "")
    span = f"from {words.compact(rates[0])} to {words.compact(rates[-1])}"
    text = f"The loss while the rate grows {span}; lowest {words.loss(min(known))}."
    return Figure("Loss while the rate grows", message, text, wide, narrow, table)


def _suggestions(suggestions: dict[str, float], spreads: Mapping[str, Any]) -> tuple[Table, ...]:
    rows = tuple(
        (words.name(name), SUGGESTIONS.get(name, ""), words.compact(rate), _factor(read.number(spreads, name)))
        for name, rate in suggestions.items()
    )
    caption = "Four ways to read the same curve"
    head = ("Rule", "What it looks for", "Rate", "Varies by seed")
    return (Table(caption, head, rows, "llrr"),) if rows else ()


def _factor(deviation: float) -> str:
    return f"× {10**deviation:.2g}" if math.isfinite(deviation) and deviation < 10 else words.MISSING


def _facts(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if read.number(evidence, "chosen") > 0:
        yield "Chosen", words.compact(read.number(evidence, "chosen"))
    if read.text(evidence, "why"):
        yield "Because", words.clean(read.text(evidence, "why"), 300)
    if read.number(evidence, "weight_decay") >= 0:
        yield "Weight decay meanwhile", words.compact(read.number(evidence, "weight_decay"))
