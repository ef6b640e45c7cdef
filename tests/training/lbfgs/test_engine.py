"""L-BFGS finds the minimum that the formula has, in NumPy and through Keras, and says what it cannot do."""

import numpy as np
import pytest

from tuner.heads.optimum import optimal_head
from tuner.models.errors import ModelError
from tuner.models.structure import Structure
from tuner.training import fit, fit_many, initial_losses, predict
from tuner.training.checkpoints import read
from tuner.training.lbfgs import net
from tuner.training.scores import log_probabilities, loss_and_accuracy
from tuner.training.views import split_features

PLAIN = {"optimizer": "LBFGS", "weight_decay": 0.0, "keep": True, "epochs": 60}
L2 = 1e-2
BY_KERAS = {"head_initializer": "orthogonal", "batch_size": 47, "epochs": 40}  # which NumPy does not draw
ALL = {"l1": 1e-3, "l2": 1e-3, "weight_decay": 1e-3, "label_smoothing": 0.2}


def head_of(run, trial):
    return [value.astype(np.float64) for value in read(run.weights_path(trial)).last["head"] if value.ndim]


def objective(head, features, labels, point, weights):
    """As the package docstring says, written out in float64."""
    kernel, bias = head
    log_p = log_probabilities(features.astype(np.float64) @ kernel + bias, from_logits=True)
    target = (1 - point.label_smoothing) * np.eye(3)[labels] + point.label_smoothing / 3
    loss = (weights[labels] * -(target * log_p).sum(axis=1)).sum() / weights[labels].sum()
    penalty = point.l1 * np.abs(kernel).sum() + point.l2 * np.square(kernel).sum()
    return loss + penalty + point.weight_decay / 2 * (np.square(kernel).sum() + np.square(bias).sum())


def test_a_linear_head_reaches_the_optimum_and_its_curves_say_so(problem, run, spec):
    trial = fit(problem, run, spec(**PLAIN, l2=L2))
    labels = problem.dataset.train.labels
    features = split_features(problem, run, 0, Structure(), "train")
    best, least = optimal_head(features, labels, 3, L2, tolerance=1e-8)
    kernel, bias = head_of(run, trial)
    np.testing.assert_allclose(kernel, best.kernel, atol=2e-3)
    loss, accuracy = loss_and_accuracy(features @ kernel + bias, labels, from_logits=True)
    assert loss + L2 * np.square(kernel).sum() == pytest.approx(least, abs=1e-5)
    assert (trial.engine, trial.curves.epochs, len(trial.curves.step_loss)) == ("lbfgs", 60, 60)
    assert (trial.curves.loss[-1], trial.curves.accuracy[-1]) == pytest.approx((loss, accuracy), abs=1e-5)
    first = initial_losses(problem, trial.hyperparameters, 0, len(labels)).data_loss
    assert trial.curves.step_loss[0] == pytest.approx(first, abs=1e-4)
    assert trial.curves.step_loss[1] == trial.curves.loss[0]


def test_every_penalty_counts_by_numpy_and_by_keras_alike(make_problem, run, spec):
    problem = make_problem(train=47, data={"class_weight": "balanced"})
    ours, theirs = fit_many(problem, run, [spec(**PLAIN | ALL), spec(**PLAIN | ALL | BY_KERAS)])
    features, labels = split_features(problem, run, 0, Structure(), "train"), problem.dataset.train.labels
    weights = (1 / (3 * problem.dataset.class_frequencies)).astype(np.float64)
    point = ours.hyperparameters
    least = objective(head_of(run, ours), features, labels, point, weights)
    assert objective(head_of(run, theirs), features, labels, point, weights) == pytest.approx(least, abs=1e-4)
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1e-2, 1e-1):  # nowhere around is it less
        near = [value + rng.normal(0, scale, value.shape) for value in head_of(run, ours)]
        assert objective(near, features, labels, point, weights) > least - 1e-6


def test_l1_makes_weights_zero(problem, run, spec):
    few, all_ = fit_many(problem, run, [spec(**PLAIN, l1=0.02), spec(**PLAIN, l2=L2)])
    assert (head_of(run, few)[0] == 0).mean() > 0.2
    assert (head_of(run, all_)[0] == 0).sum() == 0


def test_a_small_net_is_trained_whole_and_predicts_what_was_validated(make_problem, run, spec):
    problem = make_problem(backbone="classifier")
    trial = fit(problem, run, spec(**PLAIN | {"epochs": 12, "weight_decay": 1e-4}, trainable="all", batch_size=25))
    losses = np.array(trial.curves.loss)
    assert losses[-1] < 0.98 * trial.curves.step_loss[0]
    assert (np.diff(losses) < 1e-3).all()  # each iteration goes down: nothing here is noise
    validation = problem.dataset.validation
    found = loss_and_accuracy(predict(problem, run, trial, validation.images), validation.labels, from_logits=False)
    assert found[0] == pytest.approx(trial.val_loss, abs=1e-5)


def test_a_trial_goes_on_from_the_weights_of_another(problem, run, spec):
    first = fit(problem, run, spec(**PLAIN | {"epochs": 3}))
    rest = fit(problem, run, spec(**PLAIN | {"epochs": 3}, parent=first.number, continued=True))
    assert rest.curves.step_loss[0] == pytest.approx(first.curves.loss[-1], abs=1e-5)
    assert rest.curves.loss[-1] < first.curves.loss[-1]
    assert read(run.weights_path(rest)).epochs == 6
    other = fit(problem, run, spec(optimizer="SGD", parent=rest.number, epochs=1, learning_rate=1e-9))
    assert other.curves.loss[0] == pytest.approx(loss_at_best(problem, run, rest), abs=1e-3)


def loss_at_best(problem, run, trial):
    train = problem.dataset.train
    return loss_and_accuracy(predict(problem, run, trial, train.images), train.labels, from_logits=False)[0]


def test_it_ends_when_it_is_good_enough_or_out_of_patience(problem, run, spec):
    good = fit(problem, run, spec(**PLAIN, stop_at_accuracy=0.6, validate=False))
    assert good.curves.accuracy[-1] >= 0.6 > max(good.curves.accuracy[:-1], default=0)
    patient = fit(problem, run, spec(**PLAIN | {"epochs": 300}, patience=3))
    assert patient.curves.epochs == patient.best_epoch + 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dropout": 0.2}, r"no use for model.dropout, here 0.2"),
        ({"ema_momentum": 0.9}, r"no use for optimizer.ema_momentum"),
        ({"augmentation": (("RandomFlip", ()),)}, r"no use for augmentation"),
        ({"trainable": "all", "freeze_batch_norm": False}, r"'norm0' \(BatchNormalization\) computes something else"),
    ],
)
def test_what_it_cannot_do_is_refused(problem, run, spec, settings, words):
    with pytest.raises(ModelError, match=words):
        fit(problem, run, spec(**PLAIN, **settings))


def test_what_is_too_large_is_refused(make_problem, run, spec, monkeypatch):
    problem = make_problem(backbone="classifier")
    monkeypatch.setattr(net, "MOST_PARAMETERS", 100)
    with pytest.raises(ModelError, match="at most 100 parameters; here are"):
        fit(problem, run, spec(**PLAIN, trainable="all"))
    monkeypatch.undo()
    monkeypatch.setattr(net, "MOST_IMAGES", 40)
    with pytest.raises(ModelError, match="at most 40 of them; here are 50"):
        fit(problem, run, spec(**PLAIN, trainable="all"))


def test_the_dropout_of_a_parent_is_left_behind(problem, run, spec):
    own = {"head_initializer": "orthogonal", "keep": True}
    parent = fit(problem, run, spec(optimizer="Adam", dropout=0.5, epochs=1, **own))
    child = fit(problem, run, spec(**PLAIN | BY_KERAS | {"epochs": 1}, parent=parent.number, continued=True))
    rates = [float(v) for trial in (parent, child) for v in read(run.weights_path(trial)).last["head"] if v.shape == ()]
    assert rates == [0.5, 0.0]
