"""The optimum of a linear head is scikit-learn's, no other weights are better, and the path ends where it should."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tuner.heads import head_optimum
from tuner.heads.logistic import Weights, cross_entropies
from tuner.heads.optimum import LEAST_IMAGES, MOST_IMAGES, MOST_RANK, looked_at, most_images, optimal_head
from tuner.records import to_json

TIGHT = 1e-7


def objective(features: np.ndarray, labels: np.ndarray, head: Weights, l2: float) -> float:
    losses = cross_entropies(head.scores(np.asarray(features, np.float64)), labels)
    return float(losses.mean() + l2 * np.square(head.kernel).sum())


def sklearn_head(features: np.ndarray, labels: np.ndarray, l2: float) -> Weights:
    model = LogisticRegression(C=1 / (2 * len(labels) * l2), tol=1e-9, max_iter=20_000)
    model.fit(np.asarray(features, np.float64), labels)
    return Weights(model.coef_.T, model.intercept_)


@pytest.mark.parametrize("name", ["pixels", "wide"])
@pytest.mark.parametrize("l2", [1e-1, 1e-3, 1e-5])
def test_it_is_the_optimum_of_scikit_learn(name: str, l2: float, request: pytest.FixtureRequest) -> None:
    x, y, val, _ = request.getfixturevalue(name)
    head, value = optimal_head(x, y, 10, l2, TIGHT)
    theirs = sklearn_head(x, y, l2)
    assert value == pytest.approx(objective(x, y, head, l2), abs=1e-9)
    assert value <= objective(x, y, theirs, l2) + 1e-9
    assert value == pytest.approx(objective(x, y, theirs, l2), abs=1e-6)
    assert head.scores(val).argmax(axis=1).tolist() == theirs.scores(val).argmax(axis=1).tolist()


@pytest.mark.parametrize("name", ["pixels", "wide"])
def test_no_other_weights_are_better(name: str, request: pytest.FixtureRequest) -> None:
    x, y, _, _ = request.getfixturevalue(name)
    head, value = optimal_head(x, y, 10, 1e-4, TIGHT)
    rng = np.random.default_rng(2)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(20):
            kernel = head.kernel + size * rng.normal(size=head.kernel.shape)
            bias = head.bias + size * rng.normal(size=head.bias.shape)
            assert objective(x, y, Weights(kernel, bias), 1e-4) > value


def test_fast_arithmetic_comes_to_the_same_optimum(pixels, wide) -> None:
    for x, y, val, val_y in (pixels, wide):
        quick = head_optimum(x, y, val, val_y, 10)
        exact = head_optimum(x, y, val, val_y, 10, strengths=[one.l2 for one in quick.path], tolerance=TIGHT)
        for fast, slow in zip(quick.path, exact.path, strict=True):
            assert fast.objective == pytest.approx(slow.objective, abs=1e-4)
            assert fast.objective >= slow.objective - 1e-6
            assert fast.val_loss == pytest.approx(slow.val_loss, abs=3e-3)


def test_a_smaller_penalty_has_a_smaller_training_loss_and_the_best_has_the_least_validation_loss(pixels) -> None:
    found = head_optimum(*pixels, 10)
    assert [one.l2 for one in found.path] == sorted((one.l2 for one in found.path), reverse=True)
    losses = [one.train_loss for one in found.path]
    assert losses == sorted(losses, reverse=True)
    assert found.lowest_train_loss == losses[-1] >= 0
    assert found.best.val_loss == min(one.val_loss for one in found.path)
    assert found.highest_val_accuracy >= found.best.val_accuracy > 0.9
    assert not found.sampled


def test_the_path_ends_one_penalty_after_the_least_validation_loss(pixels) -> None:
    found = head_optimum(*pixels, 10)
    assert found.best is found.path[-2] or found.path[-1].val_loss <= found.path[-2].val_loss


def test_scaled_and_shifted_features_have_the_same_losses(pixels) -> None:
    x, y, val, val_y = pixels
    plain = head_optimum(x, y, val, val_y, 10)
    moved = head_optimum(x * 100 + 7, y, val * 100 + 7, val_y, 10)
    assert moved.best.l2 == pytest.approx(plain.best.l2 * 1e4, rel=1e-3)
    assert moved.best.val_loss == pytest.approx(plain.best.val_loss, abs=2e-3)


def test_features_that_say_nothing_leave_the_entropy_of_the_labels() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    blank = np.ones((40, 5), np.float32)
    found = head_optimum(blank, labels, blank, labels, 2)
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert found.lowest_train_loss == pytest.approx(entropy, abs=1e-5)
    assert found.best.val_accuracy == 0.75


def test_weights_of_classes_are_those_of_the_loss(pixels) -> None:
    x, y, val, val_y = pixels
    rare = np.flatnonzero((y != 0) | (np.arange(len(y)) % 5 == 0))
    weights = (len(rare) / (10 * np.bincount(y[rare], minlength=10))).tolist()
    found = head_optimum(x[rare], y[rare], val, val_y, 10, weights, strengths=[1e-3], tolerance=TIGHT)
    model = LogisticRegression(C=1 / (2 * len(rare) * 1e-3), tol=1e-9, max_iter=20_000, class_weight="balanced")
    model.fit(x[rare].astype(np.float64), y[rare])
    theirs = cross_entropies(x[rare] @ model.coef_.T + model.intercept_, y[rare]) * np.asarray(weights)[y[rare]]
    assert found.best.objective == pytest.approx(theirs.mean() + 1e-3 * np.square(model.coef_).sum(), abs=1e-6)


def test_a_sample_says_so_and_keeps_every_class() -> None:
    features = np.random.default_rng(3).normal(size=(MOST_IMAGES + 1000, 4)).astype(np.float32)
    labels = np.arange(len(features)) % 3
    found = head_optimum(features, labels, features[:90], labels[:90], 3, strengths=[1.0])
    assert (found.images, found.all_images, found.sampled) == (MOST_IMAGES, len(features), True)
    assert np.bincount(labels[looked_at(labels, 4, 3)]).min() >= MOST_IMAGES // 3
    assert most_images(MOST_RANK + 1, 10) == MOST_RANK
    assert most_images(2048, 1000) == LEAST_IMAGES


def test_a_feature_that_is_not_finite_is_refused(pixels) -> None:
    broken = pixels.train.copy()
    broken[3, 5] = np.nan
    with pytest.raises(ValueError, match="finite"):
        head_optimum(broken, *pixels[1:], 10)


def test_it_is_plain_data(pixels) -> None:
    found = to_json(head_optimum(*pixels, 10, strengths=[1e-2, 1e-3]))
    assert [one["l2"] for one in found["path"]] == [1e-2, 1e-3]
    assert set(found["best"]) >= {
        "l2",
        "train_loss",
        "val_loss",
        "val_accuracy",
        "gradient_norm",
        "iterations",
        "seconds",
    }
