"""Where does the randomness of new weights come from? From one integer, and from nothing else."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np


def derived_seed(seed: int, *place: int) -> int:
    """A seed in [1, 2**31) for one place of a model: the same for the same numbers, unrelated for others."""
    return 1 + int(np.random.SeedSequence([seed, *place]).generate_state(1)[0]) % (2**31 - 1)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it, what draws from Python's, NumPy's and Keras's global generators draws from `seed`.

    For models that others wrote: an initializer without a seed asks Python's `random` for one. Python's and NumPy's
    states are put back after.
    """
    import keras

    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
