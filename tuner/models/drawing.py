"""What are the first values of a weight? Keras's random initializers, drawn by NumPy.

So a head begins alike whether Keras trains it or NumPy does, and a network alike on every backend.

Source: keras 3.15.1, src/initializers/random_initializers.py; Glorot and Bengio 2010; He et al. 2015, arXiv 1502.01852.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.models.seeds import derived_seed

Array = NDArray[Any]

HEAD = 1  # part of a classifier; the backbone is part 0: they draw from different streams of one seed
HIDDEN_INITIALIZER = "he_normal"  # for relu; `head_initializer` is the last layer's, which may well be zeros
TRUNCATED = 2.0  # standard deviations at which a truncated normal ends
TRUNCATED_STDDEV = 0.87962566103423978  # of a standard normal truncated there
PLAIN_STDDEV = 0.05  # of random_normal and truncated_normal; half the width of random_uniform

SCALED: Mapping[str, tuple[float, str, str]] = {  # scale, mode, distribution
    "glorot_uniform": (1.0, "fan_avg", "uniform"),
    "glorot_normal": (1.0, "fan_avg", "truncated_normal"),
    "he_uniform": (2.0, "fan_in", "uniform"),
    "he_normal": (2.0, "fan_in", "truncated_normal"),
    "lecun_uniform": (1.0, "fan_in", "uniform"),
    "lecun_normal": (1.0, "fan_in", "truncated_normal"),
    "variance_scaling": (1.0, "fan_in", "truncated_normal"),
}
PLAIN = ("random_uniform", "random_normal", "truncated_normal", "zeros")
DRAWN = (*SCALED, *PLAIN)  # with Keras's default arguments; orthogonal is left to Keras


def drawn(initializer: str, shape: tuple[int, ...], seed: int) -> Array:
    """The values, float32, that an initializer of `DRAWN` gives a weight of that shape; the same for the same seed."""
    rng = np.random.default_rng(seed)
    if initializer == "zeros":
        return np.zeros(shape, np.float32)
    if initializer in PLAIN:
        distribution = initializer.removeprefix("random_")
        spread = PLAIN_STDDEV
    else:
        scale, mode, distribution = SCALED[initializer]
        inside, outside = fans(shape)
        variance = scale / max(1.0, inside if mode == "fan_in" else (inside + outside) / 2)
        spread = math.sqrt(3 * variance) if distribution == "uniform" else math.sqrt(variance) / TRUNCATED_STDDEV
    if distribution == "uniform":
        return rng.uniform(-spread, spread, shape).astype(np.float32)
    values = rng.standard_normal(shape, np.float32)
    if distribution == "truncated_normal":
        while (far := np.abs(values) > TRUNCATED).any():
            values[far] = rng.standard_normal(int(far.sum()), np.float32)
    return values * np.float32(spread)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many values go into one output, and how many outputs one input goes into, for a kernel of that shape."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def first_head(
    width: int, num_classes: int, units: tuple[int, ...], initializer: str, dropout: float, seed: int
) -> list[Array]:
    """The first weights of `tuner.models.head.build_head` for `seed`, in the order of its `weights`.

    `width` features to `num_classes` logits; kernel and bias of each hidden layer, dropout rate, kernel, bias.
    """
    values: list[Array] = []
    place = 0  # in the head's `variables`, where the dropout layer has its rate and the state of its generator
    for rows, columns in zip((width, *units), units, strict=False):
        kernel = drawn(HIDDEN_INITIALIZER, (rows, columns), derived_seed(seed, HEAD, place))
        values += [kernel, np.zeros(columns, np.float32)]
        place += 2
    last = ((width, *units)[-1], num_classes)
    kernel = drawn(initializer, last, derived_seed(seed, HEAD, place + 2))
    return [*values, np.array(dropout, np.float32), kernel, np.zeros(num_classes, np.float32)]
