"""The ranking of backbones as a picture: the validation loss of the best linear head on each one's features.

Of untrained ones it is that of short training runs.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Figure, Table
from tuner.report.charts import strips
from tuner.report.charts.frame import Band
from tuner.report.charts.scale import spread
from tuner.report.view import View

MOST_ROWS = 20
CHOSEN, OTHER = 0, 5  # styles of dots


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """A strip of losses with the noise as a band, and all that was measured."""
    evidence = finding.evidence
    found = [one for one in read.items(evidence, "candidates") if math.isfinite(read.number(one, "val_loss"))]
    found = sorted(found, key=lambda one: read.number(one, "val_loss"))[:MOST_ROWS]
    chosen = read.text(evidence, "chosen")
    if found:
        yield _figure(found, chosen, read.number(evidence, "noise"), read.whole(evidence, "epochs") or 0)
    yield Facts(tuple(_facts(evidence, chosen)))


def _figure(found: list[Mapping[str, Any]], chosen: str, noise: float, epochs: int) -> Figure:
    losses = tuple(read.number(one, "val_loss") for one in found)
    rows = tuple(
        strips.Row(
            words.name(read.text(one, "backbone")),
            (strips.Dot(loss, CHOSEN if read.text(one, "backbone") == chosen else OTHER),),
            f"{words.compact(loss)}, {_speed(one)}",
        )
        for one, loss in zip(found, losses, strict=True)
    )
    level = losses[0] + noise
    include = [level] if math.isfinite(level) else []
    whose = f"after {epochs} epochs from random weights" if epochs else "of the best linear head"
    axis = spread(losses, f"validation loss {whose}, nats", include=include)
    band = (Band(losses[0], level, "x"),) if math.isfinite(level) and noise > 0 else ()
    wide, narrow = strips.draw_both(strips.Strips(rows, axis, bands=band))
    head = ("Backbone", "Val. loss", "Accuracy", "LogME", "Training loss", "Images a second", "Parameters", "Features")
    table = Table("The candidates, best first", head, tuple(_row(one, chosen) for one in found), "l" + "r" * 7)
    message = (
        "Lower is better. Inside the shaded band a difference is no larger than chance makes it; the fastest of those "
        "in it is taken."
    )
    text = "; ".join(f"{row.label} {row.note}" for row in rows)
    title = "How well a linear head does on each backbone's features"
    if epochs:
        title = f"How well each backbone does {whose}"
    return Figure(title, message, f"{text}.", wide, narrow, table)


def _row(one: Mapping[str, Any], chosen: str) -> tuple[str | Cell, ...]:
    name = words.name(read.text(one, "backbone"))
    return (
        Cell(name, outcome="pass") if read.text(one, "backbone") == chosen else name,
        f"{words.compact(read.number(one, 'val_loss'))} ± {words.compact(read.number(one, 'val_loss_error'))}",
        words.accuracy(read.number(one, "val_accuracy")),
        words.accuracy(read.number(one, "logme")),
        words.loss(read.number(one, "train_loss")),
        words.count(read.number(one, "images_per_second")),
        words.count(read.number(one, "parameters")),
        words.count(read.number(one, "features")),
    )


def _speed(one: Mapping[str, Any]) -> str:
    return f"{words.count(read.number(one, 'images_per_second'))} images/s"


def _facts(evidence: Mapping[str, Any], chosen: str) -> Iterator[tuple[str, str]]:
    if chosen:
        yield "Chosen", words.name(chosen)
    if math.isfinite(read.number(evidence, "noise")):
        yield "Noise of the lowest loss", f"± {words.compact(read.number(evidence, 'noise'))}"
    if read.whole(evidence, "val_images"):
        yield "Validation images", words.count(read.whole(evidence, "val_images") or 0)
    if epochs := read.whole(evidence, "epochs"):
        yield "Ranked by", f"short runs of {epochs} epochs, because the features of untrained networks say nothing"
    else:
        what = (
            "the log evidence of a linear model for each training image; higher is better, the size says nothing else"
        )
        yield "LogME", what
