"""What is in the file of a trial's kept weights? Enough to predict, to start a stage, and to go on as if uninterrupted.

One `.npz`: the weights of the best epoch; those of the last epoch where they differ; the optimizer's state after the
last epoch; how many epochs are behind it. A backbone that never moved is not in the file: it is what the recipe says.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

AT_ONCE = 1 << 24  # bytes; up to so many a file is made in memory, where NumPy's many small writes cost no system calls

Weights = Mapping[str, Sequence[np.ndarray]]  # by part: backbone, head, or model (a user's whole classifier)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a trial after its last epoch, and the weights of its best."""

    best: Weights
    last: Weights
    optimizer: Sequence[np.ndarray]  # every variable of the optimizer, iteration count included
    epochs: int  # finished since the optimizer's first step, those of continued parents included


def copied(parts: Mapping[str, Sequence["keras.Variable"]]) -> dict[str, list[np.ndarray]]:
    """The values of the variables as they are now."""
    from tuner.training.variables import value_of

    return {name: [value_of(variable) for variable in variables] for name, variables in parts.items()}


def assign(parts: Mapping[str, Sequence["keras.Variable"]], weights: Weights) -> None:
    """Put `weights` into the variables of the parts that they name. Raises `ValueError` where shapes differ."""
    for name, values in weights.items():
        variables = parts.get(name, ())
        here, there = [tuple(v.shape) for v in variables], [value.shape for value in values]
        if here != there:
            raise ValueError(
                f"the kept weights of the {name} do not fit: {len(there)} arrays were kept, {len(here)} are needed"
                + "".join(f"; {h} is not {t}" for h, t in list(zip(here, there, strict=False)) if h != t)
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def writer(checkpoint: Checkpoint) -> Callable[[Path], None]:
    """A function that writes the checkpoint to a path."""

    def write(path: Path) -> None:
        arrays = {"epochs": np.array(checkpoint.epochs)} | _named("best", checkpoint.best)
        arrays |= _named("optimizer", {"state": checkpoint.optimizer})
        if checkpoint.last is not checkpoint.best:
            arrays |= _named("last", checkpoint.last)
        with path.open("wb") as file:  # given a path, NumPy would add .npz to the name
            if sum(array.nbytes for array in arrays.values()) > AT_ONCE:
                np.savez(file, **arrays)  # type: ignore[arg-type]
                return
            memory = io.BytesIO()
            np.savez(memory, **arrays)  # type: ignore[arg-type]
            file.write(memory.getbuffer())

    return write


def read(path: Path) -> Checkpoint:
    """The checkpoint that `writer` wrote. Raises `OSError` or `ValueError` if there is none."""
    with np.load(path, allow_pickle=False) as arrays:
        grouped: dict[str, dict[str, list[np.ndarray]]] = {}
        for key in sorted(arrays.files):
            if key != "epochs":
                when, part, _ = key.split("/")
                grouped.setdefault(when, {}).setdefault(part, []).append(arrays[key])
        best = grouped.get("best", {})
        state = grouped.get("optimizer", {}).get("state", [])
        return Checkpoint(best, grouped.get("last", best), state, int(arrays["epochs"]))


def _named(when: str, weights: Weights) -> dict[str, np.ndarray]:
    return {f"{when}/{part}/{i:05d}": value for part, values in weights.items() for i, value in enumerate(values)}
