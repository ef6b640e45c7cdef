"""Step 4 as pictures: every short run, and each searched setting against the accuracy it gave."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.hyperparameters import PATHS
from tuner.records import Finding, Trial
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Facts, Fold, Multiples, Table
from tuner.report.charts import lines
from tuner.report.charts.frame import SMALL, Band
from tuner.report.charts.scale import Axis, Kind, spread
from tuner.report.panels.curves import trials_figure
from tuner.report.view import View

MOST_SETTINGS = 6  # small charts
STANDS_OUT = 10  # a positive setting whose largest value is so many times the smallest is drawn on a log axis


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """Curves of the trials, accuracy against each searched setting, and the space."""
    evidence = finding.evidence
    numbers = {int(n) for n in read.finite(read.numbers(evidence, "trials"))} or set(finding.trials)
    best = _leader_first([trial for trial in view.evaluated if trial.number in numbers], read.whole(evidence, "best"))
    lost = [
        trial for number, trial in view.trials.items() if number in numbers and trial.val_accuracy != trial.val_accuracy
    ]
    message = "The best five in color, the rest in gray."
    if best and best[0].val_accuracy < max(trial.val_accuracy for trial in best):
        message += (
            f" Trial {best[0].number} leads: these accuracies are too close to tell apart, and its loss is lowest."
        )
    if lost:
        message += f" Without a result: trial {', '.join(str(trial.number) for trial in lost[:8])}."
    figure = trials_figure("Validation accuracy in the short runs", message, best, [])
    if figure:
        yield figure
    noise = read.number(evidence, "noise")
    space = read.mapping(evidence, "space")
    settings = [path for path in space if path in PATHS and _numeric(best, path)][:MOST_SETTINGS]
    if settings and len(best) > 2:
        yield _against(best, settings, noise, space)
    yield Facts(tuple(_facts(finding, best, noise)))
    if space:
        yield Fold("The space that was searched", (_space(space),))


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
    cells = []
    for path in settings:
        values = tuple(_value(trial, path) for trial in best)
        drawing = lines.draw(
            lines.LineChart(
                _dots(values, accuracies), _axis(values, read.text(space[path], "sampling")), y, bands=band
            ),
            SMALL,
        )
        cells.append((path, f"best at {words.compact(values[0])}", drawing))
    rows = tuple(
        (str(t.number), *(words.compact(_value(t, path)) for path in settings), words.accuracy(t.val_accuracy))
        for t in best
    )
    table = Table("Settings and accuracy", ("Trial", *settings, "Accuracy"), rows, "r" * (len(settings) + 2))
    message = "One dot a trial. Inside the shaded band a difference is no larger than chance makes it."
    description = f"Accuracy of {len(best)} trials against {', '.join(settings)}. Best: trial {best[0].number}."
    return Multiples("Does a setting matter?", message, description, tuple(cells), table)


def _axis(values: tuple[float, ...], sampling: str) -> Axis:
    wide = sampling == "log" or max(values) > STANDS_OUT * min(values)
    kind: Kind = "log" if wide and min(values) > 0 else "linear"
    return spread(values, "", kind)


def _dots(values: tuple[float, ...], accuracies: tuple[float, ...]) -> tuple[lines.Series, ...]:
    """A series of one point each, so that no line joins them; the best in the first color."""
    return tuple(
        lines.Series("", (value,), (accuracy,), 5 if index else 0)
        for index, (value, accuracy) in reversed(list(enumerate(zip(values, accuracies, strict=True))))
    )


def _facts(finding: Finding, best: list[Trial], noise: float) -> Iterator[tuple[str, str]]:
    evidence = finding.evidence
    if finding.trials:
        yield "Trials", str(len(finding.trials))
    if read.whole(evidence, "epochs"):
        yield "Epochs each", str(read.whole(evidence, "epochs"))
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
