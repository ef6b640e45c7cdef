"""How probable are the labels, given these features? LogME: the evidence of a Bayesian linear model, maximized.

The model says of each class's 0-or-1 labels y: `y = features @ w + noise`, with w ~ N(0, 1/a) and noise ~ N(0, 1/b).
So y is Gaussian with covariance `I/b + features features^T / a`, and its log density, at the best a and b, is the
evidence. It needs no validation images; it ranks features, its value means nothing else.

Source: K. You, Y. Liu, J. Wang and M. Long, LogME (ICML 2021). They iterate on a and b; here the best b
is known for each ratio a/b, and the one number that is left is searched.
"""

import numpy as np
from numpy.typing import NDArray

from tuner.heads.threads import one_thread

Floats = NDArray[np.floating]

RATIOS = np.logspace(-12.0, 12.0, 49)
"""Values of a/b that are tried, times the largest squared singular value; then the best two intervals are searched."""
FINE = 1e-4  # of log(a/b): the evidence is flat at its maximum
NOTHING = 1e-12  # of the largest squared singular value: what float64 makes of a zero


def log_evidence(features: Floats, labels: NDArray[np.integer], num_classes: int) -> float:
    """The mean over classes of the log evidence for each image, in nats; higher is better.

    Args:
        features: (N, D), finite, as they are: neither centered nor scaled.
        labels: (N,), in [0, num_classes).
        num_classes: classes without an image do not count.

    Raises `ValueError` for features that are not finite.
    """
    if not np.isfinite(features).all():
        raise ValueError("features have to be finite")
    targets = np.eye(num_classes)[labels][:, np.unique(labels)]
    with one_thread():
        power, along = _along(np.asarray(features, np.float64), targets)
    beyond = np.maximum(np.square(targets).sum(axis=0) - along.sum(axis=0), 0.0)
    return float(np.mean([_best(power, each, rest, len(labels)) for each, rest in zip(along.T, beyond, strict=True)]))


def _along(features: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Squared singular values (R,), and how much of each target lies along each left singular vector: (R, C)."""
    wide = features.shape[0] < features.shape[1]
    power, vectors = np.linalg.eigh(features @ features.T if wide else features.T @ features)
    kept = power > NOTHING * max(power[-1], np.finfo(np.float64).tiny)
    power, vectors = power[kept], vectors[:, kept]
    left = vectors.T @ targets if wide else (vectors / np.sqrt(power)).T @ (features.T @ targets)
    return power, np.square(left)


def _best(power: Floats, along: Floats, beyond: float, images: int) -> float:
    """The largest evidence of one target over all ratios, for each image."""
    from scipy.optimize import minimize_scalar

    if not len(power):
        return _evidence(1.0, power, along, beyond, images)
    logs = np.log(RATIOS * power[-1])
    tried = [_evidence(np.exp(log), power, along, beyond, images) for log in logs]
    place = int(np.argmax(tried))
    inside = logs[max(place - 1, 0)], logs[min(place + 1, len(logs) - 1)]
    found = minimize_scalar(
        lambda log: -_evidence(np.exp(log), power, along, beyond, images),
        bounds=inside,
        method="bounded",
        options={"xatol": FINE},
    )
    return max(-float(found.fun), tried[place])


def _evidence(ratio: float, power: Floats, along: Floats, beyond: float, images: int) -> float:
    """Log density of `N(0, (I + features features^T / ratio) / b)` at the target, for the best b, for each image."""
    variance = (float((along * ratio / (ratio + power)).sum()) + beyond) / images  # 1/b
    variance = max(variance, np.finfo(np.float64).tiny)
    return -0.5 * float(np.log(2 * np.pi * variance) + 1 + float(np.log1p(power / ratio).sum()) / images)
