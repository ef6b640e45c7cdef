"""Step 2 as a picture: is a handful of images learned by heart, and blank images not?"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Figure, Fold, Table
from tuner.report.charts.frame import Mark
from tuner.report.charts.lines import LineChart, Series, draw_both
from tuner.report.charts.scale import Axis, spread
from tuner.report.panels.curves import by_epoch, epochs_axis
from tuner.report.view import View

MOST_ATTEMPTS = 4  # drawn in color; the control experiment comes on top


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Accuracy and loss of every attempt, and the attempts as a table."""
    attempts = read.items(finding.evidence, "attempts")
    blank = read.mapping(finding.evidence, "blank")
    chosen = read.whole(finding.evidence, "chosen")
    named = [(f"rate {words.compact(read.number(a, 'learning_rate'))}", a) for a in attempts[-MOST_ATTEMPTS:]]
    named += [("blank images", blank)] if blank else []
    target = read.number(finding.evidence, "target_accuracy")
    for key, title in (("accuracy", "Accuracy on the small sample"), ("loss", "Loss on the small sample")):
        curves = [(label, read.numbers(attempt, key)) for label, attempt in named]
        if any(read.finite(values) for _, values in curves):
            figure = _figure(key, title, curves, target)
            yield figure if key == "accuracy" else Fold("Loss of the same attempts", (figure,))
    if attempts:
        rows = tuple(_row(index, attempt, index == chosen) for index, attempt in enumerate(attempts))
        head = ("Attempt", "Optimizer", "Learning rate", "Epochs", "Final loss", "Final accuracy", "What happened")
        rows += (_row(-1, blank, False),) if blank else ()
        yield Table("What was tried", head, rows, "llrrrrl")


def _figure(key: str, title: str, curves: list[tuple[str, tuple[float, ...]]], target: float) -> Figure:
    series = tuple(
        Series(label, tuple(range(1, len(values) + 1)), values, style) for style, (label, values) in enumerate(curves)
    )
    everything = [value for _, values in curves for value in values]
    epochs = max(len(values) for _, values in curves)
    accuracy = key == "accuracy"
    y = Axis("training accuracy", 0.0, 1.05) if accuracy else spread(everything, "training loss, nats", "log")
    marks = (Mark(target, "goal", "y"),) if accuracy and 0 < target < 1 else ()
    table = by_epoch(title, [(label, values) for label, values in curves], words.accuracy if accuracy else words.loss)
    stops = tuple(float(row[0]) for row in table.rows if isinstance(row[0], str))
    wide, narrow = draw_both(LineChart(series, epochs_axis(epochs), y, marks=marks, stops=stops))
    message = {
        "accuracy": "A model that can learn at all reaches 1; images replaced by their mean must stay at chance.",
        "loss": "On a log scale, so that the last decade is seen too.",
    }[key]
    ends = "; ".join(f"{label} ends at {words.loss(values[-1])}" for label, values in curves if values)
    return Figure(title, message, f"{title} by epoch. {ends}.", wide, narrow, table)


def _row(index: int, attempt: Mapping[str, Any], chosen: bool) -> tuple[str | Cell, ...]:
    loss, accuracy = read.numbers(attempt, "loss"), read.numbers(attempt, "accuracy")
    label = "blank images" if index < 0 else f"{index + 1} (chosen)" if chosen else str(index + 1)
    reason = read.text(attempt, "reason")
    shape = read.text(attempt, "shape")
    return (
        label, words.name(read.text(attempt, "optimizer")), words.compact(read.number(attempt, "learning_rate")),
        str(max(len(loss), len(accuracy))), words.loss(loss[-1]) if loss else words.MISSING,
        words.accuracy(accuracy[-1]) if accuracy else words.MISSING, words.clean(reason or shape, 200),
    )  # fmt: skip
