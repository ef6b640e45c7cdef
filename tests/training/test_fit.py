"""What a trial is, whoever trains it: the meaning of every field of a `TrialSpec`."""

import math

import numpy as np
import pytest

from tuner.data import Dataset, Problem
from tuner.interrupts import Interrupted
from tuner.records import TrialState
from tuner.training import fit, fit_many, predict
from tuner.training.curves import FIRST_STEPS

ENGINES = pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "Nadam"}, {"trainable": "all", "freeze_batch_norm": False}],
    ids=["heads", "head", "net"],
)
RANDOM = {"dropout": 0.3, "label_smoothing": 0.1, "l2": 1e-3}
AUGMENTED = {"augmentation": (("RandomFlip", (("mode", "horizontal"),)), ("RandomRotation", (("factor", 0.1),)))}
ALL_RANDOM = RANDOM | AUGMENTED | {"trainable": "all", "freeze_batch_norm": False}


@ENGINES
def test_a_trial_has_one_entry_an_epoch_in_every_curve(problem, run, spec, settings):
    trial = fit(problem, run, spec(epochs=3, **settings))
    assert trial.state is TrialState.COMPLETED
    assert trial.engine == ("net" if "trainable" in settings else "head" if settings else "heads")
    curves = trial.curves
    for values in (curves.loss, curves.val_loss, curves.accuracy, curves.val_accuracy, curves.learning_rate):
        assert len(values) == 3
    assert len(curves.step_loss) == len(curves.step_learning_rate) == 3 * 7
    assert trial.best_epoch == 1 + int(np.argmin(curves.val_loss))
    assert run.trials == (trial,)


def test_a_net_learns_what_there_is_to_learn(problem, run, spec):
    curves = fit(problem, run, spec(epochs=12, learning_rate=0.02, trainable="all", freeze_batch_norm=False)).curves
    assert curves.accuracy[-1] > 0.9
    assert curves.loss[-1] < 0.5 * curves.loss[0]


@pytest.mark.parametrize("settings", [RANDOM, ALL_RANDOM], ids=["head", "net"])
def test_repeats_are_bit_identical(problem, new_run, spec, settings):
    first, second = (fit(problem, new_run(), spec(**settings)) for _ in range(2))
    assert first.curves == second.curves


@pytest.mark.parametrize("settings", [RANDOM, ALL_RANDOM], ids=["head", "net"])
def test_what_ran_before_leaves_no_trace(problem, new_run, spec, settings):
    asked = spec(**settings)
    alone = fit(problem, new_run(), asked)
    run = new_run()
    fit(problem, run, spec(seed=5, ramp=(1e-3, 1e3), max_steps=20, validate=False, **settings))
    fit(problem, run, spec(seed=6, keep=True, **settings | {"dropout": 0.7, "l1": 0.1, "weight_decay": 0.5}))
    assert fit(problem, run, asked).curves == alone.curves


def test_another_seed_is_another_trial(problem, run, spec):
    first, second = fit_many(problem, run, [spec(seed=0), spec(seed=1)])
    assert first.curves.loss != second.curves.loss


@ENGINES
def test_a_loss_that_leaves_the_numbers_ends_the_trial_and_says_where(problem, run, spec, settings):
    trial = fit(problem, run, spec(**{"optimizer": "SGD"} | settings, learning_rate=1e38, keep=True))
    assert trial.state is TrialState.DIVERGED
    assert trial.reason.startswith(("loss became NaN at epoch 1, step ", "loss became infinity at epoch 1, step "))
    assert trial.reason.endswith(f"step {len(trial.curves.step_loss)}")
    assert not math.isfinite(trial.curves.loss[-1])
    assert len(trial.curves.loss) == len(trial.curves.val_loss) == 1
    assert math.isnan(trial.val_accuracy)
    assert trial.weights is None
    assert fit(problem, run, spec(**settings)).state is TrialState.COMPLETED


def test_a_range_test_multiplies_the_rate_from_step_to_step(problem, run, spec):
    trial = fit(problem, run, spec(ramp=(1e-6, 1e-2), max_steps=20, epochs=1, validate=False))
    rates = trial.curves.step_learning_rate
    assert len(rates) == len(trial.curves.step_loss) == 20  # three epochs of seven steps, whatever `epochs` says
    np.testing.assert_allclose(rates, [1e-6 * 10 ** (4 * step / 20) for step in range(20)])
    assert trial.curves.val_loss == ()


def test_max_steps_ends_in_the_middle_of_an_epoch(problem, run, spec):
    curves = fit(problem, run, spec(epochs=5, max_steps=10)).curves
    assert len(curves.step_loss) == 10
    assert len(curves.loss) == len(curves.val_loss) == 2
    np.testing.assert_allclose(curves.loss[1], np.mean(curves.step_loss[7:]), rtol=1e-5)


def test_the_epochs_loss_is_the_mean_over_its_examples(problem, run, spec):
    curves = fit(problem, run, spec(epochs=1)).curves
    counts = [8] * 6 + [2]  # 50 examples
    np.testing.assert_allclose(curves.loss[0], np.average(curves.step_loss, weights=counts), rtol=1e-6)


def test_a_sample_of_examples_is_all_that_is_seen(problem, run, spec):
    curves = fit(problem, run, spec(examples=12, epochs=1)).curves
    assert len(curves.step_loss) == 2


def test_blank_images_hold_nothing_to_learn(problem, run, spec):
    for settings in ({}, {"trainable": "all"}):
        real, blank = fit_many(
            problem, run, [spec(epochs=8, learning_rate=0.03, blank_images=b, **settings) for b in (False, True)]
        )
        assert blank.curves.loss[-1] > 1.0
        assert real.curves.loss[-1] < blank.curves.loss[-1]
        assert len(set(blank.curves.val_accuracy)) <= 3  # every image gets the same class


def test_a_trial_ends_at_the_accuracy_that_was_asked_for(problem, run, spec):
    curves = fit(problem, run, spec(epochs=50, trainable="all", stop_at_accuracy=0.7)).curves
    assert len(curves.accuracy) < 50
    assert curves.accuracy[-1] >= 0.7 > max(curves.accuracy[:-1])


def test_patience_ends_a_trial_and_the_best_weights_are_kept(problem, run, spec):
    asked = spec(epochs=60, trainable="all", learning_rate=0.3, patience=2, keep=True)
    trial = fit(problem, run, asked)
    assert trial.curves.epochs == trial.best_epoch + 2 < 60
    probabilities = predict(problem, run, trial, problem.dataset.validation.images)
    labels = problem.dataset.validation.labels
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    assert loss == pytest.approx(min(trial.curves.val_loss), rel=1e-4)


def test_a_long_validated_trial_keeps_its_first_steps_only(problem, run, spec):
    curves = fit(problem, run, spec(epochs=30, batch_size=4)).curves
    assert len(curves.step_loss) == FIRST_STEPS < 30 * 13
    unvalidated = fit(problem, run, spec(epochs=30, batch_size=4, validate=False)).curves
    assert len(unvalidated.step_loss) == 30 * 13


def test_a_schedule_is_followed_step_by_step(problem, run, spec):
    curves = fit(problem, run, spec(schedule="CosineDecay", warmup_epochs=1, learning_rate=0.1)).curves
    np.testing.assert_allclose(curves.step_learning_rate[:7], [0.1 * k / 7 for k in range(1, 8)])
    np.testing.assert_allclose(
        curves.step_learning_rate[7:], [0.05 * (1 + math.cos(math.pi * k / 7)) for k in range(7)]
    )
    assert curves.learning_rate == (curves.step_learning_rate[6], curves.step_learning_rate[13])


def test_without_shuffling_every_epoch_has_the_order_of_the_data(make_problem, run, spec):
    still = make_problem(data={"shuffle": False}, train=16)
    curves = fit(still, run, spec(learning_rate=1e-30, weight_decay=0.0)).curves
    assert curves.step_loss[:2] == curves.step_loss[2:]


def test_balanced_class_weights_change_the_training_but_not_the_ruler(make_problem, run, new_run, spec):
    plain, balanced = make_problem(), make_problem(data={"class_weight": "balanced"})
    uneven = np.flatnonzero((plain.dataset.train.labels != 2) | (np.arange(50) < 10))
    plain, balanced = (rows_of(problem, uneven) for problem in (plain, balanced))
    first, second = fit(plain, run, spec()).curves, fit(balanced, new_run(), spec()).curves
    assert first.step_loss[0] == pytest.approx(second.step_loss[0], rel=1e-5)  # plain cross-entropy of the same batch
    assert first.step_loss[5] != second.step_loss[5]


def rows_of(problem, rows):
    """The problem with some of its training images."""
    data = problem.dataset
    train = type(data.train)(data.train.images[rows], data.train.labels[rows])
    return Problem(
        problem.recipe,
        Dataset(data.name, "rows", train, data.validation, data.class_names, {}, data.sealed_test),
        problem.cache,
    )


def test_remembered_trials_are_not_trained_again_and_the_order_is_the_askers(problem, run, spec):
    net, head, other = spec(trainable="all", epochs=1), spec(epochs=1), spec(epochs=1, learning_rate=0.5)
    before = fit(problem, run, head)
    trials = fit_many(problem, run, [net, other, head, net])
    assert [trial.spec for trial in trials] == [net, other, head, net]
    assert trials[2] == before
    assert trials[0] == trials[3]
    assert len(run.trials) == 3


def test_a_stop_is_seen_at_the_next_batch(problem, run, spec):
    class StopsAt(type(run.progress)):
        def advance(self, by: int = 1, note: str = "") -> None:
            run.stop.signal_number = 15 if "loss" in note else None

    run.progress = StopsAt()
    with pytest.raises(Interrupted):
        fit(problem, run, spec())
    assert run.trials == ()


def test_progress_counts_every_step_and_ends_what_it_began(make_problem, run, spec):
    class Counts(type(run.progress)):
        total, done, depth, notes = 0, 0, 0, []

        def start(self, what: str, total: int | None, unit: str = "") -> None:
            self.total, self.depth = self.total + total, self.depth + 1

        def advance(self, by: int = 1, note: str = "") -> None:
            self.done += by
            self.notes.append(note)

        def end(self) -> None:
            self.depth -= 1

    run.progress = Counts()
    fit(make_problem(train=49), run, spec())  # a data set whose features nobody has computed
    assert run.progress.total == run.progress.done == 49 + 20 + 14  # images of both splits, steps
    assert run.progress.depth == 0
    assert run.progress.notes[-1].startswith("loss 1.")
    assert "val_accuracy 0." in run.progress.notes[-1]


@pytest.mark.parametrize(
    ("settings", "law"),
    [
        ({"ramp": (1e-3, 1.0)}, "max_steps"),
        ({"patience": 2, "validate": False}, "patience"),
        ({"continued": True}, "parent"),
        ({"epochs": 0}, "at least one epoch"),
        ({"schedule": "Cosine"}, "CosineDecay"),
        ({"optimizer": "Adm"}, "Did you mean"),
        ({"parent": 7}, "no trial 7"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(problem, run, spec, settings, law):
    with pytest.raises(ValueError, match=law):
        fit(problem, run, spec(**settings))
