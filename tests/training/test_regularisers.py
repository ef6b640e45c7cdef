"""Each regulariser acts as its formula says, whichever engine trains: one step of gradient descent, written out."""

import numpy as np
import pytest

from tuner import models
from tuner.models.drawing import first_head
from tuner.training.checkpoints import read
from tuner.training.engines import ENGINES
from tuner.training.families import trunk_of
from tuner.training.views import trunk_features

RATE = 0.1
BY_NAME = {engine.name: engine for engine in ENGINES}
HOW = {  # who trains: an engine, and what the recipe says for it
    "heads by NumPy": ("heads", {"runtime": {"head_engine": "numpy"}}),
    "heads by Keras": ("heads", {"runtime": {"head_engine": "keras"}}),
    "head": ("head", {}),
    "net": ("net", {}),
}
SETTINGS = {
    "nothing": {},
    "L1": {"l1": 0.3},
    "L2": {"l2": 0.2},
    "elastic net": {"l1": 0.3, "l2": 0.2},
    "weight decay": {"weight_decay": 0.5},
    "label smoothing": {"label_smoothing": 0.3},
    "all of them": {"l1": 0.3, "l2": 0.2, "weight_decay": 0.5, "label_smoothing": 0.3},
}


def one_step(features, labels, kernel, l1=0.0, l2=0.0, weight_decay=0.0, label_smoothing=0.0):
    """The kernel of a softmax regression whose bias is 0, after one step on all examples, in float64."""
    features, kernel = np.asarray(features, np.float64), np.asarray(kernel, np.float64)
    classes = kernel.shape[1]
    scores = features @ kernel
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    target = (1 - label_smoothing) * np.eye(classes)[labels] + label_smoothing / classes
    gradient = features.T @ (p - target) / len(labels) + l1 * np.sign(kernel) + 2 * l2 * kernel
    return kernel - RATE * weight_decay * kernel - RATE * gradient


@pytest.mark.parametrize("how", HOW)
def test_one_step_is_that_of_the_formula(make_problem, new_run, spec, how):
    name, sections = HOW[how]
    problem = make_problem(**sections)
    data = problem.dataset.train
    plain = {
        "optimizer": "SGD",
        "momentum": 0.0,
        "learning_rate": RATE,
        "weight_decay": 0.0,
        "batch_size": len(data.labels),
    }
    specs = [spec(**plain | settings, epochs=1, keep=True, validate=False) for settings in SETTINGS.values()]
    run = new_run()
    trials = BY_NAME[name].serve(problem, run, specs)
    trunk = trunk_of(problem, models.Structure(), 0)
    features = trunk_features(problem, run, trunk, "train")
    kernel, _ = first_head(features.shape[1], 3, (), "glorot_uniform", 0.0, 0)[-2:]
    for trial, settings in zip(trials, SETTINGS.values(), strict=True):
        found = next(value for value in read(run.weights_path(trial)).best["head"] if value.shape == kernel.shape)
        np.testing.assert_allclose(found, one_step(features, data.labels, kernel, **settings), rtol=1e-4, atol=1e-6)


def test_the_formula_tells_them_apart():
    rng = np.random.default_rng(0)
    features, labels, kernel = rng.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2]), rng.normal(size=(4, 3))
    found = [one_step(features, labels, kernel, **settings) for settings in SETTINGS.values()]
    apart = [np.abs(one - other).max() for i, one in enumerate(found) for other in found[:i]]
    assert min(apart) > 1e-3
