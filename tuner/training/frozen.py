"""What can a linear head on the frozen backbone of a problem do, and what does that backbone cost? No training step.

The features are those that the heads train on, from the same cache. Importing this file does not import Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from tuner.data import Problem
from tuner.heads import Optimum, log_evidence
from tuner.heads.optimum import looked_at
from tuner.heads.remembered import remembered_optimum
from tuner.recipe.candidates import backbone_of
from tuner.recipe.names import PYTHON
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training.asked import class_weights_of, first_seed
from tuner.training.features import Trunk
from tuner.training.heads.bank import Array
from tuner.training.heads.stream import features_of
from tuner.training.views import trunk_features

ENGINES = frozenset({"heads", "head"})  # those whose trials are heads on frozen features
PASSES = 3  # timed ones; the first, which compiles, is not


@dataclass(frozen=True)
class Cost:
    """What a frozen backbone takes."""

    parameters: int
    features: int  # D, of an image
    images_per_second: float  # in inference mode, on this machine


def has_features(problem: Problem, spec: TrialSpec) -> bool:
    """Whether the model has a backbone with a head of ours on it; a user's whole classifier has none."""
    if not backbone_of(problem.recipe).startswith(PYTHON):
        return True
    from tuner.training import single

    return single.has_trunk(problem, spec.hyperparameters, spec.seed)


def features_below_head(problem: Problem, run: Store, spec: TrialSpec) -> tuple[Array, Array] | None:
    """What the last layer reads of the training and of the validation images, (N, D) each, as the weights came.

    Of a user's whole classifier, its last layer with weights counts; None where the graph has no place below it.
    """
    if has_features(problem, spec):
        return _both(partial(features_of, problem, run, spec))
    trunk = _below_last(problem, spec)
    return None if trunk is None else _both(partial(trunk_features, problem, run, trunk))


def _both(features: Callable[[str], Array]) -> tuple[Array, Array]:
    return features("train"), features("validation")


def _below_last(problem: Problem, spec: TrialSpec) -> Trunk | None:
    from tuner.models import below_head, structure_of
    from tuner.training.families import build
    from tuner.training.trunks import make_trunk

    below = below_head(build(problem, structure_of(spec.hyperparameters), spec.seed).model)
    return None if below is None else make_trunk(problem, below, "below the last layer")


def optimum_of(problem: Problem, run: Store, spec: TrialSpec) -> Optimum:
    """The optimum of a linear head on the features that a trial of `spec` would see without augmentation.

    For a spec that trains nothing below the head. Features that are not in the cache are computed.
    """
    data = problem.dataset
    weights = class_weights_of(problem)
    return remembered_optimum(
        problem.cache,
        features_of(problem, run, spec, "train"),
        data.train.labels,
        features_of(problem, run, spec, "validation"),
        data.validation.labels,
        data.num_classes,
        None if weights is None else weights.tolist(),
    )


def evidence_of(problem: Problem, run: Store, spec: TrialSpec) -> float:
    """LogME of the training images' features, of the sample that the optimum looks at."""
    features, labels = features_of(problem, run, spec, "train"), problem.dataset.train.labels
    rows = looked_at(labels, features.shape[1], problem.dataset.num_classes)
    return log_evidence(np.asarray(features[rows]), labels[rows], problem.dataset.num_classes)


def cost_of(problem: Problem, run: Store, spec: TrialSpec) -> Cost | None:
    """The size and speed of the frozen backbone; None if the model is a user's whole classifier, which has none."""
    from tuner.models import structure_of
    from tuner.training.families import trunk_of
    from tuner.training.features import at_once

    trunk = trunk_of(problem, structure_of(spec.hyperparameters), first_seed(run, spec))
    if trunk is None:
        return None
    images = problem.dataset.train.images
    some = np.asarray(images[: at_once(images.shape)])
    trunk.features(some)
    seconds = []
    for _ in range(PASSES):
        run.stop.check()
        began = perf_counter()
        trunk.features(some)
        seconds.append(perf_counter() - began)
    return Cost(int(trunk.backbone.count_params()), trunk.width, len(some) / median(seconds))
