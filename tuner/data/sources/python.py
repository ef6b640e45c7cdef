"""Source `python`: a function of yours that returns arrays.

`data.path` is `module:function` or `file.py:function` (relative to the recipe). The function takes nothing and returns
`((x, y),)`, `((x, y), (x_val, y_val))` or these and `(x_test, y_test)`: arrays as the source `npz` understands them.
"""

import hashlib
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import PARTS, DataError
from tuner.data.listing import Origin, shown
from tuner.data.sources import arrays
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The arrays that the function returns. It runs each time, because only its result can say that nothing changed."""
    where = str(recipe.data.path or "")
    pairs = _pairs(_function(recipe, where)(), where)
    words = {part: f"labels of {part}" for part in pairs}
    return Origin(where.rpartition(":")[2], _key(pairs), lambda: arrays.listing(recipe, pairs, words))


def _function(recipe: "Recipe", where: str) -> Callable[[], Any]:
    """The function that `where` names. Raises `DataError`; what importing the user's code raises passes through."""
    module_name, _, function_name = where.rpartition(":")
    if module_name.endswith(".py"):
        module = _module_of_file(Path(recipe.path).parent / Path(module_name).expanduser())
    else:
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise DataError(f"data.path: {error}. A file beside the recipe is named file.py:function.") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise DataError(f"data.path: {module_name} has no function '{function_name}'.")
    return function  # type: ignore[no-any-return]


def _module_of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise DataError(f"data.path: there is no {shown(path)}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pairs(result: Any, where: str) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    law = f"{where} must return (x, y) pairs: train, then maybe validation, then maybe test"
    if not isinstance(result, tuple | list) or not 1 <= len(result) <= len(PARTS):
        raise DataError(f"{law}; it returned {type(result).__name__}.")
    pairs = {}
    for part, pair in zip(PARTS, result, strict=False):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DataError(f"{law}; for {part} it returned {type(pair).__name__}.")
        pairs[part] = (np.asarray(pair[0]), np.asarray(pair[1]))
    return pairs


def _key(pairs: arrays.Pairs) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for part, pair in pairs.items():
        for array in pair:
            hasher.update(f"{part} {array.dtype} {array.shape}".encode())
            hasher.update(np.ascontiguousarray(array).data if array.dtype != object else b"")
    return hasher.hexdigest()
