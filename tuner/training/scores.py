"""What do scores say? Probabilities, cross-entropy and accuracy, in NumPy and in float64 where it matters.

Validation is measured here instead of in the graph: the same numbers on every backend, and one trace less.
"""

import numpy as np

TINY = 1e-7  # as in trainee.py


def log_probabilities(scores: np.ndarray, from_logits: bool) -> np.ndarray:
    """Log-probabilities (N, C), float64, of logits or of probabilities (N, C)."""
    scores = scores.astype(np.float64)
    if not from_logits:
        return np.asarray(np.log(np.clip(scores / scores.sum(axis=-1, keepdims=True), TINY, 1.0)))
    with np.errstate(invalid="ignore"):  # inf - inf: a net that diverged; the NaN is the finding
        shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def probabilities(scores: np.ndarray, from_logits: bool) -> np.ndarray:
    """Probabilities (N, C), float32; each row sums to 1."""
    if not from_logits:
        return np.asarray(scores / scores.sum(axis=-1, keepdims=True), np.float32)
    return np.asarray(np.exp(log_probabilities(scores, from_logits)), np.float32)


def losses_and_hits(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Summed cross-entropy (K,) in nats, and how many are right (K,), of the logits (K, N, C) of K heads."""
    log_p = log_probabilities(scores, from_logits=True)
    losses = -log_p[:, np.arange(len(labels)), labels].sum(axis=1)
    return losses, (log_p.argmax(axis=-1) == labels).sum(axis=1)


def loss_and_accuracy(scores: np.ndarray, labels: np.ndarray, from_logits: bool) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy in [0, 1]; labels are class numbers (N,)."""
    log_p = log_probabilities(scores, from_logits)
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return float(loss), float((log_p.argmax(axis=-1) == labels).mean())
