"""How noisy is the gradient of a whole network, at the weights that a trial kept? From batches, and from their mean.

A step of plain gradient descent at a rate of 1 takes the gradient away from the weights: read before and after, they
tell it on every backend, through the step that training itself takes. Weights are put back between two batches.

Source: McCandlish et al. 2018, arXiv 1812.06162, appendix A.1: two batch sizes give the noise and the signal.
"""

import dataclasses

import numpy as np

from tuner.data import Problem
from tuner.heads.noise_scale import NoiseScale, from_two_batches
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import single
from tuner.training.batches import Examples, epoch_of
from tuner.training.families import family_of
from tuner.training.stepping import stepping
from tuner.training.variables import value_of

MOST_BATCHES = 64  # the estimate's own error is about 1/8 then
MOST_WEIGHTS = 3e7  # each is read once a batch; a network with more is not measured
PLAIN = {
    "optimizer": "SGD", "momentum": 0.0, "nesterov": False, "global_clipnorm": None, "weight_decay": 0.0, "l1": 0.0,
    "l2": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "augmentation": (), "ema_momentum": None, "auxiliary_head": 0.0,
    "layer_decay": 1.0,
}  # fmt: skip
"""What is left out of the loss and of the step."""


def noise_of_net(problem: Problem, run: Store, trial: Trial) -> NoiseScale | None:
    """The noise scale over the training images, in training mode, at the trial's batch size.

    Estimated from up to `MOST_BATCHES` full batches; None where there are not two, or too many weights.
    """
    point = dataclasses.replace(trial.hyperparameters, **PLAIN)  # type: ignore[arg-type]
    family, size = family_of("net", problem, point), point.batch_size
    weights = family.trainee.trainable_variables
    count = min(len(problem.dataset.train) // size, MOST_BATCHES)
    if count < 2 or sum(int(np.prod(weight.shape)) for weight in weights) > MOST_WEIGHTS:
        return None
    spec = TrialSpec(point, 1, trial.spec.seed, trial.spec.step, parent=trial.number)
    single.begin(family, problem, run, spec)
    images = single.inputs_of("net", problem, run, spec, "train")
    batches = epoch_of(Examples.all_of(images, problem.dataset.train.labels), size, (spec.seed, 0))
    start = [value_of(weight) for weight in weights]
    total, squares = [np.zeros(value.shape) for value in start], 0.0
    for _, batch in zip(range(count), batches, strict=False):
        run.stop.check()
        with stepping(family) as step:
            step(batch, 1.0)
        for weight, before, part in zip(weights, start, total, strict=True):
            gradient = before.astype(np.float64) - value_of(weight)
            weight.assign(before)
            part += gradient
            squares += float((gradient**2).sum())
    mean = sum(float((part**2).sum()) for part in total) / count**2
    return from_two_batches(squares / count, mean, size, count * size)
