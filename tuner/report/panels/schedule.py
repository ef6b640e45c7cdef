"""Which learning rate did a training run have, from its first step on? As it was recorded, not as it was planned.

The first steps are drawn one by one, so that a warm-up shows; after them, the rate at the end of each epoch.
"""

import math
from collections.abc import Iterable, Sequence

from tuner.records import Trial
from tuner.report import read, words
from tuner.report.blocks import Figure
from tuner.report.charts.frame import Mark
from tuner.report.charts.lines import LineChart, Series, draw_both
from tuner.report.charts.scale import Axis, spread
from tuner.report.charts.thin import thin
from tuner.report.panels.curves import NOT_NEGATIVE, by_epoch
from tuner.report.view import View

BY_FACTORS = frozenset(
    {"StepDecay", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "ReduceLROnPlateau"}
)  # schedules that multiply: a log axis draws equal factors as equal distances
HOLDING = frozenset({"none", "StepDecay", "PiecewiseConstantDecay", "ReduceLROnPlateau"})  # fall at once, or never
FAR = 10.0  # peaks so many times apart need a log axis, or the lowest would lie flat
DECADES = 4  # of a log axis at most: a cosine that ends at next to nothing must not flatten all the rest
MOST_MUTED = 20  # other runs, in gray

Points = tuple[tuple[float, float], ...]  # (epochs trained, rate)


def rates_figure(view: View, taken: Trial | None, others: Iterable[Trial] = ()) -> Figure | None:
    """The rate over the epochs of a trial and of those it continues, in color; those of others in gray.

    None where no rate was recorded.
    """
    if taken is None:
        return None
    ways = [ways_ for trial in (taken, *others) if (ways_ := view.way(trial)) and points_of(view, ways_)][:MOST_MUTED]
    if not ways or ways[0][-1] is not taken:
        return None
    drawn = [points_of(view, one) for one in ways]
    lines = [Series("", *_columns(points)) for points in drawn[1:]]
    lead = Series(f"trial {taken.number}", *_columns(drawn[0]), style=0)
    table = by_epoch("Learning rate at the end of each epoch", [(lead.label, _at_ends(ways[0]))], words.compact)
    epochs = max(points[-1][0] for points in drawn)
    stops = tuple(float(row[0]) for row in table.rows if isinstance(row[0], str))
    x = Axis("epoch", 0, max(1.0, epochs), "integer")
    chart = LineChart((lead,), x, _axis(ways, drawn), tuple(lines), tuple(_marks(ways[0])), stops=stops)
    wide, narrow = draw_both(chart)
    rates = [rate for _, rate in drawn[0]]
    said = _said(taken, ways[0])
    description = f"{said} Highest {words.compact(max(rates))}, last {words.compact(rates[-1])}."
    return Figure("The learning rate over the epochs", said, description, wide, narrow, table)


def points_of(view: View, trials: Sequence[Trial]) -> Points:
    """Epochs trained after a step, and the rate of that step: of recorded steps, then of the ends of epochs."""
    found: list[tuple[float, float]] = []
    before = 0
    for trial in trials:
        steps, ends = trial.curves.step_learning_rate, trial.curves.learning_rate
        per_epoch = steps_per_epoch(view, trial)
        shown = [((place + 1) / per_epoch, steps[place]) for place in thin(steps)] if per_epoch and steps else []
        last = shown[-1][0] if shown else 0.0
        holds = trial.hyperparameters.schedule in HOLDING
        for epoch, rate in enumerate(ends, start=1):
            if epoch > last + 1e-9:
                shown += [(max(last, epoch - 1.0), rate)] * holds + [(float(epoch), rate)]
        found += [(before + x, rate) for x, rate in shown if x <= max(len(ends), 1) + 1e-9]
        before += trial.curves.epochs
    return tuple((x, rate) for x, rate in found if math.isfinite(rate) and rate >= 0)


def steps_per_epoch(view: View, trial: Trial) -> int | None:
    """How many batches an epoch of the trial had; None where the run does not tell how many images it trained on."""
    counts = [read.mapping(finding.evidence, "counts") for finding in view.findings("data")]
    images = sum(read.finite(read.numbers(counts[-1], "train"))) if counts else 0
    images = trial.spec.examples or images
    batch = trial.hyperparameters.batch_size
    return math.ceil(images / batch) if 0 < images < read.LARGEST and batch > 0 else None


def _columns(points: Points) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(x for x, _ in points), tuple(rate for _, rate in points)


def _at_ends(trials: Sequence[Trial]) -> tuple[float, ...]:
    return tuple(rate for trial in trials for rate in trial.curves.learning_rate)


def _axis(ways: Sequence[Sequence[Trial]], drawn: Sequence[Points]) -> Axis:
    """Linear from zero, or logarithmic where a schedule goes by factors or the peaks are far apart."""
    rates = [rate for points in drawn for _, rate in points]
    peaks = [max(rate for _, rate in points) for points in drawn]
    by_factors = any(one[-1].hyperparameters.schedule in BY_FACTORS for one in ways)
    if (by_factors or max(peaks) > FAR * min(peaks)) and min(peaks) > 0:
        floor = min(peaks) / 10**DECADES
        return spread([max(rate, floor) for rate in rates], "learning rate", "log")
    return spread(rates, "learning rate", include=[0.0], within=NOT_NEGATIVE)


def _marks(trials: Sequence[Trial]) -> Iterable[Mark]:
    """Where the warm-up ended, and where the longer run took over from the short one."""
    before = sum(trial.curves.epochs for trial in trials[:-1])
    if before:
        yield Mark(float(before), "trained on")
    warmup = trials[0].hyperparameters.warmup_epochs
    if 0 < warmup < before + trials[-1].curves.epochs:
        yield Mark(warmup, "warm-up ends")


def _said(taken: Trial, trials: Sequence[Trial]) -> str:
    """`Trial 13: CosineDecay after a warm-up of 1 epoch. As recorded, step by step at first.`"""
    point = taken.hyperparameters
    shape = "a rate that is held" if point.schedule == "none" else words.name(point.schedule)
    warmup = trials[0].hyperparameters.warmup_epochs
    after = f" after a warm-up of {words.compact(warmup)} epoch{'s' * (warmup != 1)}" if warmup > 0 else ""
    held = " The short run before it held its rate." if len(trials) > 1 and point.schedule != "none" else ""
    return f"Trial {taken.number}: {shape}{after}, as it was recorded.{held}"
