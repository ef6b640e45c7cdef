"""The noise scale of a head's gradient against gradients that are taken one by one."""

import math
from itertools import pairwise, product

import numpy as np
import pytest

from tuner.heads.noise_scale import NoiseScale, from_two_batches, noise_of_head


def loss(parts, features, label):
    x = features
    for kernel, bias in zip(parts[0:-2:2], parts[1:-2:2], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
    scores = x @ parts[-2] + parts[-1]
    return float(np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[label])


def gradient(parts, features, label, step=1e-6):
    """By central differences, one weight at a time."""
    found = []
    for part in parts:
        for place in np.ndindex(part.shape):
            before, ends = part[place], []
            for sign in (1, -1):
                part[place] = before + sign * step
                ends.append(loss(parts, features, label))
            part[place] = before
            found.append((ends[0] - ends[1]) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("units", [(), (5,), (4, 3)])
def test_a_head_has_the_noise_of_its_single_gradients(units):
    rng = np.random.default_rng(0)
    widths = (6, *units, 3)
    kernels = [rng.normal(size=(a, b)) for a, b in pairwise(widths)]
    biases = [rng.normal(size=kernel.shape[1]) for kernel in kernels]
    features, labels = rng.normal(size=(8, 6)), rng.integers(0, 3, 8)
    parts = [part for pair in zip(kernels, biases, strict=True) for part in pair]
    each = np.array([gradient(parts, x, label) for x, label in zip(features, labels, strict=True)])
    noise = each.var(axis=0, ddof=1).sum()
    signal = (each.mean(axis=0) ** 2).sum() - noise / len(each)
    found = noise_of_head(features, labels, kernels, biases)
    assert found.noise == pytest.approx(noise, rel=1e-5)
    assert found.signal == pytest.approx(signal, rel=1e-4)
    assert found.batch == (pytest.approx(noise / signal, rel=1e-4) if signal > 0 else math.inf)


def test_two_batch_sizes_give_back_noise_and_signal():
    """Over all batches of two, drawn with replacement, the estimate has no error left."""
    gradients = np.random.default_rng(1).normal(size=(7, 4)) + 1.0
    signal = (gradients.mean(axis=0) ** 2).sum()
    noise = gradients.var(axis=0).sum()
    singles = (gradients**2).sum(axis=1).mean()
    pairs = np.mean([((a + b) ** 2).sum() / 4 for a, b in product(gradients, repeat=2)])
    found = from_two_batches(singles, pairs, 1, 2)
    assert (found.noise, found.signal) == pytest.approx((noise, signal))


def test_without_signal_no_batch_is_too_large_and_without_noise_any_is():
    assert NoiseScale(2.0, 0.0).batch == math.inf
    assert NoiseScale(2.0, -0.1).batch == math.inf
    assert NoiseScale(0.0, 1.0).batch == 0.0
    assert NoiseScale(6.0, 2.0).batch == 3.0


def test_equal_batch_sizes_tell_nothing():
    with pytest.raises(ValueError, match="the first smaller, not 8 and 8"):
        from_two_batches(1.0, 1.0, 8, 8)
