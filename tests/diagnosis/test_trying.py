"""The better remedy wins where it is better than the noise, no remedy where none is, and all start alike."""

import math

import keras
import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from tuner.diagnosis.training import Training
from tuner.diagnosis.trying import duels
from tuner.records import Change, passed, warned

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X).astype("float32")
ORDER = np.random.default_rng(0).permutation(len(X))
X, Y = X[ORDER], Y[ORDER]
RATE = "optimizer.learning_rate"


def training(rate=1e-2, units=3, head="softmax", loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(units, head, name="head")])
    model.compile(keras.optimizers.SGD(rate), loss)
    model.build((None, 13))
    return Training(model, X[:120], Y[:120], X[120:], Y[120:], batch_size=8)


def test_the_better_of_two_remedies_is_taken_and_the_users_model_is_left_alone():
    run = training(rate=1e-6)
    before = [weight.copy() for weight in run.model.get_weights()]
    verdict = warned("lr_too_low", "Slow.", Change(RATE, 2e-6, "why"), Change(RATE, 0.05, "why"))
    ((duel,), notes) = duels(run, (verdict,))
    assert notes == ()
    assert (duel.verdict, duel.metric, duel.taken) == ("lr_too_low", "val_loss", 2)
    assert duel.sides[0].changes == ()
    assert len({side.before for side in duel.sides}) == 1  # the same weights, the same examples
    assert {side.epochs for side in duel.sides} == {5}
    assert duel.sides[2].after < duel.sides[0].after - 2 * duel.noise
    assert "optimizer.learning_rate = 0.05 helps" in duel.sentence
    assert all(np.array_equal(a, b) for a, b in zip(before, run.model.get_weights(), strict=True))


def test_no_remedy_is_taken_where_none_is_better_and_the_same_duel_ends_the_same():
    verdict = warned("lr_too_low", "Slow.", Change(RATE, 0.01, "as it is"))
    first, second = (duels(training(), (verdict,))[0][0] for _ in range(2))
    assert first.taken is None
    assert "No remedy beat the run as it was" in first.sentence
    assert first.sides[0].after == first.sides[1].after == second.sides[1].after


def test_where_the_loss_changes_accuracy_decides():
    run = training(head="linear")
    verdict = warned("head_loss_mismatch", "Scores.", Change("loss.from_logits", True, "why"))
    ((duel,), _) = duels(run, (verdict,))
    assert (duel.metric, duel.taken) == ("val_accuracy", 1)


def test_a_run_that_fails_or_diverges_loses():
    run = training(units=1, head="sigmoid", loss="categorical_crossentropy")
    swap = [Change("head.units", 3, "w"), Change("head.activation", "softmax", "w")]
    loss = Change("loss.name", "sparse_categorical_crossentropy", "w")
    verdict = warned("head_loss_mismatch", "Shapes.", loss, *swap)
    ((duel,), _) = duels(run, (verdict,))
    assert duel.taken == 1
    verdict = warned("lr_too_high", "Fast.", Change(RATE, 0.05, "why"))
    ((duel,), _) = duels(training(rate=1e30), (verdict,))
    assert (duel.sides[0].diverged, duel.sides[1].diverged, duel.taken) == (True, False, 1)
    assert math.isnan(duel.noise)


def test_numbers_are_compared_by_r_squared_where_targets_are_scaled():
    y = 1000 + 500 * X[:, 0] + 100 * X[:, 1]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    model.build((None, 13))
    run = Training(model, X[:120], y[:120], X[120:], y[120:], batch_size=8)
    ((duel,), _) = duels(run, (warned("target_scale", "Far.", Change("data.scale_targets", "standardize", "why")),))
    assert (duel.metric, duel.taken) == ("val_r2", 1)
    assert duel.sides[0].after < 0 < duel.sides[1].after <= 1


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((passed("healthy", "Well."),), "nothing to try"),
        ((warned("shuffled_labels", "Labels.", Change("data.labels", "look", "why")),), "a person has to look"),
    ],
)
def test_what_was_not_tried_is_said(verdicts, said):
    found, notes = duels(training(), verdicts)
    assert found == ()
    assert said in notes[0]


def test_a_model_with_code_of_its_own_is_said_to_be_left_out():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(3)

        def call(self, x):
            return self.head(x)

    model = Own()
    model.compile("sgd", "mse")
    found, notes = duels(Training(model, X, Y), (warned("lr_too_low", "Slow.", Change(RATE, 0.1, "why")),))
    assert found == ()
    assert "Own has code of its own" in notes[0]
