"""Which examples make up each batch? Fixed shapes, seeded order, read from memory-mapped arrays.

A step is traced for one batch shape, so the last batch of an epoch is filled up by wrapping around, and what was
wrapped has weight 0. The order of an epoch depends on the trial's seed and the epoch's number alone: a run that is
continued meets the same batches as one that never stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tuner.data import epoch_order


@dataclass(frozen=True)
class Examples:
    """What a trial trains on or is scored on; `inputs` and `labels` may be memory-mapped and are only read."""

    inputs: np.ndarray  # (N, H, W, C) uint8 images or (N, D) float32 features
    labels: np.ndarray  # (N,) class numbers
    rows: np.ndarray  # (M,) which of them count, in order

    @classmethod
    def all_of(cls, inputs: np.ndarray, labels: np.ndarray) -> "Examples":
        """Every example."""
        return cls(inputs, labels, np.arange(len(labels)))

    def __len__(self) -> int:
        """How many examples count."""
        return len(self.rows)


@dataclass(frozen=True)
class Batch:
    """One batch: always `batch_size` long, `count` of them real."""

    inputs: np.ndarray
    labels: np.ndarray  # int32
    weights: np.ndarray  # float32; 0 for what only fills the batch up
    count: int
    rows: np.ndarray  # which examples they are


def epoch_of(
    examples: Examples, batch_size: int, key: tuple[int, int] | None, class_weights: np.ndarray | None = None
) -> Iterator[Batch]:
    """The batches of one epoch, shuffled by `key` = (seed, epoch from 0), or in order if there is none."""
    order = examples.rows if key is None else examples.rows[epoch_order(len(examples), *key)]
    for begin in range(0, len(order), batch_size):
        real = order[begin : begin + batch_size]
        rows = real if len(real) == batch_size else np.concatenate([real, np.resize(order, batch_size - len(real))])
        labels = np.asarray(examples.labels[rows], np.int32)
        weights = np.ones(batch_size, np.float32) if class_weights is None else class_weights[labels]
        weights[len(real) :] = 0
        yield Batch(np.ascontiguousarray(examples.inputs[rows]), labels, weights, len(real), rows)


def chunks_of(inputs: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """`inputs` in order, in chunks of exactly `size` (the last filled up), each with how many of it are real."""
    for begin in range(0, len(inputs), size):
        chunk = np.asarray(inputs[begin : begin + size])
        count = len(chunk)
        yield (chunk if count == size else np.resize(chunk, (size, *chunk.shape[1:]))), count


def even_chunk(count: int, limit: int) -> int:
    """The chunk size, at most `limit`, that cuts `count` examples with the least filling up."""
    parts = -(-max(count, 1) // limit)
    return -(-max(count, 1) // parts)


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Rows of a sample of `count` examples, as nearly balanced as the classes of `labels` are, in order.

    Every class keeps its share, rounded by largest remainder; `count` is cut to what there is.
    """
    count = min(count, len(labels))
    classes, sizes = np.unique(np.asarray(labels), return_counts=True)
    exact = count * sizes / len(labels)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: count - quota.sum()]] += 1
    rng = np.random.default_rng(seed)
    members = [rng.permutation(np.flatnonzero(labels == c))[:n] for c, n in zip(classes, quota, strict=True)]
    return np.sort(np.concatenate(members))


def balanced_weights(frequencies: np.ndarray) -> np.ndarray:
    """The weight of each class (C,), float32, N / (C * N_c): every class counts the same in the loss. 0 if empty."""
    share = np.asarray(frequencies, np.float64) / np.sum(frequencies)
    return np.where(share > 0, 1 / (len(share) * np.maximum(share, 1e-12)), 0).astype(np.float32)
