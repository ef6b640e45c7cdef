"""What does Keras Tuner's BayesianOptimization cost?"""

import keras_tuner

from benchmarks.rivals.kt import places, run_with
from benchmarks.rivals.task import Ran, Task


def run(task: Task) -> Ran:
    """So many rates, each proposed by a Gaussian process of those before; all epochs each."""
    return run_with(task, lambda build: keras_tuner.BayesianOptimization(build, max_trials=task.trials, **places(task)))
