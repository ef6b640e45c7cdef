"""How do layers far from the head learn at a smaller rate than those near it, whatever the optimizer?

Keras hands its rate to the update of one variable after the other. Here each gets its share of it first: the decay to
the power of how many parts of the backbone lie between it and the head. Decoupled weight decay is the rate times the
decay, so it gets the same share. The decay is a variable, the power belongs to the graph.

Source: Howard and Ruder, ULMFiT, arXiv 1801.06146, 3.2 (discriminative fine-tuning); Clark et al., ELECTRA, arXiv
2003.10555, and Bao et al., BEiT, arXiv 2106.08254 (layer-wise decay); keras 3.15.1, src/optimizers/base_optimizer.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

DECAYS = ("weight_decay", "adam_weight_decay")  # names of an optimizer's decoupled decays; Muon has both


def layered(kind: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """A class of that name whose objects take `layer_decay` and `layer_depths` into account; see `lay`."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        kind.update_step(self, gradient, variable, _of(self, learning_rate, variable))

    def apply_weight_decay(self: Any, variables: Sequence[keras.Variable]) -> None:
        own = {name: getattr(self, name) for name in DECAYS if hasattr(self, name)}
        for variable in variables:
            for name, value in own.items():  # past Keras's tracking of attributes: this is no new part of the state
                object.__setattr__(self, name, _of(self, value, variable))
            kind._apply_weight_decay(self, [variable])
        for name, value in own.items():
            object.__setattr__(self, name, value)

    methods: dict[str, Callable[..., None]] = {"update_step": update_step, "_apply_weight_decay": apply_weight_decay}
    return type(kind.__name__, (kind,), methods)


def lay(optimizer: keras.optimizers.Optimizer) -> None:
    """Give an optimizer of a `layered` class its `layer_decay`: a variable in (0, 1], 0 until set. Before its build."""
    optimizer.layer_decay = optimizer.add_variable((), name="layer_decay")
    optimizer.layer_depths = ()


def place(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable], depths: Mapping[int, int]
) -> None:
    """Tell it how deep each variable lies that it will train: `id(variable)` -> depth, 0 where it is not named."""
    optimizer.layer_depths = tuple(depths.get(id(variable), 0) for variable in variables)


def _of(optimizer: Any, value: Any, variable: Any) -> Any:
    """The share of a rate or a decay that belongs to a variable."""
    depth = optimizer.layer_depths[optimizer._get_variable_index(variable)]
    decay = ops.cast(optimizer.layer_decay, keras.backend.floatx())
    for _ in range(depth):
        value = ops.cast(value, keras.backend.floatx()) * decay
    return value
