"""How wrong is a linear head on frozen features that sees only part of the training images? Its optimum, for each part.

Features are those of the cache, so that nothing goes through the backbone again. Importing this does not import Keras.
"""

from collections.abc import Sequence

import numpy as np

from tuner.data import Problem
from tuner.data.split import sample
from tuner.heads.optimum import SEED, head_optimum, most_images
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training.asked import class_weights_of
from tuner.training.heads.stream import features_of


def most_examples(problem: Problem, run: Store, spec: TrialSpec) -> int:
    """How many training images the optimum looks at: all, unless they are too many to be quick."""
    features = features_of(problem, run, spec, "train")
    return min(len(features), most_images(features.shape[1], problem.dataset.num_classes))


def errors_by_examples(problem: Problem, run: Store, spec: TrialSpec, sizes: Sequence[int]) -> tuple[float, ...]:
    """Share of the validation images that is wrong, in [0, 1], for each size of a stratified sample of the training.

    At each size the penalty with the lowest validation loss is taken: fewer images want a larger one.
    """
    data, weights = problem.dataset, class_weights_of(problem)
    features, seen = features_of(problem, run, spec, "train"), features_of(problem, run, spec, "validation")
    errors = []
    for size in sizes:
        run.stop.check()
        rows = sample(data.train.labels.tolist(), size, SEED)
        found = head_optimum(
            np.asarray(features[rows]),
            data.train.labels[rows],
            seen,
            data.validation.labels,
            data.num_classes,
            None if weights is None else weights.tolist(),
        )
        errors.append(1.0 - found.best.val_accuracy)
    return tuple(errors)
