"""Which network computes the features of a frozen backbone at the least cost, and what are its features called?

There are three kinds. `exact` is the backbone itself, layer by layer. `folded` has each batch norm folded into the
convolution before it: the same features, by rounding alone, in 0.6 to 0.9 of the time. `bfloat16` computes in 8 bits
besides, in half of the time of `folded`, where the processor has instructions for that, the network bears it, and there
are so many images that it pays. The kind is part of the digest, so features of two kinds are never mixed, and it
follows from the recipe, the data and the machine: no clock has a say.

`runtime.exact: true` keeps to the first kind. Under JAX there is no other either: XLA gains nothing by folding
(measured on a CPU).
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

import keras
import numpy as np

from tuner.data import Problem
from tuner.models.calls import Calls, Network, nodes_of
from tuner.models.folding import can_fold, folded, in_bfloat16
from tuner.models.user_models import is_user_model
from tuner.models.work import operations
from tuner.recipe.candidates import backbone_of
from tuner.training.features import Trunk, digest_of
from tuner.training.known import description, may_be_reduced
from tuner.training.trainee import Pass

LEAST_OPERATIONS = 1e13  # of all passes: bfloat16 saves about 1 s a 1e12 (ResNet50, two cores) and costs 3 s to try
LEAST_COSINE = 0.999  # of the bfloat16 features of an image with the float32 ones
PROBES = 32  # images that are compared
LANES = 2  # passes side by side under TensorFlow on a CPU: one alone leaves an eighth of two cores idle (measured)
VOLATILE = ("name", "seed", "initializer", "regularizer", "constraint", "trainable")  # in a config; no say in inference


def make_trunk(problem: Problem, backbone: keras.Model, part: str = "") -> Trunk:
    """A frozen backbone of the recipe as a trunk; or, with its name, the part of the backbone below a cut.

    Such a part stands for what the whole network computes in training, and is never reduced to bfloat16.
    """
    backbone.compile(jit_compile=problem.recipe.runtime.jit_compile)
    kind, cheaper = _cheapest(problem, backbone, bool(part))
    said = {**description(problem), "part": part, "kind": kind}
    if is_user_model(backbone_of(problem.recipe)):
        said["structure"] = structure(backbone)
    images = len(problem.dataset.train) + len(problem.dataset.validation)
    lanes = LANES if keras.backend.backend() == "tensorflow" and not _has_gpu() else 1
    return Trunk(backbone, digest_of(backbone, said), cheaper, images, lanes)


def structure(backbone: keras.Model) -> list[Any]:
    """What a functional model computes, without its weights: the layers, their settings and connections, as JSON data.

    Of a layer that is none of Keras's own, the code of its class too.
    """
    place_of = {id(operation): place for place, operation in enumerate(backbone.operations)}
    calls = [
        [place_of[id(node.operation)], [place_of[id(parent.operation)] for parent in node.parent_nodes]]
        for node in nodes_of(backbone)
    ]
    return [[_settings(operation) for operation in backbone.operations], calls]


def _settings(operation: Any) -> Any:
    kind = type(operation)
    if isinstance(operation, keras.Model) and hasattr(operation, "operations"):
        return [kind.__qualname__, structure(operation)]
    if not kind.__module__.startswith("keras."):
        with suppress(OSError, TypeError):  # a class that was typed in has no source
            return [kind.__qualname__, inspect.getsource(kind)]
        return [kind.__module__, kind.__qualname__]
    config = operation.get_config()
    return [kind.__qualname__, {key: value for key, value in config.items() if not key.endswith(VOLATILE)}]


def _cheapest(problem: Problem, backbone: keras.Model, partly: bool) -> tuple[str, Callable[[], Network] | None]:
    """The kind of network, and what makes it when it is asked for; None for the backbone itself."""
    if problem.recipe.runtime.exact or keras.backend.backend() == "jax":
        return "exact", None
    if not partly:
        reduced = _reduced(problem, backbone)
        if reduced is not None:
            return "bfloat16", lambda: reduced
    if not can_fold(backbone):
        return "exact", None
    compare = is_user_model(backbone_of(problem.recipe))
    return "folded", cache(partial(folded, backbone, compare))  # where features are on disk, it is never called


def _reduced(problem: Problem, backbone: keras.Model) -> Calls | None:
    """The backbone in bfloat16, if that pays and it sees what the backbone sees in the first images."""
    data = problem.dataset
    images = len(data.train.labels) + len(data.validation.labels)
    if not may_be_reduced(problem) or _has_gpu() or images * operations(backbone) < LEAST_OPERATIONS:
        return None
    reduced = in_bfloat16(backbone)
    if reduced is None:
        return None
    some = np.asarray(data.train.images[:PROBES]).astype(np.float32)  # rows stand in random order
    found = Pass(reduced, problem.recipe.runtime.jit_compile).predict_on_batch(some)
    return reduced if least_cosine(backbone.predict_on_batch(some), found) >= LEAST_COSINE else None


def least_cosine(features: Any, others: Any) -> float:
    """The smallest cosine of two arrays of features (N, D), row by row; NaN if there is no angle."""
    a, b = (np.asarray(each, np.float64) for each in (features, others))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return float(cosines.min())  # NaN passes no threshold


def _has_gpu() -> bool:
    return any("gpu" in name.lower() or "cuda" in name.lower() for name in keras.distribution.list_devices())
