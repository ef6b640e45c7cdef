"""Is a kernel still as its initializer drew it?

Uniform and truncated normal distributions have an edge that no value lies beyond. Training moves some values over it,
so a kernel that fills its initializer's range and keeps within it was never trained.

Source: Glorot and Bengio 2010 (the range of a uniform kernel); keras.initializers (normals are cut at two deviations).
"""

import math
from typing import Any

import keras
import numpy as np

UNIFORM, TRUNCATED = 1.7321, 2.2745  # largest over standard deviation of a uniform, and of a normal cut at two
LIKE = 0.02  # relative, to tell which of the two it is
LEAST_UNIFORM, LEAST_TRUNCATED = 100, 3000  # values of a kernel: few values seldom come near a soft edge
SAMPLE = 20_000  # values drawn to find the range
OVER = 1e-3  # of the range: what the sample's own largest value may fall short of it
FILLED = 0.95  # of the range
SPREAD = 0.15  # of the standard deviation


def as_drawn(model: keras.Model, path: str) -> bool:
    """Whether the variable at `path` fills the range of its layer's initializer exactly; False where nobody knows."""
    for layer in model._flatten_layers(include_self=False):
        for variable in getattr(layer, "_trainable_variables", []) + getattr(layer, "_non_trainable_variables", []):
            if variable.path == path:
                initializer = getattr(layer, f"{path.split('/')[-1]}_initializer", None)
                return initializer is not None and _fills(np.asarray(variable.numpy(), "float64"), initializer)
    return False


def _fills(values: Any, initializer: Any) -> bool:
    sample = _sample(initializer, values.shape)
    if sample is None or not values.size or values.std() == 0 or sample.std() == 0:
        return False
    largest, spread = float(np.abs(sample).max()), float(sample.std())
    least = next(
        (
            count
            for edge, count in ((UNIFORM, LEAST_UNIFORM), (TRUNCATED, LEAST_TRUNCATED))
            if abs(largest / spread / edge - 1) < LIKE
        ),
        math.inf,
    )
    if values.size < least or abs(values.std() / spread - 1) > SPREAD:
        return False
    return bool(FILLED * largest <= np.abs(values).max() <= (1 + OVER) * largest)


def _sample(initializer: Any, shape: tuple[int, ...]) -> Any:
    """Values that the initializer draws for this shape; None of a function, or of one that draws nothing."""
    if not isinstance(initializer, keras.initializers.Initializer) or not hasattr(initializer, "seed"):
        return None
    config, draws = initializer.get_config(), math.ceil(SAMPLE / max(1, math.prod(shape)))
    made = [type(initializer).from_config(config | {"seed": seed})(shape) for seed in range(min(draws, 200))]
    return np.concatenate([np.ravel(np.asarray(keras.ops.convert_to_numpy(one), "float64")) for one in made])
