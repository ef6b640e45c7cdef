"""Does each part of a backbone learn at its share of the rate, for every optimizer and its decay?"""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tuner import models
from tuner.data import Problem
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training import fit
from tuner.training.families import family_key, family_of, fresh_weights
from tuner.training.optimizers import make_optimizer, optimizer_key, set_numbers

DECAY = 0.5


def steps_of(optimizer: str, layer_decay: float, weight_decay: float) -> list[np.ndarray]:
    """What one step takes away from three equal variables, of depth 0, 1 and 3."""
    from tuner.hyperparameters import Hyperparameters
    from tuner.training.layered import place

    point = Hyperparameters(
        optimizer=optimizer, momentum=0.0, layer_decay=layer_decay, trainable="all", weight_decay=weight_decay
    )
    key = optimizer_key(point)
    made = make_optimizer(key)
    weights = [keras.Variable(np.full((2, 2), 0.5, "float32")) for _ in range(3)]
    if key.layered:
        place(made, weights, {id(weights[1]): 1, id(weights[2]): 3})
    made.build(weights)
    set_numbers(made, point)
    made.learning_rate = 0.01
    made.apply([keras.ops.full((2, 2), 0.25)] * 3, weights)
    return [0.5 - keras.ops.convert_to_numpy(weight) for weight in weights]


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "Muon", "Nadam", "NovoGrad", "RMSprop"])
def test_each_depth_moves_by_its_share(optimizer: str) -> None:
    whole = steps_of(optimizer, 1.0, 0.1)[0]
    assert np.abs(whole).min() > 1e-5
    moved = steps_of(optimizer, DECAY, 0.1)
    for found, depth in zip(moved, (0, 1, 3), strict=True):
        np.testing.assert_allclose(found, whole * DECAY**depth, rtol=2e-3)


def test_weight_decay_alone_is_shared_too() -> None:
    point_of = steps_of("SGD", DECAY, 2.0)
    without = steps_of("SGD", DECAY, 0.0)
    decays = [a - b for a, b in zip(point_of, without, strict=True)]
    for found, depth in zip(decays, (0, 1, 3), strict=True):
        np.testing.assert_allclose(found, 0.01 * 2.0 * 0.5 * DECAY**depth, rtol=1e-3)


def test_one_step_of_a_network_moves_each_third_by_its_share(
    problem: Problem, spec: Callable[..., TrialSpec], run: Store
) -> None:
    asked = {"optimizer": "SGD", "momentum": 0.0, "weight_decay": 0.0, "trainable": "all", "max_steps": 1, "epochs": 1}
    plain, layered = spec(**asked), spec(**asked, layer_decay=DECAY)
    moved = {}
    for one in (plain, layered):
        fit(problem, run, one)
        family = family_of("net", problem, one.hyperparameters)
        begun = fresh_weights(problem, models.structure_of(one.hyperparameters), one.seed)
        moved[one] = [keras.ops.convert_to_numpy(v) - w for v, w in zip(family.variables, begun, strict=True)]
    names = [variable.path for variable in family.variables]
    shares = {
        name.split("/")[0]: float(np.abs(b).max() / np.abs(a).max())
        for name, a, b in zip(names, moved[plain], moved[layered], strict=True)
        if np.abs(a).max() > 1e-7 and "seed" not in name
    }
    found = sorted({round(share, 3) for share in shares.values()})
    assert shares["conv0"] == pytest.approx(DECAY**3, rel=1e-3)
    assert found[-1] == pytest.approx(1.0, rel=1e-3)  # the head
    assert set(found) <= {0.125, 0.25, 0.5, 1.0}


def test_the_decay_is_no_part_of_the_graph(problem: Problem, spec: Callable[..., TrialSpec]) -> None:
    half, third, off = (spec(trainable="all", layer_decay=value).hyperparameters for value in (0.5, 0.3, 1.0))
    assert family_key("net", problem, half) == family_key("net", problem, third) != family_key("net", problem, off)
    frozen = spec(layer_decay=0.5).hyperparameters
    assert family_key("head", problem, frozen) == family_key("head", problem, spec().hyperparameters)
