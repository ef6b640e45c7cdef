"""A trial can start from another: from its best weights, or as if it had never stopped."""

import numpy as np
import pytest

from tuner.records import LearningCurves
from tuner.training import fit, fit_many, predict
from tuner.training.checkpoints import read

AUGMENTATION = (("RandomFlip", (("mode", "horizontal"),)), ("RandomContrast", (("factor", 0.3),)))
HEAD = {"dropout": 0.3, "label_smoothing": 0.1, "optimizer": "Adam"}
NET = HEAD | {"trainable": "all", "freeze_batch_norm": False, "augmentation": AUGMENTATION}


@pytest.mark.parametrize("settings", [HEAD, NET], ids=["head", "net"])
def test_a_continued_trial_is_the_trial_that_never_stopped(problem, new_run, spec, settings):
    straight_run, run = new_run(), new_run()
    straight = fit(problem, straight_run, spec(epochs=4, keep=True, **settings))
    first = fit(problem, run, spec(epochs=2, keep=True, **settings))
    fit(problem, run, spec(seed=9, **settings))  # something else in between
    second = fit(problem, run, spec(epochs=2, keep=True, parent=first.number, continued=True, **settings))
    assert first.curves.joined(second.curves) == straight.curves
    here, there = read(run.weights_path(second)), read(straight_run.weights_path(straight))
    assert here.epochs == there.epochs == 4
    for part in there.last:
        for mine, theirs in zip(here.last[part], there.last[part], strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(here.optimizer, there.optimizer, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("schedule", ["CosineDecay", "OneCycle", "ExponentialDecay", "none"])
@pytest.mark.parametrize("settings", [HEAD, NET], ids=["head", "net"])
def test_a_trial_in_rungs_is_the_trial_trained_at_once(problem, new_run, spec, settings, schedule):
    settings = settings | {"schedule": schedule, "warmup_epochs": 1.5, "alpha": 0.1, "keep": True}
    straight_run, run = new_run(), new_run()
    straight = fit(problem, straight_run, spec(epochs=3, **settings))
    first = fit(problem, run, spec(epochs=1, horizon=3, **settings))
    second = fit(problem, run, spec(epochs=2, horizon=3, parent=first.number, continued=True, **settings))
    assert first.curves.joined(second.curves) == straight.curves
    here, there = read(run.weights_path(second)), read(straight_run.weights_path(straight))
    for part in there.last:
        for mine, theirs in zip(here.last[part], there.last[part], strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(here.optimizer, there.optimizer, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_without_its_horizon_a_rung_decays_too_early(problem, new_run, spec):
    settings = NET | {"schedule": "CosineDecay", "keep": True}
    whole, rung = (fit(problem, new_run(), spec(epochs=1, horizon=horizon, **settings)) for horizon in (3, None))
    assert whole.curves.learning_rate[-1] > 2 * rung.curves.learning_rate[-1]


def test_a_schedule_that_ends_before_the_trial_is_refused(problem, run, spec):
    with pytest.raises(ValueError, match="a schedule over 2 epochs ends before the trial's 3"):
        fit(problem, run, spec(epochs=3, horizon=2))


def test_a_child_starts_from_the_best_weights_of_its_parent(problem, run, spec):
    settings = {"trainable": "all", "learning_rate": 0.3}
    parent = fit(problem, run, spec(epochs=8, keep=True, **settings))
    assert parent.best_epoch < 8  # or this shows nothing
    child = fit(problem, run, spec(parent=parent.number, **settings | {"learning_rate": 1e-30, "weight_decay": 0.0}))
    # The batch norm averages move; the weights do not.
    assert child.curves.val_loss[0] == pytest.approx(parent.val_loss, rel=0.5)


def test_a_net_goes_on_from_a_head(problem, run, spec):
    head = fit(problem, run, spec(epochs=3, keep=True))
    assert head.engine == "heads"
    still = {"learning_rate": 1e-30, "weight_decay": 0.0, "trainable": "half"}
    net = fit(problem, run, spec(parent=head.number, epochs=1, seed=5, **still))
    assert net.engine == "net"
    assert net.curves.val_loss[0] == pytest.approx(head.val_loss, rel=1e-4)


def test_a_head_on_a_backbone_that_was_trained_is_trained_as_a_net_and_keeps_the_backbone(problem, run, spec):
    net = fit(problem, run, spec(epochs=3, keep=True, trainable="all"))
    child = fit(problem, run, spec(epochs=1, keep=True, parent=net.number))
    assert child.engine == "net"
    kept, before = read(run.weights_path(child)).best, read(run.weights_path(net)).best
    for mine, theirs in zip(kept["backbone"], before["backbone"], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert predict(problem, run, child, problem.dataset.validation.images).shape == (20, 3)


def test_only_what_moved_is_kept(problem, run, spec):
    head, augmented, net = fit_many(
        problem,
        run,
        [spec(epochs=1, keep=True, **s) for s in ({}, {"augmentation": AUGMENTATION}, {"trainable": "half"})],
    )
    assert set(read(run.weights_path(head)).best) == {"head"}
    assert set(read(run.weights_path(augmented)).best) == {"head"}
    assert set(read(run.weights_path(net)).best) == {"backbone", "head"}


def test_a_parent_of_another_structure_is_refused(problem, run, spec):
    parent = fit(problem, run, spec(epochs=1, keep=True, head_units=(4,)))
    with pytest.raises(ValueError, match="weights of the head do not fit"):
        fit(problem, run, spec(parent=parent.number))


def test_an_optimizer_cannot_go_on_as_another(problem, run, spec):
    parent = fit(problem, run, spec(epochs=1, keep=True, optimizer="SGD"))
    with pytest.raises(ValueError, match="a continued trial needs the optimizer"):
        fit(problem, run, spec(parent=parent.number, continued=True, optimizer="Adam"))


def test_a_continued_trial_may_change_its_rates(problem, run, spec):
    parent = fit(problem, run, spec(epochs=1, keep=True))
    child = fit(problem, run, spec(parent=parent.number, continued=True, learning_rate=1e-30, weight_decay=0.0))
    assert isinstance(child.curves, LearningCurves)
    assert child.curves.val_loss[0] == pytest.approx(child.curves.val_loss[1], rel=1e-6)


@pytest.mark.parametrize("settings", [{}, {"optimizer": "Adamax"}, {"trainable": "all"}], ids=["heads", "head", "net"])
def test_a_child_has_its_own_dropout(problem, run, spec, settings):
    parent = fit(problem, run, spec(epochs=1, keep=True, dropout=0.2, **settings))
    losses = [
        fit(problem, run, spec(epochs=1, parent=parent.number, continued=True, dropout=dropout, **settings)).curves.loss
        for dropout in (0.0, 0.2, 0.9)
    ]
    assert len(set(losses)) == 3
