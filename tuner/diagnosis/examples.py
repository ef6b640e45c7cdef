"""Which examples was `fit` given? Arrays out of everything that Keras takes, without using up what can be read once.

Arrays are kept whole (they lie in memory already); of a stream (a `tf.data.Dataset`, a `PyDataset`, a generator) the
first examples are kept, because nobody knows where it ends.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
STREAMED = 512  # examples kept of a stream
MOST_BATCHES = 64  # batches read for them: a stream of single examples is not read for ever


@dataclass(frozen=True)
class Examples:
    """Inputs and targets; None for what is no single array."""

    x: Array | None = None
    y: Array | None = None
    count: int | None = None  # of all examples, where it is known; `x` may hold fewer
    batch_size: int | None = None  # where the stream decides it
    note: str = ""


def of_arrays(x: Any, y: Any) -> Examples:
    """Examples given as arrays, tensors, data frames or lists of numbers."""
    inputs, targets = as_array(x), as_array(y)
    notes = [
        f"the {word} are {len(value)} arrays: probes that need one array were left out"
        for word, value, found in (("inputs", x, inputs), ("targets", y, targets))
        if found is None and isinstance(value, dict | list | tuple)
    ]
    first = inputs if inputs is not None else as_array(next(iter(_leaves(x)), None))
    return Examples(inputs, targets, None if first is None else len(first), note="; ".join(notes))


def as_array(value: Any) -> Array | None:
    """One array (N, ...) of numbers, or None where `value` is none, several, or holds no numbers."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list | tuple) and value and hasattr(value[0], "shape") and np.ndim(value[0]) > 0:
        return as_array(value[0]) if len(value) == 1 else None
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif not isinstance(value, np.ndarray | list | tuple):
        value = keras.ops.convert_to_numpy(value)
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    if array.dtype == object:
        try:
            array = array.astype("float32")
        except (TypeError, ValueError):
            return None
    return array if array.ndim and array.dtype.kind in "biuf" else None


def is_stream(value: Any) -> bool:
    """Whether `value` gives batches of (x, y) rather than being x."""
    if isinstance(value, keras.utils.PyDataset) or hasattr(value, "element_spec"):
        return True
    if isinstance(value, np.ndarray | list | tuple | dict) or hasattr(value, "shape") or hasattr(value, "to_numpy"):
        return False
    return isinstance(value, Iterable)


def of_stream(stream: Any) -> tuple[Examples, Any]:
    """The first examples of a stream, and the stream to train on: the same, or one that begins where it began.

    A generator is put together again from what was taken and the rest.
    """
    if isinstance(stream, keras.utils.PyDataset):
        length = len(stream) if stream.num_batches is not None else None
        batches = [stream[index] for index in range(min(length or MOST_BATCHES, _needed(stream)))]
        return _gathered(batches, None if length is None else length), stream
    if isinstance(stream, GeneratorType):
        taken = list(_enough(stream))
        again = (batch for part in (taken, stream) for batch in part)  # Keras takes generators, no other iterator
        return _gathered(taken, None), again
    if isinstance(stream, Iterator):
        return Examples(note="the data can be read once only: it was left to the training"), stream
    return _gathered(list(_enough(iter(stream))), _length(stream)), stream


def _needed(stream: Any) -> int:
    """How many batches of a `PyDataset` make up the examples to keep."""
    first = _leaves(stream[0])
    size = len(first[0]) if first else 1
    return min(MOST_BATCHES, -(-STREAMED // max(1, size)))


def _enough(batches: Iterator[Any]) -> Iterator[Any]:
    seen = 0
    for batch in itertools.islice(batches, MOST_BATCHES):
        yield batch
        leaves = _leaves(batch)
        seen += len(leaves[0]) if leaves and np.ndim(leaves[0]) else 0
        if seen >= STREAMED:
            return


def _length(stream: Any) -> int | None:
    """How many batches there are, where the stream tells."""
    try:
        length = len(stream)
    except TypeError:  # a dataset without an end, or of a generator
        return None
    return length if length >= 0 else None


def _gathered(batches: Sequence[Any], length: int | None) -> Examples:
    pairs = [batch if isinstance(batch, tuple | list) else (batch,) for batch in batches]
    if not pairs:
        return Examples(note="the data set that fit was given is empty")
    inputs = [as_array(pair[0]) for pair in pairs]
    targets = [as_array(pair[1]) if len(pair) > 1 else None for pair in pairs]
    leaves = _leaves(pairs[0][0])
    size = len(leaves[0]) if leaves and np.ndim(leaves[0]) else None
    count = None if length is None or size is None else length * size
    note = (
        "" if all(part is not None for part in inputs) else "the inputs are several arrays: probes of one were left out"
    )
    return Examples(_joined(inputs), _joined(targets), count, size, note)


def _joined(parts: Sequence[Array | None]) -> Array | None:
    arrays = [part for part in parts if part is not None]
    if len(arrays) < len(parts) or len({array.shape[1:] for array in arrays}) != 1:
        return None
    return np.concatenate(arrays)


def _leaves(value: Any) -> list[Any]:
    """The arrays in nested tuples, lists and dicts."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, tuple | list):
        return (
            [leaf for item in value for leaf in _leaves(item)]
            if any(map(_is_container, value))
            else [np.asarray(value)]
        )
    return [value]


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | tuple | list) or hasattr(value, "shape")
