"""Step 4 as pictures: every short run, and each searched setting against the accuracy it gave."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.hyperparameters import PATHS
from tuner.recipe.names import FULL_BATCH
from tuner.records import Finding, Trial, TrialState
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Fold, Multiples, Table
from tuner.report.charts import lines
from tuner.report.charts.frame import SMALL, Band
from tuner.report.charts.scale import Axis, Kind, spread
from tuner.report.panels.curves import GRAY, rest_words, trials_figure
from tuner.report.view import View

MOST_SETTINGS = 6  # small charts
MOST_LISTED = 12  # numbers of trials in one cell
MOST_NAMED = 8  # trials without a result
LARGE_DOTS = 60  # in a small chart; more of them are drawn smaller
MOST_DOTS = 400  # in a small chart; more of them cover one another and become shaded tiles
MOST_ROWS = 100  # of the table under the small charts; the best
STANDS_OUT = 10  # a positive setting whose largest value is so many times the smallest is drawn on a log axis


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Curves of the trials, accuracy against each searched setting, and the space."""
    evidence = finding.evidence
    numbers = {int(n) for n in read.finite(read.numbers(evidence, "trials"))} or set(finding.trials)
    best = _leader_first([trial for trial in view.evaluated if trial.number in numbers], read.whole(evidence, "best"))
    lost = [
        trial for number, trial in view.trials.items() if number in numbers and trial.val_accuracy != trial.val_accuracy
    ]
    message = rest_words(len(best))
    if best and not read.items(evidence, "rungs") and best[0].val_accuracy < max(t.val_accuracy for t in best):
        message += (
            f" Trial {best[0].number} leads: these accuracies are too close to tell apart, and its loss is lowest."
        )
    if lost:
        message += f" {_lost(lost)}"
    drawn = [view.whole(trial) for trial in best]
    figure = trials_figure("Validation accuracy in the short runs", message, drawn, [])
    if figure:
        yield figure
    noise = read.number(evidence, "noise")
    space = read.mapping(evidence, "space")
    settings = [path for path in space if path in PATHS and _numeric(best, path)][:MOST_SETTINGS]
    if settings and len(best) > 2:
        yield _against(best, settings, noise, space)
    rungs = read.items(evidence, "rungs")
    if rungs:
        yield _rungs(rungs)
    rates = read.mapping(evidence, "optimizers")
    if len(read.mapping(rates, "ratios")) > 1:
        yield _optimizers(rates, best)
    yield Facts(tuple(_facts(finding, best, noise)))
    if space:
        yield Fold("The space that was searched", (_space(space),))


def _optimizers(rates: Mapping[str, Any], best: list[Trial]) -> Table:
    """What a rate of the setting's optimizer became for each of the others, and how far each came."""
    found, ratios, before = read.mapping(rates, "found"), read.mapping(rates, "ratios"), read.text(rates, "before")
    rows = []
    for name in ratios:
        reached = [trial.val_accuracy for trial in best if trial.hyperparameters.optimizer == name]
        line_search = name in FULL_BATCH
        optimum = "line search" if line_search else words.compact(read.number(found, name))
        times = words.MISSING if line_search else words.compact(read.number(ratios, name))
        rows.append((words.name(name), optimum, times, words.accuracy(max(reached)) if reached else words.MISSING))
    note = f"A rate drawn for {before} is multiplied before another optimizer trains with it."
    return Table(
        "Rates by optimizer", ("Optimizer", "Best rate", "Times", "Best accuracy"), tuple(rows), "lrrr", note=note
    )


def _lost(lost: list[Trial]) -> str:
    """`Without a result: trial 8.`, or how many, where they are too many to name."""
    if len(lost) <= MOST_NAMED:
        return f"Without a result: trial {', '.join(str(trial.number) for trial in lost)}."
    diverged = sum(trial.state is TrialState.DIVERGED for trial in lost)
    if diverged == len(lost):
        return f"{words.plural(diverged, 'trial')} diverged."
    return f"Without a result: {words.plural(len(lost), 'trial')}, of which {words.count(diverged)} diverged."


def _rungs(rungs: tuple[Mapping[str, Any], ...]) -> Table:
    """Who was trained how far, and who stopped there."""
    rows = []
    for rung in rungs:
        there = [int(n) for n in read.finite(read.numbers(rung, "trials"))]
        on = {int(n) for n in read.finite(read.numbers(rung, "continued"))}
        stopped = [number for number in there if number not in on]
        last = rung is rungs[-1]
        what = "to the end" if last else f"{len(on)} went on"
        shown = ", ".join(map(str, stopped[:MOST_LISTED])) + ("…" if len(stopped) > MOST_LISTED else "")
        rows.append((str(read.whole(rung, "epochs") or words.MISSING), str(len(there)), what, shown or "none"))
    note = "A trial that went on was continued, not restarted: it has a new number, and its curve here begins there."
    return Table("Who stopped early", ("After epochs", "Trained", "Then", "Ended here"), tuple(rows), "rrll", note=note)


def _leader_first(ranked: list[Trial], leader: int | None) -> list[Trial]:
    """The trial that the step chose, then the others as ranked."""
    return sorted(ranked, key=lambda trial: trial.number != leader)


def _value(trial: Trial, path: str) -> float:
    return read.as_number(trial.hyperparameters.get(path))


def _numeric(trials: list[Trial], path: str) -> bool:
    values = {_value(trial, path) for trial in trials}
    return len(values) > 1 and all(map(math.isfinite, values))


def _against(best: list[Trial], settings: list[str], noise: float, space: Mapping[str, Any]) -> Multiples:
    """Accuracy against each setting, one small chart a setting, all with the same accuracy axis."""
    accuracies = tuple(trial.val_accuracy for trial in best)
    y = spread(accuracies, "val. accuracy", within=(0.0, 1.0))
    band = (Band(max(max(accuracies) - noise, y.low), max(accuracies)),) if noise > 0 else ()
    many = len(best) > MOST_DOTS
    cells = []
    for path in settings:
        values = tuple(_value(trial, path) for trial in best)
        x = _axis(values, read.text(space[path], "sampling"))
        drawing = lines.draw(_scatter(tuple(zip(values, accuracies, strict=True)), x, y, band), SMALL)
        cells.append((path, f"best at {words.compact(values[0])}", drawing))
    rows = tuple(
        (str(t.number), *(words.compact(_value(t, path)) for path in settings), words.accuracy(t.val_accuracy))
        for t in best[:MOST_ROWS]
    )
    note = f"{words.plural(len(best) - MOST_ROWS, 'more trial')} in trials.csv." if len(best) > MOST_ROWS else ""
    head, align = ("Trial", *settings, "Accuracy"), "r" * (len(settings) + 2)
    table = Table("Settings and accuracy", head, rows, align, note=note)
    message = "Darker where there are more trials; the dot is the best." if many else "One dot a trial."
    message += " Inside the shaded band a difference is no larger than chance makes it." if band else ""
    count = words.plural(len(best), "trial")
    description = f"Accuracy of {count} against {', '.join(settings)}. Best: trial {best[0].number}."
    return Multiples("Does a setting matter?", message, description, tuple(cells), table)


def _axis(values: tuple[float, ...], sampling: str) -> Axis:
    wide = sampling == "log" or max(values) > STANDS_OUT * min(values)
    kind: Kind = "log" if wide and min(values) > 0 else "linear"
    return spread(values, "", kind)


def _scatter(points: tuple[lines.Point, ...], x: Axis, y: Axis, band: tuple[Band, ...]) -> lines.LineChart:
    """A dot each, the first and best in color; small dots, then tiles, where they are many."""
    first, *others = (_dot(point, GRAY if index else 0) for index, point in enumerate(points))
    if len(points) > MOST_DOTS:
        return lines.LineChart((first,), x, y, bands=band, heap=points)
    if len(points) > LARGE_DOTS:
        return lines.LineChart((first,), x, y, muted=tuple(others), bands=band)
    return lines.LineChart((*reversed(others), first), x, y, bands=band)


def _dot(point: lines.Point, style: int) -> lines.Series:
    """A series of one point, so that no line joins it to others."""
    return lines.Series("", (point[0],), (point[1],), style)


def _facts(finding: Finding, best: list[Trial], noise: float) -> Iterator[tuple[str, str]]:
    evidence = finding.evidence
    if finding.trials:
        yield "Trials", words.count(len(finding.trials))
    if read.whole(evidence, "epochs"):
        word = "Epochs at most" if read.items(evidence, "rungs") else "Epochs each"
        yield word, str(read.whole(evidence, "epochs"))
    if read.text(evidence, "algorithm"):
        yield "Chosen by", f"{words.name(read.text(evidence, 'algorithm'))} search"
    if best:
        yield "Best", f"trial {best[0].number}, {words.accuracy(best[0].val_accuracy)}"
    if noise > 0:
        yield "Noise of one measurement", f"± {noise:.3f}"


def _space(space: Mapping[str, Any]) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    for path, domain in list(space.items())[:40]:
        choices = read.values(domain, "values")
        span = f"{words.compact(read.number(domain, 'min_value'))} to {words.compact(read.number(domain, 'max_value'))}"
        sampling = read.text(domain, "sampling")
        text = (
            words.setting(choices) if choices else f"{span}{', ' + words.name(sampling) + ' scale' if sampling else ''}"
        )
        rows.append((Cell(words.name(path), code=True), text))
    return Table("Search space", ("Setting", "Values"), tuple(rows), "ll")
