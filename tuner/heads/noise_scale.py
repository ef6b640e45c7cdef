"""How large can a batch be before it is a waste? The simple noise scale of a gradient, exact for a head on features.

An example's gradient g is the true gradient G plus noise. The mean over a batch of B has tr(Sigma)/B of noise left in
its squared length; at B = tr(Sigma) / |G|^2 as much as signal. Below, N times the batch is worth N times the rate or
nearly so; far above, a larger batch finds the direction that a smaller one had found already.

Source: McCandlish et al. 2018, arXiv 1812.06162, equation 2.9 and appendix A.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 4096  # examples that are looked at together

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]


@dataclass(frozen=True)
class NoiseScale:
    """What one example's gradient is made of, as squared lengths over all weights."""

    noise: float  # tr(Sigma): that of an example's gradient around the mean, unbiased
    signal: float  # |G|^2 of the true gradient, unbiased; at 0 or below, the data cannot tell it from 0

    @property
    def batch(self) -> float:
        """The critical batch size B = tr(Sigma) / |G|^2; infinite where there is no signal, 0 without noise."""
        if self.signal <= 0:
            return math.inf if self.noise > 0 else 0.0
        return self.noise / self.signal


def from_two_batches(small: float, big: float, small_size: float, big_size: float) -> NoiseScale:
    """The noise scale from the mean squared lengths of gradients over small batches and over big ones.

    Both estimates are unbiased: E|G_B|^2 = |G|^2 + tr(Sigma)/B, at two sizes B. Raises `ValueError` unless
    0 < small_size < big_size.
    """
    if not 0 < small_size < big_size:
        raise ValueError(f"two batch sizes are needed, the first smaller, not {small_size:g} and {big_size:g}")
    noise = (small - big) / (1 / small_size - 1 / big_size)
    return NoiseScale(noise, (big_size * big - small_size * small) / (big_size - small_size))


def noise_of_head(features: Floats, labels: Labels, kernels: Sequence[Floats], biases: Sequence[Floats]) -> NoiseScale:
    """The noise scale of a head's softmax cross-entropy, over these examples; no dropout, smoothing or penalty.

    The gradient of a dense layer for one example is an outer product, so its length needs no gradient of its own.

    Args:
        features: (N, D), N at least 2.
        labels: (N,), in [0, C).
        kernels: (D, H), ..., (H, C), first to last, with a ReLU between two.
        biases: (H,), ..., (C,).
    """
    count, squares = len(labels), 0.0
    total: list[Floats] = [np.zeros((kernel.shape[0] + 1, kernel.shape[1])) for kernel in kernels]
    for begin in range(0, count, AT_ONCE):
        rows = slice(begin, begin + AT_ONCE)
        pairs = _layers(np.asarray(features[rows], np.float64), labels[rows], kernels, biases)
        for place, (seen, wrong) in enumerate(pairs):
            squares += float(((seen**2).sum(axis=1) * (wrong**2).sum(axis=1)).sum())
            total[place] += seen.T @ wrong
    mean = sum(float((part**2).sum()) for part in total) / count**2
    return from_two_batches(squares / count, mean, 1, count)


def _layers(
    features: Floats, labels: Labels, kernels: Sequence[Floats], biases: Sequence[Floats]
) -> list[tuple[Floats, Floats]]:
    """Of each layer, first to last: its inputs with a 1 for the bias (N, D + 1), the loss's slope (N, C)."""
    seen = [features]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        seen.append(np.maximum(seen[-1] @ kernel + bias, 0.0))
    scores = seen[-1] @ kernels[-1] + biases[-1]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    slope = scores / scores.sum(axis=1, keepdims=True)
    slope[np.arange(len(labels)), labels] -= 1
    found = []
    for place in reversed(range(len(kernels))):
        found.append((np.hstack([seen[place], np.ones((len(labels), 1))]), slope))
        slope = (slope @ kernels[place].T) * (seen[place] > 0)
    return found[::-1]
