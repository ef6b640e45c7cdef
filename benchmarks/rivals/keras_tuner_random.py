"""What does Keras Tuner's RandomSearch cost?"""

import keras_tuner

from benchmarks.rivals.kt import places, run_with
from benchmarks.rivals.task import Ran, Task


def run(task: Task) -> Ran:
    """So many random rates, all epochs each."""
    return run_with(task, lambda build: keras_tuner.RandomSearch(build, max_trials=task.trials, **places(task)))
