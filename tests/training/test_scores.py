import keras
import numpy as np
import pytest

from tuner.training.scores import loss_and_accuracy, probabilities

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 50)


@pytest.mark.parametrize("from_logits", [True, False])
def test_loss_and_accuracy_are_those_of_keras(from_logits):
    scores = RNG.normal(size=(50, 4)).astype("float32") * 5
    scores = scores if from_logits else probabilities(scores, True)
    loss, accuracy = loss_and_accuracy(scores, LABELS, from_logits)
    theirs = keras.losses.sparse_categorical_crossentropy(LABELS, scores, from_logits=from_logits)
    assert loss == pytest.approx(float(keras.ops.convert_to_numpy(theirs).mean()), rel=1e-5)
    assert accuracy == (scores.argmax(axis=1) == LABELS).mean()


def test_huge_logits_do_not_overflow():
    loss, accuracy = loss_and_accuracy(np.array([[1e30, -1e30, 0.0]], np.float32), np.array([0]), True)
    assert (loss, accuracy) == (0.0, 1.0)


def test_a_net_that_diverged_has_a_loss_of_nan():
    loss, _ = loss_and_accuracy(np.array([[np.nan, 1.0]], np.float32), np.array([0]), True)
    assert np.isnan(loss)


@pytest.mark.parametrize("from_logits", [True, False])
def test_probabilities_are_float32_and_sum_to_one(from_logits):
    found = probabilities(np.abs(RNG.normal(size=(9, 4))).astype("float32"), from_logits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
