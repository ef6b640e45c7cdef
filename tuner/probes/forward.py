"""What does the model answer, in inference mode, and how good is that? A few hundred examples, no training.

A model that cannot take the data at all (a shape that does not fit, an index outside an embedding) answers None: this
is a finding of the probes that read the structure, not a reason to stop.
"""

import math
import sys
from typing import Any

import keras
import numpy as np

from tuner.probes import losses
from tuner.probes.losses import Loss
from tuner.probes.targets_kind import Targets, describe


def failures() -> tuple[type[BaseException], ...]:
    """What a backend raises where the data do not fit the model."""
    tensorflow = sys.modules.get("tensorflow")
    own = (tensorflow.errors.OpError,) if tensorflow is not None and keras.backend.backend() == "tensorflow" else ()
    return (ValueError, TypeError, IndexError, *own)


def rows(values: Any, index: Any) -> Any:
    """The same rows of an array, or of every array in a list or dictionary."""
    if isinstance(values, dict):
        return {name: rows(part, index) for name, part in values.items()}
    if isinstance(values, list | tuple) and values and not np.isscalar(values[0]):
        return type(values)(rows(part, index) for part in values)
    return np.asarray(values)[index]


def length(values: Any) -> int:
    """How many examples there are; 0 for None."""
    if values is None:
        return 0
    first = next(iter(values.values())) if isinstance(values, dict) else values
    if isinstance(first, list | tuple) and first and hasattr(first[0], "shape"):
        first = first[0]
    return len(first)


def sample(subject: Any, most: int) -> Any:
    """The first `most` of the examples that are looked at, as indices."""
    return np.random.default_rng(0).permutation(length(subject.x))[:most]


def answers(model: Any, x: Any, batch_size: int = 128) -> list[Any] | None:
    """The outputs for `x`, one array (N, ...) for each output of the model; None where the model cannot take `x`."""
    parts = []
    try:
        for start in range(0, length(x), batch_size):
            found = model(rows(x, slice(start, start + batch_size)), training=False)
            flat = list(found.values()) if isinstance(found, dict) else found
            flat = list(flat) if isinstance(flat, list | tuple) else [flat]
            parts.append([keras.ops.convert_to_numpy(part).astype("float32") for part in flat])
    except failures():
        return None
    return [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else None


def chosen(output: Any) -> Any:
    """Class of each answer: the largest of several scores; of a single one whether it is above a half."""
    return output.argmax(-1) if output.shape[-1] > 1 else (output[..., 0] > 0.5).astype(int)


def labels(targets: Any) -> Any:
    """Class of each target: the place of the one in a row, or the integer itself."""
    found = np.asarray(targets)
    if found.ndim > 1 and found.shape[-1] > 1:
        return found.argmax(-1)
    return found.reshape(len(found), -1)[:, 0].astype(int) if found.ndim <= 2 else found[..., 0].astype(int)


def quality(output: Any, targets: Any, kind: Targets | None, loss: Loss) -> float:
    """How much better than one answer to all: accuracy over the largest class's share, or R2; 1 perfect, 0 none."""
    if kind is None or kind.kind in ("other", "constant") or output is None:
        return math.nan
    wanted = np.asarray(targets, "float64")
    if kind.kind in ("one_hot", "classes", "binary") and loss.family not in ("regression", ""):
        output = output - 0.0 if not (loss.from_logits and output.shape[-1] == 1) else output + 0.5
        truth, said = labels(targets), chosen(output)
        if truth.shape != said.shape:
            return math.nan
        _, counts = np.unique(truth, return_counts=True)
        base = counts.max() / truth.size
        return float(((truth == said).mean() - base) / max(1 - base, 1e-9))
    if wanted.size != output.size:
        return math.nan
    variance = float(wanted.reshape(len(wanted), -1).var(0).mean())
    error = float(((wanted.reshape(output.shape) - output) ** 2).mean())
    return 1 - error / variance if variance > 0 else math.nan


def quality_of(subject: Any, most: int = 256) -> float:
    """The same for the model of a subject with one input and one output; NaN for others, and where it is untrained."""
    if subject.trained is False or subject.y is None or isinstance(subject.y, dict | list | tuple):
        return math.nan
    index = sample(subject, most)
    found = answers(subject.model, rows(subject.x, index))
    if found is None or len(found) != 1:
        return math.nan
    wanted = np.asarray(subject.y)[index]
    return quality(found[0], wanted, describe(wanted), losses.read(subject.loss))
