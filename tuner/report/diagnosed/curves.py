"""The learning curves as pictures: where does each finding begin, and which epoch was the best?"""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from tuner.inspection import Inspection
from tuner.records import Outcome
from tuner.report import meanings, words
from tuner.report.blocks import Block, Figure, Fold, Table
from tuner.report.charts.frame import Mark
from tuner.report.charts.lines import LineChart, Series, draw_both
from tuner.report.charts.scale import Axis, spread
from tuner.report.charts.thin import thin
from tuner.report.panels.curves import NOT_NEGATIVE, best_mark, onset_mark, thinned

BEST = "best_epoch"  # key of a verdict's evidence: counted in the curves, from 1
MOST_MARKS = 5  # labels above one chart
STANDS_OUT = 50  # a loss that reaches so many times its median is drawn on a log axis
LEAST = 0.1  # accuracy: a shorter axis would show noise as if it were progress
LARGEST = 1e300  # what lies beyond is drawn there: sums of what does not stay finite
TINY = 1e-12  # relative: rates closer than this are the same rate

Curve = tuple[str, Sequence[float]]


def part(inspection: Inspection) -> Iterator[Block]:
    """Loss and accuracy by epoch, the learning rate where it changes, and the loss of every step."""
    made, marks = inspection.curves, marks_of(inspection)
    score = inspection.higher_is_better
    pairs: tuple[tuple[str, list[Curve]], ...] = (
        ("score" if score else "loss", [("training", made.loss), ("validation", made.val_loss)]),
        ("accuracy", [("training", made.accuracy), ("validation", made.val_accuracy)]),
    )
    for quantity, every in pairs:
        drawn = [(label, values) for label, values in every if values]
        if any(math.isfinite(value) for _, values in drawn for value in values):
            yield _by_epoch(inspection, quantity, drawn, marks)
    if _changes(made.learning_rate):
        yield _by_epoch(inspection, "learning rate", [("learning rate", made.learning_rate)], ())
    if len(made.step_loss) > made.epochs and any(map(math.isfinite, made.step_loss)):
        yield Fold("The loss of every step", (_by_step(made.step_loss),))


def marks_of(inspection: Inspection) -> tuple[Mark, ...]:
    """The onset of every verdict that has one, those of one epoch together, and the best epoch."""
    found: dict[int, list[tuple[Outcome, str]]] = {}
    last = _epochs(inspection)[-1:]
    for verdict in inspection.verdicts:
        if verdict.onset is not None and last and 1 <= verdict.onset <= last[0]:
            found.setdefault(verdict.onset, []).append((verdict.outcome, meanings.of(verdict.name).short))
    severest = sorted(found, key=lambda epoch: min(_weight(outcome) for outcome, _ in found[epoch]))
    marks = [_onset(epoch, found[epoch]) for epoch in severest[:MOST_MARKS]]
    best = best_epoch(inspection)
    return (*marks, *((best_mark(best, f"best: {best}"),) if best is not None else ()))


def best_epoch(inspection: Inspection) -> int | None:
    """The epoch that a verdict calls the best (it looks past single lucky epochs), else that of the lowest validation
    loss (of the highest accuracy or score); None without validation."""
    made, epochs = inspection.curves, _epochs(inspection)
    for verdict in inspection.verdicts:
        told = verdict.evidence.get(BEST)
        if isinstance(told, int) and 1 <= told <= len(epochs):
            return epochs[told - 1]
    for values, upwards in ((made.val_loss, inspection.higher_is_better), (made.val_accuracy, True)):
        known = [(value if upwards else -value, -index) for index, value in enumerate(values) if math.isfinite(value)]
        if known:
            return epochs[-max(known)[1]]
    return None


def _onset(epoch: int, found: list[tuple[Outcome, str]]) -> Mark:
    """One line for all that begins there; the label names the first."""
    more = f" +{len(found) - 1}" if len(found) > 1 else ""
    outcome = min((outcome for outcome, _ in found), key=_weight)
    return onset_mark(epoch, f"{found[0][1]}{more}: {epoch}", outcome.value)


def _weight(outcome: Outcome) -> int:
    return (Outcome.FAIL, Outcome.WARN, Outcome.PASS).index(outcome)


def _epochs(inspection: Inspection) -> tuple[int, ...]:
    """The number of each epoch of the curves."""
    made = inspection.curves
    length = max(made.epochs, len(made.learning_rate))
    known = inspection.epochs if len(inspection.epochs) >= length else ()
    return known or tuple(range(1, length + 1))


def _changes(rates: Sequence[float]) -> bool:
    known = [rate for rate in rates if math.isfinite(rate)]
    return len(known) > 1 and max(known) - min(known) > TINY * max(map(abs, known))


def _by_epoch(inspection: Inspection, quantity: str, drawn: list[Curve], marks: tuple[Mark, ...]) -> Figure:
    epochs = _epochs(inspection)
    series = tuple(_series(label, epochs, values, style) for style, (label, values) in enumerate(drawn))
    table = _table(quantity, epochs, drawn)
    stops = tuple(float(row[0]) for row in table.rows if isinstance(row[0], str))
    x = Axis("epoch", epochs[0], max(epochs[-1], epochs[0] + 1), "integer")
    wide, narrow = draw_both(LineChart(series, x, _axis(quantity, drawn), marks=marks, stops=stops))
    title = f"{quantity[:1].upper()}{quantity[1:]} by epoch"
    ends = _ends(quantity, drawn)
    said = "; ".join(mark.label.replace(": ", " at epoch ") for mark in marks)
    return Figure(title, f"{ends}.", f"{title}: {ends}." + (f" Marked: {said}." if said else ""), wide, narrow, table)


def _by_step(values: Sequence[float]) -> Figure:
    steps = tuple(range(1, len(values) + 1))
    drawn: list[Curve] = [("training", values)]
    table = _table("loss", steps, drawn, "Step")
    x = Axis("step", 1, max(len(values), 2), "integer")
    series = (_series("training", steps, values, 0),)
    wide, narrow = draw_both(LineChart(series, x, _axis("loss", drawn)))
    ends = _ends("loss", drawn)
    return Figure("Loss by step", f"{ends}. As of each batch, before it was averaged.", f"{ends}.", wide, narrow, table)


def _series(label: str, x: Sequence[int], values: Sequence[float], style: int) -> Series:
    kept = thin(values)
    broken = any(not math.isfinite(value) for value in values)
    at, y = tuple(float(x[index]) for index in kept), tuple(values[index] for index in kept)
    return Series(label, at, y, style, dots=len(y) == 1, diverged=broken)


def _axis(quantity: str, drawn: list[Curve]) -> Axis:
    known = [max(-LARGEST, min(value, LARGEST)) for _, values in drawn for value in values if math.isfinite(value)]
    if quantity == "accuracy" and 0 <= min(known) <= max(known) <= 1:
        middle = (min(known) + max(known)) / 2
        return spread(known, quantity, include=(middle - LEAST / 2, middle + LEAST / 2), within=(0.0, 1.0))
    positive = min(known) > 0
    usual = max(median([value for value in values if math.isfinite(value)] or [0.0]) for _, values in drawn)
    if positive and (quantity == "learning rate" or max(known) > STANDS_OUT * usual):
        return spread(known, f"{quantity} (log scale)", "log")
    if positive:
        return spread(known, quantity, include=[0.0], within=NOT_NEGATIVE)
    return spread(known, quantity)


def _table(quantity: str, at: Sequence[int], drawn: list[Curve], head: str = "Epoch") -> Table:
    """The table twin; of a long curve some rows."""
    length = max(len(values) for _, values in drawn)
    write = _writer(quantity)
    rows = tuple(
        (str(at[i]), *(write(values[i]) if i < len(values) else "" for _, values in drawn)) for i in thinned(length)
    )
    note = f"{len(rows)} of {words.count(length)} are shown." if len(rows) < length else ""
    heads = (head, *(label[:1].upper() + label[1:] for label, _ in drawn))
    return Table(f"{quantity} by {head.lower()}", heads, rows, "r" * len(heads), note=note)


def _ends(quantity: str, drawn: list[Curve]) -> str:
    write = _writer(quantity)
    shown = [f"{label} from {write(values[0])} to {write(values[-1])}" for label, values in drawn]
    text = "; ".join(shown)
    return text[:1].upper() + text[1:]


def _writer(quantity: str) -> Callable[[float], str]:
    known = {"accuracy": words.accuracy, "learning rate": words.compact}.get(quantity, words.loss)
    return lambda value: "NaN" if math.isnan(value) else known(value)
