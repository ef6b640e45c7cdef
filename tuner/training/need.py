"""Will a trial import Keras? Asked beforehand, so that a short command can do without, and say on what it computes.

Importing this file does not import Keras, and neither does its answer.
"""

import os

from tuner.data import Problem
from tuner.recipe.candidates import candidates
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training.asked import first_seed, split_of
from tuner.training.features import features_file, opened
from tuner.training.heads import engine as heads
from tuner.training.heads.choice import engine_of
from tuner.training.heads.stream import is_augmented
from tuner.training.known import known_trunk


def needs_keras(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Whether training `spec`, and finding the optimum of its head, imports Keras.

    It does not where NumPy's bank trains the head, on features that are in the cache under a name that is known.
    """
    runtime = problem.recipe.runtime
    if len(candidates(problem.recipe)) > 1 or engine_of(runtime.head_engine, runtime.device, os.environ) != "numpy":
        return True
    trunk = known_trunk(problem, first_seed(run, spec))  # none for a user's own model, about which only Keras can tell
    if trunk is None or not heads.can_serve(problem, run, spec) or is_augmented(spec.hyperparameters):
        return True
    splits = ("train",) if spec.hyperparameters.head_units else ("train", "validation")  # only linear heads have optima
    files = {split: features_file(problem.cache, problem.dataset.fingerprint, split, trunk) for split in splits}
    return any(opened(file, len(split_of(problem, split)), trunk) is None for split, file in files.items())
