"""What does a reader hand over? The curves, which column became which, and what the file itself tells of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tuner.records import LearningCurves, Run, Trial
from tuner.symptoms.context import Context

Column = Sequence[float | None]  # None where nothing was measured


class ReadError(ValueError):
    """What was given holds no learning curves; the message says what was found and what is wanted."""


@dataclass(frozen=True)
class Choice:
    """What the user says about the columns; None leaves it to the names."""

    train: str | None = None
    val: str | None = None
    higher_is_better: bool = False


@dataclass(frozen=True)
class Reading:
    """Learning curves as they were found in one place."""

    source: str
    curves: LearningCurves
    columns: Mapping[str, str]  # what it was taken as -> name of the column
    epochs: tuple[int, ...]  # number of each epoch, from 1; with gaps where validation was not measured every time
    unused: tuple[str, ...] = ()  # columns that were not taken
    context: Context = field(default_factory=Context)  # what the place itself tells
    run: Run | None = None  # where it is a run folder
    trial: Trial | None = None  # the trial of it that was read
    notes: tuple[str, ...] = ()  # what had to be decided or left out on the way, a sentence each
    others: tuple["Reading", ...] = ()  # the other trials of a search, as far as their curves were kept


def noted(reading: Reading, *notes: str) -> Reading:
    """The reading with more to say about how it came to be."""
    return replace(reading, notes=(*reading.notes, *notes)) if notes else reading
