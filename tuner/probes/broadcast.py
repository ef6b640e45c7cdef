"""Does a training step of somebody's own subtract a column from a row?

Targets of shape (N,) and answers of shape (N, 1) differ by N by N numbers, the mean of whose squares is least where
every answer is the mean of all targets. Keras's losses bring both to one shape; a step of one's own has to.

Source: NumPy, broadcasting; Keras 3.15.1, `squeeze_or_expand_to_same_rank`.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.probes import forward
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

SAME = 0.1  # deviation of the answers over that of the targets, below which all are answered alike
HANDLED = re.compile(r"compute_loss|compiled_loss|reshape|squeeze|expand_dims|newaxis|None\]|ravel|flatten")
EXAMPLES = 256


@dataclass(frozen=True)
class Broadcast:
    """A step of somebody's own, and what came of it."""

    spread: float  # deviation of the answers over that of the targets
    handled: bool  # the step's own text changes a shape, or leaves the loss to Keras


def measure(subject: Any) -> Broadcast | None:
    """Compare the answers with a column of targets; None where Keras computes the loss, or the shapes are alike."""
    step = type(subject.model).train_step
    if step is keras.Model.train_step or not subject.trained or any(_several(one) for one in (subject.x, subject.y)):
        return None
    index = forward.sample(subject, EXAMPLES)
    y = np.asarray(subject.y)[index]
    if y.ndim != 1 or y.dtype.kind not in "iuf" or not np.ptp(y):
        return None
    found = forward.answers(subject.model, forward.rows(subject.x, index))
    if found is None or len(found) != 1 or found[0].shape != (len(y), 1) or not np.isfinite(found[0]).all():
        return None
    try:
        text = inspect.getsource(step)
    except (OSError, TypeError):  # typed in by hand
        text = ""
    return Broadcast(float(found[0].std() / y.std()), bool(HANDLED.search(text)))


def _several(data: Any) -> bool:
    return data is None or isinstance(data, dict | list | tuple)


def judge(evidence: Broadcast, context: Context) -> Iterator[Verdict]:
    """`head_loss_mismatch` where the answers are all alike besides."""
    if evidence.handled or evidence.spread >= SAME:
        return
    yield Verdict(
        "head_loss_mismatch",
        Outcome.WARN,
        "The training step is the model's own, its targets are a row (N,) and its answers a column (N, 1): subtracted "
        "they make N by N numbers, which are least where all answers are the mean. The answers vary by "
        f"{evidence.spread:.1%} of what the targets do.",
        {"spread": evidence.spread},
        (Change("data.labels", "look", "y[:, None] before the two meet, or self.compute_loss, which sees to it"),),
        confidence=0.8,
        check="print(y.shape, y_pred.shape) in train_step",
        source="NumPy, broadcasting; Keras, squeeze_or_expand_to_same_rank",
    )


PROBE = Probe("broadcast", "Does a step of its own compare a row with a column?", Broadcast, measure, judge)
