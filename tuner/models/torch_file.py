"""How are the tensors of a PyTorch checkpoint read without PyTorch, and without running what a pickle may carry?

A legacy checkpoint (before PyTorch 1.6) is five pickles, a magic number, a version, the machine, the dictionary of
tensors and the list of storages, followed by the raw storages. Unpickling calls whatever the file names, so the reader
below knows four names and refuses every other.

Source: https://docs.python.org/3/library/pickle.html#restricting-globals; the layout was read from a file.
"""

import math
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


@dataclass(frozen=True)
class _Storage:
    """Numbers that follow later in the file, known so far by key, type and count."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view on a storage: where it begins, its shape, and its strides, in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_unused: Any) -> _Tensor:
    """What stands in for PyTorch's own function: only tensors that lie wholly inside their storage."""
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(type(number) is int and number >= 0 for number in numbers):
        raise pickle.UnpicklingError(f"a tensor at {offset} of shape {shape} and strides {strides}")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if max(last + 1, math.prod(shape)) > storage.count:
        raise pickle.UnpicklingError(f"a tensor of shape {shape} and strides {strides} in {storage.count} numbers")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Unpickler(pickle.Unpickler):
    """Knows the four names above; a class, because `pickle` asks for one."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The stand-in for an allowed name. Raises `UnpicklingError` for any other."""
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"the file asks for {module_name}.{global_name}, which is refused") from None

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage by its description: ('storage', type, key, device, count, view)."""
        kind, dtype, key, _device, count, view = pid
        if kind != "storage" or dtype not in ("<f4", "<i8") or type(count) is not int or count < 0 or view is not None:
            raise pickle.UnpicklingError(f"a storage described as {pid!r}")
        return _Storage(str(key), dtype, count)


def _load(file: BinaryIO) -> Any:
    return _Unpickler(file).load()


def read_legacy(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a legacy checkpoint by name, as read-only arrays, float32 or int64.

    Raises `pickle.UnpicklingError` for anything that is not a plain dictionary of tensors, and `EOFError` for a
    file that was cut short. Nothing in the file is executed.
    """
    with path.open("rb") as file:
        load = partial(_load, file)
        if load() != MAGIC or load() != VERSION:
            raise pickle.UnpicklingError(f"{path} is not a legacy PyTorch checkpoint")
        load()  # byte order and sizes of the machine that wrote it; little-endian, as every one that matters
        tensors, keys = load(), load()
        if not isinstance(tensors, dict) or not all(isinstance(value, _Tensor) for value in tensors.values()):
            raise pickle.UnpicklingError(f"{path} holds something else than named tensors")
        described = {value.storage.key: value.storage for value in tensors.values()}
        if sorted(keys) != sorted(described):
            raise pickle.UnpicklingError(f"{path} holds other storages than its tensors name")
        storages = {key: _storage(file, described[key]) for key in keys}
    return {name: _view(storages[value.storage.key], value) for name, value in tensors.items()}


def _storage(file: BinaryIO, described: _Storage) -> NDArray[Any]:
    """The next storage of the file: a count (int64) and the numbers."""
    count = int.from_bytes(file.read(8), "little")
    if count != described.count:
        raise pickle.UnpicklingError(f"storage {described.key} has {count} numbers, {described.count} were announced")
    wanted = count * np.dtype(described.dtype).itemsize
    data = file.read(wanted)
    if len(data) != wanted:
        raise EOFError(f"the checkpoint ends inside a storage: {len(data)} of {wanted} bytes")
    return np.frombuffer(data, described.dtype)


def _view(storage: NDArray[Any], tensor: _Tensor) -> NDArray[Any]:
    """The tensor's part of its storage; `_tensor` has checked that it lies inside."""
    strides = tuple(stride * storage.itemsize for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
