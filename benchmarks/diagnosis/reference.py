"""Which learning rate suits a task and an optimizer? Found by the same sweep for all, kept here as a table.

    python -m benchmarks.diagnosis.collect --rates      prints the table again

The rate with the lowest validation loss at the last epoch, mean of two seeds, over powers of the square root of ten.
"""

from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task

OPTIMIZERS = ("sgd", "momentum", "adam", "rmsprop")
SWEEP = {
    "sgd": (1e-2, 3e-2, 1e-1, 3e-1),
    "momentum": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "adam": (3e-4, 1e-3, 3e-3, 1e-2),
    "rmsprop": (3e-4, 1e-3, 3e-3, 1e-2),
}
RATES: dict[str, dict[str, float]] = {
    "digits": {"sgd": 0.1, "momentum": 0.01, "adam": 0.003, "rmsprop": 0.001},
    "digits_cnn": {"sgd": 0.3, "momentum": 0.03, "adam": 0.01, "rmsprop": 0.01},
    "wine": {"sgd": 0.3, "momentum": 0.03, "adam": 0.01, "rmsprop": 0.003},
    "breast_cancer": {"sgd": 0.3, "momentum": 0.1, "adam": 0.003, "rmsprop": 0.003},
    "diabetes": {"sgd": 0.01, "momentum": 0.001, "adam": 0.001, "rmsprop": 0.001},
    "circles": {"sgd": 0.3, "momentum": 0.03, "adam": 0.01, "rmsprop": 0.01},
    "waves": {"sgd": 0.1, "momentum": 0.1, "adam": 0.01, "rmsprop": 0.01},
    "fashion": {"sgd": 0.1, "momentum": 0.003, "adam": 0.001, "rmsprop": 0.003},
    "moons": {"sgd": 0.1, "momentum": 0.01, "adam": 0.003, "rmsprop": 0.003},
    "blobs": {"sgd": 0.03, "momentum": 0.003, "adam": 0.001, "rmsprop": 0.001},
    "friedman": {"sgd": 0.1, "momentum": 0.03, "adam": 0.01, "rmsprop": 0.01},
    "tokens": {"sgd": 0.3, "momentum": 0.03, "adam": 0.001, "rmsprop": 0.003},
    "swiss": {"sgd": 0.1, "momentum": 0.03, "adam": 0.003, "rmsprop": 0.003},
    "hastie": {"sgd": 0.3, "momentum": 0.1, "adam": 0.01, "rmsprop": 0.01},
    "phase": {"sgd": 0.3, "momentum": 0.03, "adam": 0.01, "rmsprop": 0.01},
}


def base(task: Task, optimizer: str = "adam") -> Setup:
    """The healthy setup of a task, from which every other one differs in what its name says."""
    return Setup(task.name, optimizer, RATES[task.name][optimizer], epochs=task.epochs)
