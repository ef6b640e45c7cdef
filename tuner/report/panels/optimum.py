"""The best that a linear head on frozen features can do: lines under a sweep, facts, and a path of penalties."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Figure, Fold, Table
from tuner.report.charts import lines
from tuner.report.charts.frame import Mark
from tuner.report.charts.scale import spread
from tuner.report.panels.curves import NOT_NEGATIVE

BEST, FLOOR = "best head", "floor"
APART = 0.06  # of the height of the picture: two lines that are nearer are drawn as one
MEANING = f" Dashed, “{BEST}”: the training loss of the linear head on these features that does best in validation."
LEAST = f" “{FLOOR}”: the least training loss that any of them has."


def marks(optimum: Mapping[str, Any], height: float) -> tuple[Mark, ...]:
    """The training loss of the best head, and the least of any, in a picture of losses from 0 to `height` nats."""
    best, floor = read.number(read.mapping(optimum, "best"), "train_loss"), read.number(optimum, "lowest_train_loss")
    shown = [Mark(best, BEST, "y")] if 0 <= best < height else []
    if 0 <= floor < height and not abs(best - floor) < APART * height:
        shown.append(Mark(floor, FLOOR, "y"))
    return tuple(shown)


def meaning(shown: tuple[Mark, ...]) -> str:
    """What the lines are, in words."""
    return (MEANING if shown else "") + (LEAST if any(mark.label == FLOOR for mark in shown) else "")


def facts(optimum: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The figures of the best head."""
    best = read.mapping(optimum, "best")
    train, val, right = (read.number(best, key) for key in ("train_loss", "val_loss", "val_accuracy"))
    if not math.isfinite(val):
        return
    there = f"{words.loss(val)} nats and accuracy {words.accuracy(right)} in validation"
    yield "Best linear head", f"{words.loss(train)} nats in training, {there}"
    yield "Its L2 penalty", words.compact(read.number(best, "l2"))
    yield "Least training loss of any", words.loss(read.number(optimum, "lowest_train_loss"))
    yield "Highest validation accuracy", words.accuracy(read.number(optimum, "highest_val_accuracy"))
    used, images = read.whole(optimum, "images"), read.whole(optimum, "all_images")
    if used and images and used < images:
        yield "On a sample of", f"{words.count(used)} of {words.count(images)} training images"


def fold(optimum: Mapping[str, Any]) -> Iterator[Block]:
    """Losses against the penalty, behind a line that opens them."""
    path = [one for one in read.items(optimum, "path") if 0 < read.number(one, "l2") < math.inf]
    path.sort(key=lambda one: read.number(one, "l2"))
    figure = _path(path, read.number(read.mapping(optimum, "best"), "l2")) if len(path) > 1 else None
    if figure:
        yield Fold("The best possible: the optimum of a linear head for each penalty", (figure,))


def _path(path: list[Mapping[str, Any]], best: float) -> Figure | None:
    penalties = tuple(read.number(one, "l2") for one in path)
    train, val = (tuple(read.number(one, key) for one in path) for key in ("train_loss", "val_loss"))
    if not read.finite(train) or not read.finite(val):
        return None
    x = spread(penalties, "L2 penalty (log scale)", "log")
    y = spread((*train, *val), "loss at the optimum, nats", include=[0.0], within=NOT_NEGATIVE)
    series = tuple(
        lines.Series(label, penalties, values, style, dots=True)
        for style, (label, values) in enumerate((("training", train), ("validation", val)))
    )
    marks = (Mark(best, f"best: {words.compact(best)}", style="pick"),) if x.low <= best <= x.high else ()
    wide, narrow = lines.draw_both(lines.LineChart(series, x, y, marks=marks, stops=penalties))
    head = ("L2", "Training loss", "Validation loss", "Accuracy", "Iterations", "Seconds")
    rows = tuple(_row(one) for one in path)
    message = "No learning rate is involved: these are the least losses there are, found by L-BFGS."
    text = "; ".join(f"{words.compact(l2)}: {words.loss(loss)}" for l2, loss in zip(penalties, val, strict=True))
    table = Table("The optimum at each penalty", head, rows, "r" * len(head))
    return Figure("What a linear head can reach", message, f"Validation loss by penalty. {text}.", wide, narrow, table)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        words.compact(read.number(one, "l2")),
        words.loss(read.number(one, "train_loss")),
        words.loss(read.number(one, "val_loss")),
        words.accuracy(read.number(one, "val_accuracy")),
        str(read.whole(one, "iterations") or words.MISSING),
        words.compact(read.number(one, "seconds")),
    )
