"""What can be learned without a network? A ridge regression and nearest neighbours, in a few lines of linear algebra.

Both answer with scores, one column a target: for classes the columns are one-hot rows and the largest score counts.

Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 3.4.1 (ridge), 13.3 (neighbours), 7.10
(leaving one out in closed form).
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the mean squared length of an example
NEIGHBOURS = 7


def standardized(train: Matrix, other: Matrix) -> tuple[Matrix, Matrix]:
    """Both with the mean and deviation of `train` (N, D); columns that do not vary there are left out."""
    mean, deviation = train.mean(0), train.std(0)
    varies = deviation > 1e-9 * np.abs(train).max(initial=1e-30)
    return (
        (train[:, varies] - mean[varies]) / deviation[varies],
        (other[:, varies] - mean[varies]) / deviation[varies],
    )


def ridge(x: Matrix, y: Matrix, other: Matrix) -> Matrix:
    """Scores (M, K) for `other` (M, D), of a ridge regression of y (N, K) on x (N, D) with a bias.

    The penalty is the one of `PENALTIES` that does best when each example is left out in turn.
    """
    mean = y.mean(0)
    gram = x @ x.T
    size = max(float(np.trace(gram)) / len(x), 1e-12)
    values, vectors = np.linalg.eigh(gram)
    turned = vectors.T @ (y - mean)
    best, answer = np.inf, np.zeros((len(x), y.shape[1]))
    for penalty in PENALTIES:
        inverse = 1.0 / (np.maximum(values, 0.0) + penalty * size)
        weights = vectors @ (inverse[:, None] * turned)
        left_out = weights / ((vectors**2) @ inverse)[:, None]
        error = float((left_out**2).mean())
        if error < best:
            best, answer = error, weights
    return np.asarray(other @ (x.T @ answer) + mean)


def neighbours(x: Matrix, y: Matrix, other: Matrix) -> Matrix:
    """Scores (M, K) for `other` (M, D): the mean target of the nearest seven examples of x (N, D)."""
    count = min(NEIGHBOURS, len(x))
    distances = (x**2).sum(1)[None, :] - 2.0 * (other @ x.T)
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    return np.asarray(y[nearest].mean(1))
