"""How does a head of a bank go on in Keras? Its optimizer's state, put where Keras keeps it.

A bank serves what trains on frozen features or on one augmented stream. A longer run may ask for more, such as mixed
labels, and goes on in the whole model from where the head stopped. The rules are the same ones, the slots are named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuner.training.heads.rules import ADAGRAD_START, ADAM_EPSILON, Rule

SLOTS: Mapping[str, tuple[str, ...]] = {
    "sgd": ("momentums",),
    "nesterov": ("momentums",),
    "adam": ("_momentums", "_velocities"),
    "rmsprop": ("_velocities", "_momentums"),
    "adagrad": ("_accumulators",),
    "novograd": ("_moments", "_squares"),
}
"""Rule -> the attributes of its Keras optimizer that hold its slots, in the rule's order (keras 3.15.1)."""
BEFORE: Mapping[str, float] = {"adagrad": ADAGRAD_START - ADAM_EPSILON}
"""Rule -> what stands in a slot of Keras before the first step, where the bank has 0."""


def load_state(optimizer: Any, rule: Rule, state: Sequence[np.ndarray]) -> None:
    """Give a built Keras optimizer the state of `Bank.state`: the steps taken, then each slot for each weight."""
    optimizer.iterations.assign(int(state[0]))
    slots = [tuple(getattr(optimizer, name, None) or ()) for name in SLOTS[rule.name]]
    weights = (len(state) - 1) // rule.slots
    for number, variables in enumerate(slots):
        kept = state[1 + number * weights : 1 + (number + 1) * weights]
        for variable, value in zip(variables, kept, strict=bool(variables)):  # without momentum, Keras has no slot
            one = value if tuple(variable.shape) == value.shape else value.flat[0]  # one number for a whole kernel
            variable.assign(np.asarray(one, np.float32).reshape(variable.shape) + BEFORE.get(rule.name, 0.0))
