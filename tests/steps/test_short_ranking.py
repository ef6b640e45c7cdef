"""Untrained backbones are trained for a moment, each at its own rate; the seeds say how much chance there is in it."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from tuner.data import Problem
from tuner.data.dataset import Split
from tuner.recipe.candidates import with_backbone
from tuner.steps.short_ranking import RATES, SEEDS, ShortRuns, epochs_of, seed_noise, short_runs
from tuner.store import Store

ONE = ShortRuns(0.01, (0.5, 0.7), 0.8, 0.6, 100.0)


def test_noise_is_pooled_over_all_backbones() -> None:
    other = dataclasses.replace(ONE, val_losses=(1.0, 1.0))
    lost = dataclasses.replace(ONE, val_losses=(1.0, math.inf))
    assert 0.6 * seed_noise([ONE]) == pytest.approx(0.1)  # half of what two seeds lie apart
    assert seed_noise([ONE, other, lost]) == pytest.approx(seed_noise([ONE]) / math.sqrt(2))
    assert math.isnan(seed_noise([lost]))


def enlarged(split: Split) -> Split:
    """Digits of 8 x 8 as 32 x 32."""
    return Split(np.kron(np.asarray(split.images), np.ones((1, 4, 4, 1), np.uint8)), split.labels)


def test_a_network_is_trained_at_the_rate_that_a_sweep_finds_from_two_seeds(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(data={"source": "digits", "image_size": [32, 32], "color_mode": "grayscale"})
    data = problem.dataset
    small = dataclasses.replace(data, train=enlarged(data.train), validation=enlarged(data.validation))
    problem = dataclasses.replace(problem, dataset=small, recipe=with_backbone(problem.recipe, "LeNet5"))
    found = short_runs(problem, run, "backbones", "LeNet5")
    assert found.learning_rate in RATES
    assert len(found.val_losses) == SEEDS == len({*found.val_losses})
    assert found.val_accuracy > 0.8
    assert epochs_of(problem) == 11  # 200 batches of 32, of 600 images
    assert len(run.trials) == len(RATES) + SEEDS
    assert {trial.spec.stage for trial in run.trials} == {"LeNet5"}
    assert {trial.weights for trial in run.trials} == {None}  # none of them can be taken for the run's best
    assert short_runs(problem, run, "backbones", "LeNet5").val_losses == found.val_losses
    assert len(run.trials) == len(RATES) + SEEDS
