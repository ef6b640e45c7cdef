"""How are batches read from the arrays? An order for each epoch, and a gather that is fast on memory-mapped files."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tuner.data.dataset import Images


def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of rows in one epoch: a permutation of 0..n-1 that depends on nothing but the three numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(n)


def gather(images: Images, indices: NDArray[np.int64], dtype: DTypeLike = np.float32) -> NDArray[np.generic]:
    """The rows `images[indices]` as one contiguous batch (len(indices), H, W, C); values stay in 0..255.

    Rows are read in the order in which they lie in the file, so that a disk is read forwards.
    """
    batch = np.empty((len(indices), *images.shape[1:]), dtype)
    rows = images.view(np.ndarray)  # without memmap's own bookkeeping for each row
    for position in np.argsort(indices, kind="stable"):
        batch[position] = rows[indices[position]]
    return batch
