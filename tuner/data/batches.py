"""In which order are the arrays read? A new one in each epoch.

The rows themselves are read by NumPy's indexing, which no gather of our own outdid (measured: 0.5 ms for 32 uint8
images of 224 x 224 from a memory-mapped file).
"""

import numpy as np
from numpy.typing import NDArray


def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of rows in one epoch: a permutation of 0..n-1 that depends on nothing but the three numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(n)
