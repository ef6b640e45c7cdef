"""Where validation images are few: what each fold says of each finalist, and what the single split had said."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Figure, Table
from tuner.report.charts import strips
from tuner.report.charts.scale import spread

MOST = 10  # finalists that are drawn


def blocks(evidence: Mapping[str, Any], taken: int | None) -> Iterator[Block]:
    """One figure with its table; nothing where a run has no folds."""
    scores = [one for one in read.items(evidence, "folds")[:MOST] if read.finite(read.numbers(one, "accuracies"))]
    if scores:
        yield _figure(scores, taken)


def _figure(scores: list[Mapping[str, Any]], taken: int | None) -> Figure:
    rows, cells, values = [], [], []
    for one in scores:
        number, folds = read.whole(one, "trial"), read.finite(read.numbers(one, "accuracies"))
        mean, sd, single = (read.number(one, key) for key in ("mean", "sd", "single"))
        style = 0 if number is not None and number == taken else 5
        dots = [strips.Dot(value, style, hollow=True) for value in folds]
        dots += [strips.Dot(mean, style)] if math.isfinite(mean) else []
        label = f"trial {words.MISSING if number is None else number}"
        about = f"{words.accuracy(mean)} ± {words.accuracy(sd)}"
        rows.append(strips.Row(label, tuple(dots), about))
        values += [dot.value for dot in dots]
        each = ", ".join(map(words.accuracy, read.numbers(one, "accuracies")))
        cells.append((f"{label} (taken)" if style == 0 else label, about, words.accuracy(single), each))
    axis = spread(values, "validation accuracy of a fold", within=(0.0, 1.0))
    wide, narrow = strips.draw_both(strips.Strips(tuple(rows), axis))
    head = ("Finalist", "Mean ± SD", "The single split", "Each fold")
    table = Table("Finalists on the folds", head, tuple(cells), "lrrl")
    message = (
        "Each finalist was trained again without one part of the images, and judged on that part, until every image "
        "but those of the test set was judged once. Hollow: a fold. Filled: the mean, which decides."
    )
    text = "; ".join(f"{label}: {about}, on the single split {single}" for label, about, single, _ in cells)
    return Figure("The finalists on folds", message, f"{text}.", wide, narrow, table)
