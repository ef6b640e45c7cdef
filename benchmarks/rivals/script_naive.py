"""What does a Keras script cost that makes a new model for each trial? The first thing that anyone writes."""

import keras

from benchmarks.rivals.network import compiled, fit, network
from benchmarks.rivals.task import Ran, Task, one_by_one


def run(task: Task) -> Ran:
    """Build, compile and fit once a trial."""

    def trial(learning_rate: float) -> float:
        keras.utils.clear_session()
        keras.utils.set_random_seed(task.seed)
        return fit(task, compiled(network(task), learning_rate))

    return one_by_one(task, trial)
