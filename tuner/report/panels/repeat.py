"""Step 7 as a picture: the best of each round against the target, and why the run stopped or went on."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Facts, Figure, Table
from tuner.report.charts.frame import Mark
from tuner.report.charts.lines import LineChart, Series, draw_both
from tuner.report.charts.scale import Axis, spread
from tuner.report.view import View


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """The rounds so far, drawn in the last round only, and the decision."""
    rounds = view.findings("repeat")
    if len(rounds) > 1 and finding is rounds[-1]:
        points = [(f.round, read.number(f.evidence, "best"), read.number(f.evidence, "noise")) for f in rounds]
        known = [point for point in points if math.isfinite(point[1])]
        if known:
            yield _figure(known, read.number(finding.evidence, "target"))
    yield Facts(tuple(_facts(finding.evidence)))


def _figure(points: list[tuple[int, float, float]], target: float) -> Figure:
    rounds, best = tuple(float(p[0]) for p in points), tuple(p[1] for p in points)
    series = Series("best", rounds, best, 0, dots=True)
    marks = (Mark(target, "target", "y", "pick"),) if math.isfinite(target) else ()
    whiskers = tuple(
        Series("", (number, number), (value - 1.96 * noise, min(1.0, value + 1.96 * noise)))
        for number, value, noise in points
        if noise > 0
    )
    ends = [y for one in whiskers for y in one.y]
    x = Axis("round", min(rounds) - 0.4, max(rounds) + 0.4, "integer")
    y = spread((*best, *ends), "validation accuracy", include=[target], within=(0.0, 1.0))
    wide, narrow = draw_both(LineChart((series,), x, y, whiskers, marks, stops=rounds))
    rows = tuple(
        (str(number), words.accuracy(value), f"± {1.96 * noise:.3f}" if noise > 0 else "")
        for number, value, noise in points
    )
    table = Table("Best of each round", ("Round", "Best", "95 %"), rows, "rrr")
    message = "Gray strokes: 95 % interval from the number of validation images."
    text = "; ".join(f"round {number}: {words.accuracy(value)}" for number, value, _ in points)
    return Figure("The best of each round", message, f"{text}.", wide, narrow, table)


def _facts(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    best, previous, target = (read.number(evidence, key) for key in ("best", "previous", "target"))
    if math.isfinite(best):
        trial, folds = read.whole(evidence, "best_trial"), read.whole(evidence, "folds")
        yield (
            f"Best so far, over {folds} folds" if folds else "Best so far",
            words.accuracy(best) + (f" (trial {trial})" if trial is not None else ""),
        )
    if math.isfinite(previous):
        yield "The round before", words.accuracy(previous)
    gain, noise = read.number(evidence, "gain"), read.number(evidence, "noise")
    if math.isfinite(gain):
        yield "Gain", words.signed(gain) + (f" (noise ± {noise:.3f})" if noise > 0 else "")
    if math.isfinite(target):
        yield "Target", words.accuracy(target)
    seconds, budget = read.number(evidence, "seconds"), read.number(evidence, "budget")
    if math.isfinite(seconds):
        yield "Time used", words.duration(seconds) + (f" of {words.duration(budget)}" if budget > 0 else "")
    if read.text(evidence, "decision"):
        reason = read.text(evidence, "reason")
        goes_on = read.text(evidence, "decision") == "again"
        yield "Decision", "once more" if goes_on else f"stop: {words.name(reason)}" if reason else "stop"
