"""Which directions do features vary in, and by how much? An eigendecomposition of the smaller Gram matrix.

A linear head with a free bias and an L2 penalty loses nothing when it looks along these axes: the bias takes up the
mean, the penalty is the same along any orthonormal axes, and a direction in which no training image varies only costs
penalty. So the problem that is left has as many features as the smaller of images and features, of known size each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

NOTHING = 1e-12  # of the largest energy: below it lies what float64 makes of a zero


@dataclass(frozen=True)
class Principal:
    """Centered features in their principal axes. R is the rank: at most the number of images less one, or D."""

    mean: Floats  # (D,)
    axes: Floats  # (D, R), orthonormal columns
    energy: Floats  # (R,), squared length of each column of `scores`
    scores: Floats  # (N, R)

    def of(self, features: Floats) -> Floats:
        """Other features (M, D) in these axes: (M, R)."""
        centered: Floats = features - self.mean
        return centered @ self.axes


def principal(features: Floats) -> Principal:
    """The principal axes of features (N, D), in float64. Raises `ValueError` if any is not finite."""
    if not np.isfinite(features).all():
        raise ValueError("features have to be finite")
    mean = features.mean(axis=0, dtype=np.float64)
    centered = features - mean
    images, width = centered.shape
    energy, vectors = np.linalg.eigh(centered @ centered.T if images < width else centered.T @ centered)
    kept = energy > NOTHING * max(energy[-1], np.finfo(np.float64).tiny)
    energy, vectors = energy[kept], vectors[:, kept]
    axes = centered.T @ (vectors / np.sqrt(energy)) if images < width else vectors
    return Principal(mean, axes, energy, centered @ axes)
