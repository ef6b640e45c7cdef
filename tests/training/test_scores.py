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


def test_the_lectures_own_scores():
    """Probabilities 0.13, 0.87, 0.00, and -ln 0.13 = 2.04 (the deck's 0.89 is a base-10 logarithm)."""
    scores = np.array([[3.2, 5.1, -1.7]], np.float32)
    np.testing.assert_allclose(probabilities(scores, True)[0], [0.13, 0.87, 0.00], atol=0.005)
    loss, _ = loss_and_accuracy(scores, np.array([0]), True)
    assert loss == pytest.approx(2.04, abs=0.005)
    assert loss / np.log(10) == pytest.approx(0.89, abs=0.005)
    impossible = loss_and_accuracy(np.array([[-2000.0, 0.0, 0.0]], np.float32), np.array([0]), True)[0]
    assert impossible == pytest.approx(2000 + np.log(2)), "finite from logits, where -ln 0 is infinite"


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
