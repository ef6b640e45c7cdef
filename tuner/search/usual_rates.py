"""At which learning rate is an optimizer usually begun? What its authors, or those who made it known, propose.

A rate has no meaning of its own: SGD's is multiplied by a gradient, Adam's by a number near 1. Where the rates of two
optimizers cannot be measured on the task, the ratio of their usual ones stands in.
"""

from collections.abc import Mapping

from tuner.hyperparameters import Hyperparameters
from tuner.recipe.names import FULL_BATCH

USUAL: Mapping[str, float] = {
    "SGD": 1e-2,  # with momentum 0.9: Krizhevsky et al. 2012
    "Adagrad": 1e-2,  # arXiv 1609.04747, 4.3
    "Adadelta": 1.0,  # arXiv 1212.5701: the method has no rate
    "RMSprop": 1e-3,  # Hinton, lecture 6e; arXiv 1609.04747, 4.5
    "Adam": 1e-3,  # arXiv 1412.6980
    "AdamW": 1e-3,  # arXiv 1711.05101
    "Adamax": 2e-3,  # arXiv 1412.6980, section 7.1
    "Nadam": 2e-3,  # Dozat 2016
    "Adafactor": 1e-2,  # arXiv 1804.04235, relative step size
    "Ftrl": 1e-2,  # as Adagrad, from which it differs by its penalties (McMahan et al. 2013)
    "Lamb": 1e-3,  # arXiv 1904.00962 scales it by layers
    "Lion": 1e-4,  # arXiv 2302.06675: 3 to 10 times less than AdamW
    "Muon": 1e-3,  # as AdamW, to which Keras scales its steps (arXiv 2502.16982)
    "ScheduleFreeAdamW": 2.5e-3,  # arXiv 2405.15682
    "NovoGrad": 1e-2,  # arXiv 1905.11286
    "LBFGS": 1.0,  # the whole quasi-Newton step, with which its line search begins
}


def usual_ratio(before: str, after: str) -> float:
    """By what a rate of the optimizer `before` is multiplied where `after` takes its place, as is usual."""
    return USUAL[after] / USUAL[before]


def usual_rate(point: Hyperparameters) -> float:
    """The usual rate of the point's optimizer."""
    return USUAL[point.optimizer]


def has_rate(optimizer: str) -> bool:
    """Whether there is a learning rate to find."""
    return optimizer not in FULL_BATCH
