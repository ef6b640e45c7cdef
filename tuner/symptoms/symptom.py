"""What is a symptom? One function from curves to a verdict or nothing, and the symptoms whose consequence it may be."""

from collections.abc import Callable
from dataclasses import dataclass

from tuner.records import LearningCurves, Verdict
from tuner.symptoms.context import Context


@dataclass(frozen=True)
class Symptom:
    """One shape of curve that has a name."""

    name: str
    says: str  # in one sentence, for the table of verdicts
    find: Callable[[LearningCurves, Context], Verdict | None]
    yields_to: tuple[str, ...] = ()  # upstream symptoms: where one of them is found, this one is its consequence
    note: bool = False  # no alarm: may stand beside `healthy`


# Nothing further down the line means anything once training itself broke.
BROKEN = ("nan_or_inf", "loss_increases_from_start", "diverging", "stuck_at_chance")
