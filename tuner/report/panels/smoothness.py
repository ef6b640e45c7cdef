"""How far does the gradient hold? Losses and gradients along the gradient, during a short training.

Source: Santurkar et al. 2018, arXiv 1805.11604, figure 4.
"""

import math
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Figure, Table
from tuner.report.charts import lines
from tuner.report.charts.scale import spread


def says(found: Mapping[str, Any]) -> str:
    """What was seen, in a sentence."""
    steps = _steps(found)
    if not steps:
        return "Nothing was measured along the gradient."
    width = fmean(step[2] - step[1] for step in steps)
    share = fmean(step[3] for step in steps)
    lengths, rate = read.finite(read.numbers(found, "lengths")), words.compact(read.number(found, "rate"))
    reach = f"{words.compact(min(lengths))} to {words.compact(max(lengths))} times the rate {rate}" if lengths else rate
    return (
        f"Along the gradient, over steps of {reach}, the loss of a batch covers {words.loss(width)} nats on average, "
        f"and the gradient changes by up to {share:.0%} of its length. The less, the further a step can be trusted."
    )


def figures(found: Any) -> Iterator[Block]:
    """The range of losses, and the change of the gradient, at each step that was looked at."""
    steps = _steps(found)
    if not steps:
        return
    at = tuple(step[0] for step in steps)
    low, high = (tuple(step[place] for step in steps) for place in (1, 2))
    x = spread(at, "training step")
    y = spread((*low, *high), "loss of the batch, nats", include=[0.0])
    losses = tuple(step[4] for step in steps)
    crowd = lines.Crowd(at, low, high)
    series = (lines.Series("at the weights", at, losses, 0, dots=len(at) < 30),)
    wide, narrow = lines.draw_both(lines.LineChart(series, x, y, crowds=(crowd,), stops=at))
    head = ("Step", "Loss", "Lowest", "Highest", "Change of the gradient")
    rows = tuple(
        (words.count(s[0]), words.loss(s[4]), words.loss(s[1]), words.loss(s[2]), words.compact(s[3])) for s in steps
    )
    description = "; ".join(f"step {s[0]:.0f}: {words.loss(s[1])} to {words.loss(s[2])} nats" for s in steps[:20])
    yield Figure(
        "How far the gradient holds",
        says(found),
        description,
        wide,
        narrow,
        Table("Along the gradient", head, rows, "r" * 5),
    )


def _steps(found: Any) -> list[tuple[float, float, float, float, float]]:
    """Step, lowest and highest loss, relative change of the gradient, loss: of the steps where all are finite."""
    shown = []
    for item in read.items(found, "steps"):
        losses, own = read.numbers(item, "losses"), read.number(item, "loss")
        length, change = read.number(item, "gradient"), max(read.numbers(item, "changes"), default=math.nan)
        known = read.finite((*losses, own))
        values = read.number(item, "step"), min(known, default=math.nan), max(known, default=math.nan)
        share = change / length if length > 0 else math.nan
        if len(known) == len(losses) + 1 and all(map(math.isfinite, (*values, share, own))):
            shown.append((*values, share, own))
    return shown
