"""How well does a network do, in a figure that can be held against another's? Loss where it is the same, else a score.

A remedy may change the loss itself; then classes are compared by accuracy and numbers by R squared. Each figure comes
in parts of the examples, so that a difference can be told from noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.examples import Array
from tuner.diagnosis.setups import CannotApply, Setup, loss_parts

LOSS, ACCURACY, R2 = "loss", "accuracy", "r2"
MOST = 4096  # examples that are scored
PARTS = 8  # of the examples, whose spread is the noise
LEAST_PART = 4  # examples
MOST_CLASSES = 1000
CLASS_LOSSES = ("crossentropy", "hinge")


@dataclass(frozen=True)
class Yardstick:
    """What is compared: one of LOSS, ACCURACY, R2, on validation examples or, without any, on training examples."""

    kind: str
    validated: bool

    @property
    def name(self) -> str:
        """As a column of a history is named."""
        return f"val_{self.kind}" if self.validated else self.kind

    @property
    def sign(self) -> int:
        """1 where more is better."""
        return -1 if self.kind == LOSS else 1


def yardstick(setups: Sequence[Setup]) -> Yardstick:
    """What all these setups can be compared by; the first is the run as it was."""
    validated = setups[0].val_x is not None and setups[0].val_y is not None
    if all(setup.same_loss for setup in setups):
        return Yardstick(LOSS, validated)
    about_classes = any(word in _name(setup) for setup in setups for word in CLASS_LOSSES)
    return Yardstick(ACCURACY if about_classes and _are_classes(setups[0].y) else R2, validated)


def scores(network: keras.Model, setup: Setup, by: Yardstick, truth: Array) -> Array:
    """The figure in each part of the examples; NaN where the network's answers are not finite.

    Args:
        truth: the targets as the user gave them, which accuracy is counted against.
    """
    x, y = (setup.val_x, setup.val_y) if by.validated else (setup.x, setup.y)
    assert x is not None
    assert y is not None
    x, y, truth = x[:MOST], y[:MOST], truth[:MOST]
    answers = np.asarray(network.predict(x, verbose=0, batch_size=256))
    count = max(1, min(PARTS, len(x) // LEAST_PART))
    if not np.isfinite(answers).all():
        return np.full(count, math.nan)
    return np.array([_figure(setup, by, answers[i::count], y[i::count], truth[i::count], y) for i in range(count)])


def _figure(setup: Setup, by: Yardstick, answers: Array, y: Array, truth: Array, everything: Array) -> float:
    if by.kind == LOSS:
        loss = keras.losses.get(setup.loss)
        return float(np.mean(keras.ops.convert_to_numpy(loss(*_alike(y, answers)))))
    if by.kind == ACCURACY:
        return float(np.mean(_labels(truth) == _guesses(setup, answers, truth)))
    rows = y.reshape(len(y), -1).astype("float64")
    errors = (rows - answers.reshape(len(y), -1)) ** 2
    return float(1 - errors.mean() / max(everything.astype("float64").var(), 1e-30))


def _alike(y: Array, answers: Array) -> tuple[Array, Array]:
    """A column of targets has the rank of its answers, or the loss would compare every pair."""
    return (y.reshape(-1, 1) if y.ndim == 1 and answers.ndim == 2 and answers.shape[1] == 1 else y), answers


def _labels(truth: Array) -> Array:
    if truth.ndim > 1 and truth.shape[-1] > 1:
        one_hot = (truth.sum(axis=-1) == 1).all()
        return np.asarray(truth.argmax(axis=-1) if one_hot else truth > 0.5)
    return truth.reshape(-1).astype("int64")


def _guesses(setup: Setup, answers: Array, truth: Array) -> Array:
    """The class that each answer means."""
    if truth.ndim > 1 and truth.shape[-1] > 1 and not (truth.sum(axis=-1) == 1).all():
        above: Array = np.asarray(answers) > _middle(setup)
        return above
    if answers.shape[-1] > 1:
        most_likely: Array = answers.argmax(axis=-1).reshape(_labels(truth).shape)
        return most_likely
    flat = answers.reshape(-1)
    if _name(setup).startswith(CLASS_LOSSES) or "binary" in _name(setup) or "hinge" in _name(setup):
        low = -1 if truth.min() < 0 else 0
        return np.asarray(np.where(flat > _middle(setup), 1, low))
    return np.round(flat).astype("int64")


def _middle(setup: Setup) -> float:
    """Between yes and no: 0 for scores, 1/2 for probabilities."""
    try:
        name, settings = loss_parts(setup.loss)
    except CannotApply:
        return 0.5
    return 0.0 if settings.get("from_logits") or "hinge" in name else 0.5


def _name(setup: Setup) -> str:
    try:
        return loss_parts(setup.loss)[0]
    except CannotApply:
        return ""


def _are_classes(y: Any) -> bool:
    if y.ndim > 1 and y.shape[-1] > 1:
        return bool(np.isin(y, (0, 1)).all())
    whole = np.isfinite(y).all() and (y == np.round(y)).all()
    return bool(whole) and len(np.unique(y)) <= MOST_CLASSES
