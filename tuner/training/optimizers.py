"""How is any Keras optimizer made so that its learning rate and weight decay can change without a new trace?

The learning rate of a Keras optimizer is a variable already. Its weight decay is a number that the trace bakes in, so
it becomes a variable here as well. What remains structural (a Python number in the graph: momentum, Nesterov, clipping)
is part of the key under which a compiled model is remembered. Weight decay is decoupled, for every optimizer, and
applies to all trainable variables, biases and normalization included, as Keras does by default.

Source: keras 3.15.1, src/optimizers/base_optimizer.py (`_apply_weight_decay`) and src/optimizers/sgd.py.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.hyperparameters import Hyperparameters
from tuner.training.layered import lay, layered
from tuner.training.lbfgs.collecting import Collecting
from tuner.training.novograd import NovoGrad
from tuner.training.variables import value_of

OWN: dict[str, type[keras.optimizers.Optimizer]] = {"NovoGrad": NovoGrad, "LBFGS": Collecting}
"""Optimizers that Keras lacks."""

STRUCTURAL: dict[str, tuple[str, ...]] = {"SGD": ("momentum", "nesterov"), "RMSprop": ("momentum",)}
SLOTS_LIKE_WEIGHTS: dict[str, tuple[str, ...]] = {
    "ScheduleFreeAdamW": ("_momentums",)
}  # start as copies of the weights
WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")  # no optimizers by themselves


@dataclass(frozen=True)
class OptimizerKey:
    """What of an optimizer is in the graph: its class, and the arguments that are no variables."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    layered: bool = False  # parts of the backbone learn at rates of their own; see tuner/training/layered.py


def optimizer_key(point: Hyperparameters) -> OptimizerKey:
    """The key of the optimizer that `point` asks for."""
    arguments = [(name, getattr(point, name)) for name in STRUCTURAL.get(point.optimizer, ())]
    if point.global_clipnorm is not None:
        arguments.append(("global_clipnorm", float(point.global_clipnorm)))
    if point.ema_momentum is not None:
        arguments.append(("use_ema", True))
    layered = point.layer_decay != 1 and point.trainable != "none"  # a head alone is one part
    return OptimizerKey(point.optimizer, tuple(arguments), layered)


def optimizer_class(name: str) -> type[keras.optimizers.Optimizer]:
    """The class of that name, of `keras.optimizers` or of ours. Raises `ValueError` that gives the nearest name."""
    known = OWN | {
        key: value for key, value in vars(keras.optimizers).items() if isinstance(value, type) and key not in WRAPPERS
    }
    if name in known:
        found: type[keras.optimizers.Optimizer] = known[name]
        return found
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"there is no optimizer {name}.{hint}")


def make_optimizer(key: OptimizerKey) -> keras.optimizers.Optimizer:
    """A new optimizer whose `weight_decay`, and `ema_momentum` where it averages, are variables, 0 until set."""
    kind = optimizer_class(key.name)
    kind = layered(kind) if key.layered else kind
    optimizer = kind(learning_rate=1e-3, weight_decay=0.0, **dict(key.arguments))
    decay = optimizer.add_variable((), name="weight_decay")
    optimizer.weight_decay = decay
    if hasattr(optimizer, "adam_weight_decay"):  # Muon trains what is not a matrix by Adam
        optimizer.adam_weight_decay = decay
    if optimizer.use_ema:
        optimizer.ema_momentum = optimizer.add_variable((), name="ema_momentum")
    if key.layered:
        lay(optimizer)
    return optimizer


def set_numbers(optimizer: keras.optimizers.Optimizer, point: Hyperparameters) -> None:
    """Give an optimizer of `make_optimizer` the decay, and the momentum of its average, of `point`."""
    optimizer.weight_decay.assign(point.weight_decay)
    if optimizer.use_ema:
        optimizer.ema_momentum.assign(point.ema_momentum)
    if hasattr(optimizer, "layer_decay"):
        optimizer.layer_decay.assign(point.layer_decay)


@dataclass(frozen=True)
class OptimizerStart:
    """The state of an optimizer that has not taken a step; None stands for zeros."""

    values: tuple[np.ndarray | None, ...]

    @classmethod
    def of(cls, optimizer: keras.optimizers.Optimizer) -> "OptimizerStart":
        """Remember a built optimizer as it is now."""
        values = [value_of(variable) for variable in optimizer.variables]
        return cls(tuple(value if value.any() else None for value in values))

    def restore(self, optimizer: keras.optimizers.Optimizer, trainable: Sequence[keras.Variable]) -> None:
        """Put every variable of `optimizer` back: slots, iteration count, rates.

        `trainable` are the weights that it trains, already at the trial's start.
        """
        for variable, value in zip(optimizer.variables, self.values, strict=True):
            variable.assign(np.zeros(variable.shape, variable.dtype) if value is None else value)
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # under mixed_float16, Keras wraps it for loss scaling
        for name in SLOTS_LIKE_WEIGHTS.get(type(inner).__name__, ()):
            for slot, weight in zip(getattr(inner, name), trainable, strict=True):
                slot.assign(weight.value)


def slots(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """A copy of the whole state, in the order of `optimizer.variables`."""
    return [value_of(variable) for variable in optimizer.variables]


def load_slots(optimizer: keras.optimizers.Optimizer, values: Sequence[np.ndarray]) -> None:
    """The inverse of `slots`. Raises `ValueError` if `values` come from another kind of optimizer."""
    shapes = [tuple(variable.shape) for variable in optimizer.variables]
    if shapes != [value.shape for value in values]:
        raise ValueError(
            "a continued trial needs the optimizer and the trainable layers of its parent: "
            f"{len(values)} optimizer variables were kept, {len(shapes)} are needed (or their shapes differ)"
        )
    for variable, value in zip(optimizer.variables, values, strict=True):
        variable.assign(value)
