"""A head that trains among others is the head that would have trained alone, and the one that stock Keras trains."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.training.heads import keras_bank
from tuner.training.heads.bank import Plan, Start
from tuner.training.heads.choice import bank_maker, engine_of
from tuner.training.heads.keras_bank import KerasBank
from tuner.training.heads.numpy_bank import NumpyBank
from tuner.training.heads.shapes import shape_of
from tuner.training.trainee import TRACES

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import equality

BANKS = (NumpyBank, KerasBank)
SEVERAL = equality.MIXED[::2]  # one of each kind


def batches(plan, count=6):
    """(features, labels, weights, uniform), made up."""
    random = np.random.default_rng(3)
    size = equality.BATCH
    for _ in range(count):
        weights = np.r_[random.random(size - 3) + 0.5, np.zeros(3)].astype(np.float32)
        labels = random.integers(0, plan.num_classes, size).astype(np.int32)
        features = random.random((size, plan.width), np.float32)
        yield features, labels, weights, random.random((size, plan.dropped), np.float32)


def rates_of(plan):
    return np.array([point.learning_rate for point in plan.points], np.float32)


def trained(make, plan, count=6):
    bank = make(plan)
    for features, labels, weights, uniform in batches(plan, count):
        bank.step(features, labels, weights, rates_of(plan), uniform)
    return bank


def everything(bank):
    return [[*bank.head(place), *bank.state(place)] for place in range(len(bank.plan.points))]


def assert_same_heads(one, other, near=1e-6):
    for mine, theirs in zip(one, other, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=near)


@pytest.mark.parametrize("name", [*equality.CASES, "mixed"])
def test_fused_heads_are_those_of_stock_keras_trained_one_by_one(name):
    points = equality.MIXED if name == "mixed" else equality.CASES[name]
    found = equality.differences(points)
    assert len(found) == 3
    assert max(found.values()) <= equality.GOAL


def test_the_difference_sees_what_is_wrong():
    here = [[np.zeros((2, 3)), np.zeros(3)]]
    assert equality.greatest(here, [[np.zeros((2, 3)), np.array([0, 0, 0.5])]]) == 0.5
    assert equality.greatest(here, [[np.zeros((2, 3)), np.array([0, 0, np.nan])]]) == np.inf


@pytest.mark.parametrize("units", [(), (8,)])
def test_both_banks_report_the_same_and_hold_the_same_state(units):
    plan = equality.plan_of([replace(point, head_units=units) for point in SEVERAL])
    numpy, keras = (trained(make, plan) for make in BANKS)
    assert_same_heads(everything(numpy), everything(keras))
    features, labels, weights, uniform = next(batches(plan, 1))
    np.testing.assert_allclose(numpy.scores(features), keras.scores(features), atol=1e-5)
    assert numpy.scores(features).shape == (len(plan.points), equality.BATCH, plan.num_classes)
    for a, b in zip(
        *(bank.step(features, labels, weights, rates_of(plan), uniform) for bank in (numpy, keras)), strict=True
    ):
        assert a.shape == (len(plan.points),)
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("make", BANKS)
def test_many_steps_at_once_are_as_many_single_steps(make):
    plan = equality.plan_of(SEVERAL)
    apart, together = trained(make, plan), make(plan)
    features, labels, weights, uniform = (np.stack(each) for each in zip(*batches(plan), strict=True))
    rates = np.tile(rates_of(plan), (len(features), 1))
    losses, accuracies = together.steps(features, labels, weights, rates, uniform)
    assert losses.shape == accuracies.shape == rates.shape
    assert_same_heads(everything(apart), everything(together), near=1e-7)


@pytest.mark.parametrize("make", BANKS)
def test_a_bank_that_is_continued_in_another_takes_the_steps_of_one_that_never_stopped(make):
    plan = equality.plan_of(SEVERAL)
    whole, half = trained(make, plan, 6), make(plan)
    for number, (features, labels, weights, uniform) in enumerate(batches(plan, 6)):
        if number == 3:
            kept = tuple(Start(half.head(place), half.state(place)) for place in range(len(plan.points)))
            half = make(Plan(plan.points, kept, plan.width, plan.num_classes))
        half.step(features, labels, weights, rates_of(plan), uniform)
    assert_same_heads(everything(whole), everything(half), near=0)


def test_heads_of_different_ages_train_together_as_alone():
    points = [equality.CASES["AdamW"][0]] * 2
    young = equality.plan_of(points)
    older = trained(NumpyBank, young, 5)
    plan = replace(young, starts=(Start(older.head(0), older.state(0)), young.starts[1]))
    alone = [everything(trained(NumpyBank, own))[0] for own in equality.one_by_one(plan)]
    for make in BANKS:
        assert_same_heads(everything(trained(make, plan)), alone)


@pytest.mark.parametrize("make", BANKS)
def test_a_head_that_diverges_leaves_the_others_alone(make):
    points = equality.CASES["momentum"]
    plan = equality.plan_of(points)
    wild = equality.plan_of([points[0], replace(points[1], learning_rate=1e38), points[2]])
    found = everything(trained(make, wild))
    assert not np.isfinite(found[1][-2]).all()
    expected = everything(trained(make, plan))
    assert_same_heads([found[0], found[2]], [expected[0], expected[2]], near=0)


def test_two_banks_of_one_shape_do_not_touch_each_other():
    plan = equality.plan_of(equality.CASES["AdamW"])
    alone = everything(trained(KerasBank, plan))
    one, other = KerasBank(plan), KerasBank(plan)
    for features, labels, weights, uniform in batches(plan):
        one.step(features, labels, weights, rates_of(plan), uniform)
        other.step(features, labels, weights, 2 * rates_of(plan), uniform)
    assert_same_heads(everything(one), alone, near=0)


def test_values_are_no_part_of_the_graph():
    first = [Hyperparameters(learning_rate=r, dropout=0.2, l2=1e-3, global_clipnorm=1.0) for r in (0.1, 0.2, 0.3)]
    second = [
        Hyperparameters(
            learning_rate=r, dropout=0.4, l1=1e-2, weight_decay=0.5, label_smoothing=0.1, global_clipnorm=2.0
        )
        for r in (0.01, 0.02, 0.03, 0.04)
    ]
    keras_bank.clear()
    before = TRACES["train"]
    for points in (first, second):
        trained(KerasBank, equality.plan_of(points))
    assert TRACES["train"] == before + 1


def test_a_compiled_bank_has_room_for_every_head_and_little_more():
    random = np.random.default_rng(0)
    for _ in range(50):
        rates = sorted(random.choice([0.0, 0.1, 0.2, 0.3, 0.5], random.integers(1, 40)))
        points = tuple(Hyperparameters(dropout=float(rate)) for rate in rates)
        shape, places = shape_of(Plan(points, (), 1280, 10))
        assert len(set(places)) == len(points) <= shape.heads <= 4 * len(points)
        groups = {(place // shape.length, rate) for place, rate in zip(places, rates, strict=True)}
        assert len({group for group, _ in groups}) == len(groups), "a group has one dropout rate"


def test_the_bank_is_chosen_without_asking_keras(tmp_path, problem):
    nothing, card = tmp_path / "none", tmp_path / "dev"
    for folder in (nothing, card):
        folder.mkdir()
    (card / "nvidia0").touch()
    assert engine_of("auto", "auto", {}, nothing) == "numpy"
    assert engine_of("auto", "auto", {}, card) == "keras"
    assert engine_of("auto", "cpu", {}, card) == "numpy"
    assert engine_of("auto", "gpu:1", {}, nothing) == "keras"
    assert engine_of("auto", "auto", {"CUDA_VISIBLE_DEVICES": "-1"}, card) == "numpy"
    assert engine_of("auto", "auto", {"JAX_PLATFORMS": "cpu"}, card) == "numpy"
    assert engine_of("keras", "cpu", {}, nothing) == "keras"
    assert engine_of("numpy", "gpu:0", {}, card) == "numpy"


@pytest.mark.parametrize(("asked", "bank"), [("numpy", NumpyBank), ("keras", KerasBank)])
def test_the_recipe_says_which_bank(make_problem, asked, bank):
    assert bank_maker(make_problem(runtime={"head_engine": asked})) is bank
