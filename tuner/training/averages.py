"""Which weights does a trial with `optimizer.ema_momentum` mean? The moving average of those that it stepped through.

After each step, average <- m * average + (1 - m) * weights; after the first, it is the weights. Training goes on from
the weights; validation, and the best weights that are kept, are the average. What does not train by gradients (the
averages of batch normalization) is no part of it and stays as it is.

Source: keras 3.15.1, src/optimizers/base_optimizer.py (`_update_model_variables_moving_average`); Izmailov et al.,
Averaging weights leads to wider optima, arXiv 1803.05407.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from tuner.training.variables import value_of


@contextmanager
def averaged(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Inside, the weights that `optimizer` trains are their averages; nothing happens if it keeps none.

    It is the optimizer itself, not a wrapper for loss scaling, and it has taken a step.
    """
    if not optimizer.use_ema:
        yield
        return
    pairs = [
        (variable, average)
        for variable, average in zip(
            optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True
        )
        if average is not None
    ]
    stepped = [value_of(variable) for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(value_of(average))  # a copy: on JAX, a step takes the arrays that it is given
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, stepped, strict=True):
            variable.assign(value)
