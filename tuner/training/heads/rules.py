"""How does each optimizer move a block of columns, every column with numbers of its own? As Keras does, in NumPy.

A rule works on one block of rows: weights `w` and gradient `g` (rows, columns), its slots of the same shape, all
changed in place (`g` becomes scratch). Learning rate, momentum and decay are vectors with one entry a column. Decoupled
weight decay comes first, at the rate of the step, as in Keras; NovoGrad alone has it in its moment.

Source: keras 3.15.1, src/optimizers/{base_optimizer,sgd,adam,rmsprop,adagrad}.py; tuner/training/novograd.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.hyperparameters import Hyperparameters
from tuner.training.heads.bank import Array

BETA_1, BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-7  # Keras's defaults
RHO, RMSPROP_EPSILON = 0.9, 1e-7  # likewise
ADAGRAD_START = 0.1 + 1e-7  # likewise: the accumulator's first value, and epsilon; the slot holds what is added to it
NOVOGRAD_1, NOVOGRAD_2, NOVOGRAD_EPSILON = 0.95, 0.98, 1e-8  # as in tuner/training/novograd.py


@dataclass(frozen=True)
class Columns:
    """The numbers of a block's columns, for one step."""

    rate: Array  # (columns,) float32
    momentum: Array
    decay: Array | None  # weight_decay times rate, of the weights before the rule; None where all are 0
    iteration: Array  # (columns,) int, of this step, from 1
    weight_decay: Array
    square: Array | None = None  # of the gradient's length over all rows of the head's kernel or bias, where asked for


Update = Callable[[Array, Array, Sequence[Array], Columns, Array], None]  # w, g, slots, columns, scratch


def sgd(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """Momentum; with momentum 0, plain gradient descent."""
    (m,) = slots
    m *= columns.momentum
    g *= columns.rate
    m -= g
    w += m


def nesterov(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """Nesterov's momentum as Keras writes it: a step along the momentum that is to come."""
    (m,) = slots
    m *= columns.momentum
    g *= columns.rate
    m -= g
    np.multiply(m, columns.momentum, out=scratch)
    scratch -= g
    w += scratch


def adam(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """Adam; AdamW is the same, since decay is decoupled for all."""
    m, v = slots
    np.subtract(g, m, out=scratch)
    scratch *= np.float32(1 - BETA_1)
    m += scratch
    np.square(g, out=g)
    g -= v
    g *= np.float32(1 - BETA_2)
    v += g
    np.sqrt(v, out=g)
    g += np.float32(ADAM_EPSILON)
    np.multiply(m, columns.rate * adam_correction(columns.iteration), out=scratch)
    scratch /= g
    w -= scratch


def adam_correction(iteration: Array) -> Array:
    """By what Adam multiplies the rate of a step, counted from 1: its moments start at 0. In float32, as Keras does."""
    taken = iteration.astype(np.float32)
    one = np.float32(1)
    found: Array = np.sqrt(one - np.float32(BETA_2) ** taken) / (one - np.float32(BETA_1) ** taken)
    return found


def rmsprop(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """RMSprop, not centered; with momentum 0, without it."""
    v, m = slots
    np.square(g, out=scratch)
    scratch *= np.float32(1 - RHO)
    v *= np.float32(RHO)
    v += scratch
    np.add(v, np.float32(RMSPROP_EPSILON), out=scratch)
    np.sqrt(scratch, out=scratch)
    g *= columns.rate
    g /= scratch
    m *= columns.momentum
    m += g
    w -= m


def adagrad(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """Adagrad; its slot is the sum of squared gradients."""
    (total,) = slots
    np.square(g, out=scratch)
    total += scratch
    np.add(total, np.float32(ADAGRAD_START), out=scratch)
    np.sqrt(scratch, out=scratch)
    g *= columns.rate
    g /= scratch
    w -= g


def novograd(w: Array, g: Array, slots: Sequence[Array], columns: Columns, scratch: Array) -> None:
    """NovoGrad; every number of its second slot is that of the head's kernel or bias as a whole."""
    m, v = slots
    now = columns.square
    assert now is not None  # a rule `by_layer` is given it
    np.multiply(v, np.float32(NOVOGRAD_2), out=scratch)
    scratch += np.float32(1 - NOVOGRAD_2) * now
    v[:] = np.where(v > 0, scratch, now)
    np.sqrt(v, out=scratch)
    scratch += np.float32(NOVOGRAD_EPSILON)
    g /= scratch
    m *= np.float32(NOVOGRAD_1)
    m += g
    np.multiply(w, columns.weight_decay, out=scratch)
    m += scratch
    np.multiply(m, columns.rate, out=scratch)
    w -= scratch


@dataclass(frozen=True)
class Rule:
    """An update and how many slots like the weights it keeps."""

    name: str
    update: Update
    slots: int
    has_momentum: bool
    by_layer: bool = False  # it asks for `Columns.square`, and decays by itself


RULES: Mapping[str, Rule] = {
    "sgd": Rule("sgd", sgd, 1, True),
    "nesterov": Rule("nesterov", nesterov, 1, True),
    "adam": Rule("adam", adam, 2, False),
    "rmsprop": Rule("rmsprop", rmsprop, 2, True),
    "adagrad": Rule("adagrad", adagrad, 1, False),
    "novograd": Rule("novograd", novograd, 2, False, by_layer=True),
}
OPTIMIZERS: Mapping[str, str] = {  # class -> rule
    "SGD": "sgd",
    "Adam": "adam",
    "AdamW": "adam",
    "RMSprop": "rmsprop",
    "Adagrad": "adagrad",
    "NovoGrad": "novograd",
}


def rule_of(point: Hyperparameters) -> Rule:
    """The rule of a point's optimizer. Raises `KeyError` for an optimizer that is not in `OPTIMIZERS`."""
    name = OPTIMIZERS[point.optimizer]
    return RULES["nesterov" if name == "sgd" and point.nesterov else name]
