"""How does each class fare, and for what is it taken?

Read on the validation examples, or on the training examples where there are no others. For the report, no verdict.

Source: the table of confusions, row by row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuner.inspection import ClassErrors
from tuner.probes import forward, losses
from tuner.probes.targets_kind import describe

MOST = 2048  # examples
MOST_CLASSES = 100  # more make no table


def classes(subject: Any, names: Sequence[str] = ()) -> tuple[ClassErrors, ...]:
    """Errors of each class, in the order of the classes; empty where there are none. `names` from class 0 on."""
    x, y = (subject.val_x, subject.val_y) if subject.val_y is not None else (subject.x, subject.y)
    loss = losses.read(subject.loss) if not isinstance(subject.loss, dict | list | tuple) else losses.Loss("custom")
    if x is None or y is None or isinstance(y, dict | list | tuple):
        return ()
    count = forward.length(x)
    index = np.random.default_rng(0).permutation(count)[:MOST]
    wanted = np.asarray(y)[index]
    kind = describe(wanted)
    if kind is None or kind.kind not in ("one_hot", "classes", "binary") or kind.classes > MOST_CLASSES:
        return ()
    if loss.family not in ("categorical", "sparse", "binary", "categorical_hinge") and kind.kind != "one_hot":
        return ()
    found = forward.answers(subject.model, forward.rows(x, index))
    if found is None or len(found) != 1:
        return ()
    truth = forward.labels(wanted)
    said = forward.chosen(found[0] + (0.5 if loss.from_logits else 0.0))
    return _table(truth, said, names) if truth.ndim == 1 and truth.shape == said.shape else ()


def _table(truth: Any, said: Any, names: Sequence[str]) -> tuple[ClassErrors, ...]:
    def name(value: int) -> str:
        return names[value] if 0 <= value < len(names) else str(value)

    made = []
    for value in np.unique(truth).tolist():
        answers = said[truth == value]
        wrong = answers[answers != value]
        values, counts = np.unique(wrong, return_counts=True)
        taken = name(int(values[counts.argmax()])) if len(values) else ""
        made.append(ClassErrors(name(value), len(answers), len(wrong), taken))
    return tuple(made)
