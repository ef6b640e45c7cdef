"""Has training seen the validation examples, or is the answer one of the inputs?

Rows are compared by their content. Tables with few different rows repeat themselves within the training data too: only
copies beyond what is usual there count.

Source: UMLAUT (validation that is too good); Barz and Denzler 2020 (copies across the splits of CIFAR).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from tuner.probes import forward
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LEAST = 20  # validation examples; toy tables are their own validation
SHARE = 0.2  # of the validation examples that training has seen, and
BEYOND = 3.0  # this many times the share of copies within the training data
SURE = 0.5
MOST_BYTES = 1 << 29  # of one array: half a gigabyte takes about a second
FEATURES = 3  # a table of one or two columns may be its own answer


@dataclass(frozen=True)
class Leak:
    """Copies, as shares of the examples."""

    across: float  # of the validation examples that are training examples too
    within: float  # of the training examples that are copies of another one
    val_count: int
    equal_feature: int | None  # column of the inputs that is the target itself


def measure(subject: Any) -> Leak | None:
    """Compare rows by hash; None where there is nothing to compare."""
    x, val_x = subject.x, subject.val_x
    if x is None or isinstance(x, dict | list | tuple):
        return None
    column = _equal_feature(np.asarray(x), subject.y)
    if val_x is None or isinstance(val_x, dict | list | tuple) or max(_size(x), _size(val_x)) > MOST_BYTES:
        return None if column is None else Leak(0.0, 0.0, 0, column)
    train, val = _hashes(x), _hashes(val_x)
    seen = set(train)
    return Leak(
        sum(row in seen for row in val) / max(len(val), 1), 1 - len(seen) / max(len(train), 1), len(val), column
    )


def _size(values: Any) -> int:
    return int(np.asarray(values).nbytes)


def _hashes(values: Any) -> list[bytes]:
    rows = np.ascontiguousarray(np.asarray(values), "float32") if np.asarray(values).dtype.kind in "biuf" else None
    given = rows if rows is not None else np.asarray(values)
    return [blake2b(row.tobytes(), digest_size=12).digest() for row in given]


def _equal_feature(x: Any, y: Any) -> int | None:
    if y is None or isinstance(y, dict | list | tuple) or x.ndim != 2 or x.shape[1] < FEATURES or len(x) < 2 * LEAST:
        return None
    target = np.asarray(y)
    if target.dtype.kind not in "biuf" or x.dtype.kind not in "biuf" or target.ndim > 2:
        return None
    if target.ndim == 2 and target.shape[1] > 1 and not ((target == 0) | (target == 1)).all():
        return None
    column = forward.labels(target) if target.ndim == 2 and target.shape[1] > 1 else target.reshape(len(target))
    if len(np.unique(column)) < 2 or len(column) != len(x):
        return None
    same = (x == column[:, None]).all(0)
    return int(same.argmax()) if same.any() else None


def judge(evidence: Leak, context: Context) -> Iterator[Verdict]:
    """Copies across the split, and a feature that is the answer."""
    copies = evidence.across >= max(SHARE, BEYOND * evidence.within + 0.05)
    if evidence.val_count >= LEAST and copies:
        yield Verdict(
            "val_suspiciously_good",
            Outcome.FAIL if evidence.across >= SURE else Outcome.WARN,
            f"{evidence.across:.0%} of the validation examples are training examples too: validation measures memory.",
            {"copies": evidence.across, "copies_within_training": evidence.within, "val_count": evidence.val_count},
            (Change("data.split", "look", "split by content, before anything is copied or augmented"),),
            confidence=0.95 if evidence.across >= SURE else 0.85,
            check="remove the copies from the validation data and evaluate again",
            source="rows compared by content",
        )
    if evidence.equal_feature is not None:
        yield Verdict(
            "val_suspiciously_good",
            Outcome.WARN,
            f"Column {evidence.equal_feature} of the inputs is the target itself.",
            {"column": evidence.equal_feature},
            (Change("data.split", "look", "take the column out of the inputs"),),
            confidence=0.9,
            check="train without this column",
            source="columns compared with the target",
        )


PROBE = Probe("leak", "Has training seen the validation examples or the answers?", Leak, measure, judge)
