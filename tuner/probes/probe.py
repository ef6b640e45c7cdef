"""What is a probe? Two functions, like a step: `measure` looks inside a model, `judge` says what it means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tuner.records import Verdict
from tuner.symptoms import Context


@dataclass(frozen=True)
class Probe:
    """One question to a model and a batch.

    `measure(subject)` touches Keras and returns `evidence` (a frozen dataclass of plain numbers, words and tuples, so
    that it can be kept as JSON and judged again), or None where the question cannot be asked of this model.
    `judge(evidence, context)` is pure.
    """

    name: str
    says: str  # the question, in one sentence
    evidence: type
    measure: Callable[[Any], Any]  # Subject -> evidence or None
    judge: Callable[[Any, Context], Iterator[Verdict]]
    trains: bool = False  # it takes training steps on a copy: seconds, not for every epoch
