"""Which trials were run, best first, and in what did they differ?"""

from collections.abc import Iterator

from tuner.hyperparameters import PATHS
from tuner.records import Trial, TrialState
from tuner.report import words
from tuner.report.blocks import Block, Cell, Table, Text
from tuner.report.lessons import step_title
from tuner.report.view import View

MOST_ROWS = 200  # the rest stands in trials.csv
MOST_SETTINGS = 8  # columns
NARROW = 8  # so many columns fit the width of the text; a table with more is let out on wide screens


def panel(view: View) -> Iterator[Block]:
    """One table; settings that are the same in every trial are left out."""
    ranked = ranking(view)
    if not ranked:
        yield Text("No trial was finished.")
        return
    paths = varying(ranked)[:MOST_SETTINGS]
    rounds = any(trial.spec.round for trial in ranked)
    head = ("Trial", "Val. accuracy", "Val. loss", *(("Round",) if rounds else ()), "Step", "Epochs", *paths, "Seconds")
    shown = ranked[:MOST_ROWS]
    align = "rrr" + "r" * rounds + "rr" + "".join("l" if _textual(shown, path) else "r" for path in paths) + "r"
    rows = tuple(_row(trial, paths, rounds) for trial in shown)
    hidden, folds = len(ranked) - len(rows), sum(trial.spec.fold is not None for trial in view.run.trials)
    note = f"{words.plural(hidden, 'more trial')} in trials.csv, beside this page." if hidden > 0 else ""
    note += f" {words.plural(folds, 'trial')} on folds stand there too." if folds else ""
    style = "trials roomy" if len(head) > NARROW else "trials"
    yield Table("All trials, best first", head, rows, align, sortable=True, note=note, style=style, quiet=True)


def ranking(view: View) -> tuple[Trial, ...]:
    """All trials but those on folds: those with a validation accuracy, best first, then the others by number."""
    ranked = {trial.number for trial in view.evaluated}
    rest = (trial for trial in view.run.trials if trial.number not in ranked and trial.spec.fold is None)
    return (*view.evaluated, *rest)


def varying(trials: tuple[Trial, ...]) -> list[str]:
    """The recipe paths in which the trials differ, in the recipe's order."""
    points = [trial.spec.hyperparameters for trial in trials]
    firsts = {path: getattr(points[0], field) for path, field in PATHS.items()} if points else {}
    return [path for path, first in firsts.items() if any(getattr(p, PATHS[path]) != first for p in points)]


def _textual(trials: tuple[Trial, ...], path: str) -> bool:
    return any(isinstance(trial.hyperparameters.get(path), str | tuple) for trial in trials)


def _row(trial: Trial, paths: list[str], rounds: bool) -> tuple[str | Cell, ...]:
    diverged = trial.state is TrialState.DIVERGED
    result: str | Cell = Cell("diverged", outcome="fail") if diverged else words.accuracy(trial.val_accuracy)
    place = (str(trial.spec.round) if trial.spec.round else words.MISSING,) if rounds else ()
    values = (words.setting(trial.hyperparameters.get(path)) for path in paths)
    lesson = step_title(trial.spec.step)
    step = str(lesson.number) if lesson.number else lesson.title
    epochs = str(trial.curves.epochs or words.MISSING)
    return (
        str(trial.number),
        result,
        words.loss(trial.val_loss),
        *place,
        step,
        epochs,
        *values,
        f"{trial.seconds:.1f}",
    )
