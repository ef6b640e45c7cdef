"""What does Keras Tuner's Hyperband cost? Its trials are of unequal length, and there is no limit on their number."""

import keras_tuner

from benchmarks.rivals.kt import places, run_with
from benchmarks.rivals.task import Ran, Task

MANY = 1000  # rounds of all brackets; the limit on trials ends it


def run(task: Task) -> Ran:
    """Whole brackets again and again until the number of trials is reached; the longest has all epochs."""

    def make(build: object) -> keras_tuner.Hyperband:
        searcher = keras_tuner.Hyperband(
            build, max_epochs=task.workload.epochs, hyperband_iterations=MANY, **places(task)
        )
        searcher.oracle.max_trials = task.trials
        return searcher

    return run_with(task, make)
