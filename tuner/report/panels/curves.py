"""How does any panel draw trials over epochs? Axes, table twins and labels that several panels share."""

import math
from collections.abc import Callable, Sequence

from tuner.records import LearningCurves, Trial, TrialState
from tuner.report import words
from tuner.report.blocks import Cell, Drawing, Figure, Table
from tuner.report.charts.frame import SMALL, Mark
from tuner.report.charts.lines import Crowd, LineChart, Series, draw, draw_both
from tuner.report.charts.scale import Axis, spread

BEST = 5  # drawn in color; the others are gray
GRAY = 5  # the style of what is not in color
CROWD = 40  # curves: more of them in gray are a tangle, and are drawn as bands
SHARES = (0.9, 0.5)  # of the curves, in the light band and in the dark one
MOST_ROWS = 30  # of a table twin; longer curves are thinned
LOSS_CEILING = 1.6  # times the highest first loss: what lies above is cut off, or it would flatten all the rest

ONSET_STYLES = {"warn": "warned", "fail": "failed"}  # classes of the style sheet
NOT_NEGATIVE = (0.0, math.inf)  # where the numbers of an axis may lie

Write = Callable[[float], str]


def epochs_axis(epochs: int) -> Axis:
    """Whole epochs from 1; a single epoch still gets an axis of some length."""
    return Axis("epoch", 1, max(epochs, 2), "integer")


def thinned(length: int) -> list[int]:
    """Indices of at most `MOST_ROWS` rows, first and last among them."""
    if length <= MOST_ROWS:
        return list(range(length))
    return sorted({round(index * (length - 1) / (MOST_ROWS - 1)) for index in range(MOST_ROWS)})


def by_epoch(caption: str, curves: Sequence[tuple[str, Sequence[float]]], write: Write) -> Table:
    """A table twin: a row an epoch, a column a curve."""
    length = max([len(values) for _, values in curves] or [0])
    rows = tuple(
        (str(index + 1), *(write(values[index]) if index < len(values) else "" for _, values in curves))
        for index in thinned(length)
    )
    note = "Some epochs are left out; all are in report.json." if length > MOST_ROWS else ""
    return Table(caption, ("Epoch", *(label for label, _ in curves)), rows, "r" * (len(curves) + 1), note=note)


def trials_figure(
    title: str, message: str, best: Sequence[Trial], rest: Sequence[Trial], marks: tuple[Mark, ...] = ()
) -> Figure | None:
    """Validation accuracy by epoch: `best` in color with their numbers at the line's end, `rest` in gray.

    What is more than `CROWD` in gray becomes two shaded bands and their median.
    """
    drawn = [trial for trial in (*best, *rest) if trial.curves.val_accuracy]
    if not drawn:
        return None
    series = tuple(_series(trial, style) for style, trial in enumerate(drawn[:BEST]))
    others = drawn[BEST:]
    crowds, middle = crowd_of([trial.curves.val_accuracy for trial in others]) if len(others) > CROWD else ((), ())
    muted = () if crowds else tuple(_series(trial, 0) for trial in others)
    values = [v for one in (*series, *muted) for v in one.y] + [v for one in crowds for v in (*one.low, *one.high)]
    curves = [(f"trial {t.number}", t.curves.val_accuracy) for t in drawn[:BEST]]
    if crowds:
        series += (Series("median", crowds[0].x, middle, GRAY),)
        curves.append(("median of the others", middle))
    table = by_epoch(title, curves, words.accuracy)
    stops = tuple(float(row[0]) for row in table.rows if isinstance(row[0], str))
    y = spread(values, "validation accuracy", include=[mark.value for mark in marks], within=(0.0, 1.0))
    epochs = epochs_axis(max(trial.curves.epochs for trial in drawn))
    wide, narrow = draw_both(LineChart(series, epochs, y, muted, marks, stops=stops, crowds=crowds))
    lead = drawn[0]
    best_one = f"trial {lead.number} is best at {words.accuracy(lead.val_accuracy)}"
    description = f"Validation accuracy by epoch of {words.plural(len(drawn), 'trial')}; {best_one}."
    return Figure(title, message, description, wide, narrow, table)


def crowd_of(curves: Sequence[Sequence[float]]) -> tuple[tuple[Crowd, ...], tuple[float, ...]]:
    """The bands in which `SHARES` of many curves lie at each epoch, and their median; a curve counts while it lasts."""
    epochs = range(max(map(len, curves)))
    columns = [sorted(curve[at] for curve in curves if at < len(curve) and math.isfinite(curve[at])) for at in epochs]
    known = [(float(at + 1), column) for at, column in enumerate(columns) if column]
    x = tuple(at for at, _ in known)

    def quantile(share: float) -> tuple[float, ...]:
        return tuple(column[round(share * (len(column) - 1))] for _, column in known)

    return tuple(Crowd(x, quantile(0.5 - s / 2), quantile(0.5 + s / 2)) for s in SHARES if x), quantile(0.5)


def rest_words(trials: int) -> str:
    """How `trials_figure` shows the trials that are not among the best, in words."""
    if trials - BEST <= CROWD:
        return "The best five in color, the rest in gray."
    others = words.count(trials - BEST)
    return f"The best five in color. Of the {others} others, half lie in the dark band, nine in ten in the light one."


def _series(trial: Trial, style: int) -> Series:
    values = trial.curves.val_accuracy
    diverged = trial.state is TrialState.DIVERGED
    return Series(f"trial {trial.number}", tuple(range(1, len(values) + 1)), values, style, diverged=diverged)


def loss_axis(curves: Sequence[LearningCurves]) -> Axis:
    """One axis for the training and validation losses of several trials, so that their pictures compare."""
    firsts = [
        value for one in curves for values in (one.loss, one.val_loss) for value in values[:1] if math.isfinite(value)
    ]
    middle = sorted(firsts)[len(firsts) // 2] if firsts else 1.0
    ceiling = LOSS_CEILING * min(max(firsts, default=1.0), 3 * middle)  # one wild trial must not flatten the others
    values = [min(value, ceiling) for one in curves for value in (*one.loss, *one.val_loss) if math.isfinite(value)]
    return spread(values, "loss, nats", include=[0.0], within=NOT_NEGATIVE)


def onset_mark(epoch: int, label: str, outcome: str) -> Mark:
    """Where a finding begins, in the color of its outcome (pass | warn | fail)."""
    return Mark(epoch, label, style=ONSET_STYLES.get(outcome, "mark"))


def best_mark(epoch: int, label: str) -> Mark:
    """The epoch of the best validation."""
    return Mark(epoch, label, style="pick")


def small_losses(trial: Trial, y: Axis, onset: int | None, outcome: str) -> Drawing:
    """Training and validation loss of one trial on a small canvas, its best epoch and its symptom's onset marked."""
    epochs = max(trial.curves.epochs, 1)
    diverged = trial.state is TrialState.DIVERGED
    series = tuple(
        Series(label, tuple(range(1, len(values) + 1)), values, style, diverged=diverged)
        for style, (label, values) in enumerate((("train", trial.curves.loss), ("val", trial.curves.val_loss)))
    )
    marks: tuple[Mark, ...]
    marks = (onset_mark(onset, f"epoch {onset}", outcome),) if onset is not None and 1 <= onset <= epochs else ()
    if marks and trial.best_epoch is not None and trial.spec.validate and 1 <= trial.best_epoch < epochs:
        marks += (best_mark(trial.best_epoch, "best"),)
    return draw(LineChart(series, epochs_axis(epochs), y, marks=marks), SMALL)


def last_cells(trial: Trial) -> tuple[str | Cell, ...]:
    """The final training and validation loss and accuracy of a trial, for a table twin."""
    made = trial.curves
    ends = [
        values[-1] if values else math.nan for values in (made.loss, made.val_loss, made.accuracy, made.val_accuracy)
    ]
    return (words.loss(ends[0]), words.loss(ends[1]), words.accuracy(ends[2]), words.accuracy(ends[3]))
