"""The best that a linear head can do stands under the sweep, and says when the frozen features are not enough."""

import dataclasses
import math
from collections.abc import Callable

import pytest

from tuner.data import Problem
from tuner.heads import Optimum, Strength
from tuner.records import Outcome, to_json
from tuner.steps.best_possible import best_possible
from tuner.steps.learning_rate import judge, measure
from tuner.store import Store

BEST = Strength(1e-3, 0.05, 0.02, 0.2, 0.03, 0.95, 1e-4, 30, 0.1)
OPTIMUM = Optimum(BEST, (BEST,), 0.001, 0.955, 1000, 1000, 400, 1280, 10, 0.5)


def test_it_says_how_near_the_sweep_came_and_what_validation_can_be() -> None:
    assert best_possible(OPTIMUM, [0.4, 0.16, math.nan], 100, None) == (
        "The best linear head on these features has a training loss of 0.02; the sweep came to 0.16 in 100 iterations. "
        "In validation such heads reach 0.955."
    )
    assert "sweep" not in best_possible(OPTIMUM, [math.nan], 100, None)
    assert best_possible(None, [0.1], 100, 0.99) == ""


@pytest.mark.parametrize(("target", "far"), [(None, False), (0.9, False), (0.96, False), (0.97, True)])
def test_a_target_beyond_noise_needs_more_than_these_features(target: float | None, far: bool) -> None:
    assert ("not enough" in best_possible(OPTIMUM, [0.16], 100, target)) == far


def test_of_a_sample_nothing_is_claimed_to_be_out_of_reach() -> None:
    some = dataclasses.replace(OPTIMUM, all_images=60_000)
    said = best_possible(some, [0.16], 100, 0.99)
    assert "(of 1,000 of the 60,000 training images)" in said
    assert "not enough" not in said


STEPS = {"learning_rate": {"iterations": 20, "range_test": False, "refine": False}}


def test_a_linear_head_on_frozen_features_has_its_floor(make_problem: Callable[..., Problem], run: Store) -> None:
    frozen = [{"name": "head", "trainable": "none"}]
    found = measure(make_problem(transfer=frozen, steps=STEPS, target={"at_least": 1.0}), run)
    assert found.optimum is not None
    assert found.optimum.best.train_loss < min(one.last for one in found.sweep if math.isfinite(one.last))
    assert (found.optimum.images, found.optimum.val_images, found.optimum.features) == (600, 100, 64)
    (verdict,) = judge(found)
    assert "The best linear head on these features" in verdict.sentence
    assert "not enough" in verdict.sentence
    assert to_json(found)["optimum"]["best"]["val_loss"] == found.optimum.best.val_loss
    (augmented,) = judge(dataclasses.replace(found, augmented=True))
    assert "not enough" not in augmented.sentence
    (without,) = judge(dataclasses.replace(found, optimum=None))
    assert verdict.sentence.startswith(without.sentence)
    assert (verdict.outcome, verdict.changes) == (without.outcome, without.changes)
    assert verdict.outcome is not Outcome.FAIL


@pytest.mark.parametrize(
    "sections",
    [
        {"transfer": [{"name": "all", "trainable": "all"}]},
        {"model": {"backbone": "python:small_nets:backbone", "head_units": [8]}},
        {"model": {"backbone": "python:small_nets:scores"}},
    ],
)
def test_where_more_than_a_linear_head_trains_there_is_none(
    make_problem: Callable[..., Problem], run: Store, sections: dict[str, object]
) -> None:
    frozen = {"transfer": [{"name": "head", "trainable": "none"}]}
    assert measure(make_problem(**{"steps": STEPS, **frozen, **sections}), run).optimum is None
