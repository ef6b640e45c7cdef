"""What does a careful Keras script cost? One model, compiled once; weights, slots and rate are put back by hand."""

import keras

from benchmarks.rivals.network import compiled, fit, network
from benchmarks.rivals.task import Ran, Task, one_by_one
from benchmarks.rivals.workload import RATES


def run(task: Task) -> Ran:
    """Fit the same model again and again; the first trial pays for the traces."""
    keras.utils.set_random_seed(task.seed)
    model = compiled(network(task), RATES[0])
    model.optimizer.build(model.trainable_variables)
    start = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]

    def trial(learning_rate: float) -> float:
        for weight, value in zip(model.trainable_weights, start, strict=True):
            weight.assign(value)
        for slot in model.optimizer.variables:
            slot.assign(keras.ops.zeros(slot.shape, slot.dtype))
        model.optimizer.learning_rate = learning_rate
        return fit(task, model)

    return one_by_one(task, trial)
