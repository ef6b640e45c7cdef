"""How is Keras Tuner used? As its guide says: a function from hyperparameters to a compiled model, and `search`.

When a trial begins is read off the calls of that function, one a trial, so that nothing of Keras Tuner is changed.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import keras
import keras_tuner

from benchmarks.rivals.network import compiled, network
from benchmarks.rivals.task import Ran, Task, between
from benchmarks.rivals.workload import RATES

Build = Callable[[Any], keras.Model]


def run_with(task: Task, make: Callable[[Build], Any]) -> Ran:
    """Search with the tuner that `make(build)` returns."""
    began: list[float] = []
    trained: list[int] = []  # epochs of each trial

    def build(parameters: Any) -> keras.Model:
        began.append(perf_counter())
        trained.append(0)
        rate = parameters.Float("learning_rate", *RATES, sampling="log")
        return compiled(network(task), rate)

    searcher = make(build)
    began.clear()  # it has built a model to learn the space
    trained.clear()

    def count(epoch: int, logs: Any) -> None:
        trained[-1] += 1

    data = task.arrays
    searcher.search(
        data.x,
        data.y,
        batch_size=task.workload.batch_size,
        epochs=task.workload.epochs,
        validation_data=(data.x_val, data.y_val),
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=count)],
    )
    seconds = between(began, perf_counter())
    (best,) = searcher.oracle.get_best_trials(1)
    return Ran(seconds, tuple(trained), best.hyperparameters.get("learning_rate"), best.score)


def places(task: Task) -> dict[str, Any]:
    """The arguments that all its tuners share."""
    return {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "seed": task.seed + 1,  # 0 would be taken for none
        "directory": str(task.folder),
        "project_name": "rival",
        "overwrite": True,
    }
