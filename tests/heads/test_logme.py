"""LogME is the log density of the labels under the linear model, maximized; and it falls when labels become noise."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from tuner.heads import log_evidence


def directly(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """The definition: for each class a Gaussian, its covariance matrix of images x images, and two numbers searched."""
    gram, count = features.astype(np.float64) @ features.T.astype(np.float64), len(labels)

    def loss(logs: np.ndarray, target: np.ndarray) -> float:
        a, b = np.exp(logs)
        covariance = np.eye(count) / b + gram / a
        return -float(multivariate_normal(np.zeros(count), covariance).logpdf(target)) / count

    best = []
    for label in range(classes):
        target = (labels == label).astype(np.float64)
        options = {"xatol": 1e-4, "fatol": 1e-9, "maxiter": 400}
        search = {"method": "Nelder-Mead", "bounds": [(-15, 15)] * 2, "options": options}
        best.append(-min(minimize(loss, start, args=(target,), **search).fun for start in ((0.0, 2.0), (5.0, 2.0))))
    return float(np.mean(best))


@pytest.mark.parametrize(("images", "width"), [(60, 12), (30, 64)])
def test_it_is_the_largest_gaussian_evidence(pixels, images: int, width: int) -> None:
    x, y = pixels.train[:images, 64 - width :] + 0.01, pixels.labels[:images] % 3
    assert log_evidence(x, y, 3) == pytest.approx(directly(x, y, 3), abs=1e-5)


def test_it_falls_with_every_share_of_labels_that_becomes_noise(pixels) -> None:
    rng = np.random.default_rng(0)
    found = []
    for share in (0.0, 0.2, 0.5, 1.0):
        labels = pixels.labels.copy()
        some = rng.permutation(len(labels))[: round(share * len(labels))]
        labels[some] = rng.permutation(labels[some])
        found.append(log_evidence(pixels.train, labels, 10))
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.1


def test_noise_as_features_is_worse_than_pixels_and_added_noise_does_not_help(pixels) -> None:
    noise = np.random.default_rng(1).normal(size=(600, 64)).astype(np.float32)
    own = log_evidence(pixels.train, pixels.labels, 10)
    assert own > log_evidence(noise, pixels.labels, 10)
    assert own > log_evidence(np.hstack([pixels.train, noise]), pixels.labels, 10)


def test_the_scale_of_features_does_not_count(pixels) -> None:
    own = log_evidence(pixels.train, pixels.labels, 10)
    assert log_evidence(1000 * pixels.train, pixels.labels, 10) == pytest.approx(own, abs=1e-4)


def test_blank_features_and_absent_classes_are_no_errors(pixels) -> None:
    assert np.isfinite(log_evidence(np.zeros((600, 3), np.float32), pixels.labels, 10))
    assert log_evidence(pixels.train, pixels.labels, 12) == log_evidence(pixels.train, pixels.labels, 10)
    with pytest.raises(ValueError, match="finite"):
        log_evidence(np.full((4, 2), np.inf), np.array([0, 1, 0, 1]), 2)
