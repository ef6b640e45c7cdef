"""Trials on folds: every engine trains and judges on the fold's own rows, and no feature is computed for it again."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from tuner.data import Dataset, Problem, Split
from tuner.data.folds import folded
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import fit, fit_many
from tuner.training.features import Trunk
from tuner.training.heads.stream import features_of

Make = Callable[..., TrialSpec]
FOLD = (2, 3)


def copied(problem: Problem) -> Problem:
    """The fold as a data set of its own, its arrays in memory, that knows of no folds."""
    parts = folded(problem, FOLD).dataset
    train, validation = (Split(np.asarray(s.images), s.labels) for s in (parts.train, parts.validation))
    data = problem.dataset
    return dataclasses.replace(
        problem, dataset=Dataset(data.name, "copied", train, validation, data.class_names, {}, data.sealed_test)
    )


def figures(trial: Trial) -> list[float]:
    curves = trial.curves
    return [*curves.loss, *curves.accuracy, *curves.val_loss, *curves.val_accuracy]


@pytest.mark.parametrize(
    ("engine", "point"),
    [
        ("heads", {}),
        ("heads", {"augmentation": (("RandomFlip", (("mode", "horizontal"),)),)}),
        ("head", {"optimizer": "Adafactor"}),
        ("net", {"trainable": "all"}),
    ],
    ids=["heads", "flips", "head", "net"],
)
def test_a_fold_is_trained_as_a_data_set_of_its_rows_would_be(
    problem: Problem, new_run: Callable[[], Store], spec: Make, engine: str, point: dict[str, object]
) -> None:
    here = fit(problem, new_run(), spec(fold=FOLD, epochs=1, **point))
    there = fit(copied(problem), new_run(), spec(epochs=1, **point))
    assert (here.engine, there.engine) == (engine, engine)
    np.testing.assert_allclose(figures(here), figures(there), rtol=1e-5)


def test_the_features_of_a_fold_are_rows_of_those_that_are_there(
    problem: Problem, run: Store, spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = spec()
    whole = np.concatenate([np.asarray(features_of(problem, run, one, part)) for part in ("train", "validation")])
    monkeypatch.setattr(Trunk, "fill", lambda *asked: pytest.fail("features were computed again"))
    fold = folded(problem, FOLD)
    assert fold.dataset.fold is not None
    for part, rows in fold.dataset.fold.rows.items():
        np.testing.assert_array_equal(np.asarray(features_of(fold, run, one, part)), whole[rows])
        flipped = np.asarray(features_of(problem, run, one, "train")[:1])
        assert flipped.shape == (1, whole.shape[1])


def test_folds_of_a_round_are_trials_like_others_and_are_trained_once(problem: Problem, run: Store, spec: Make) -> None:
    specs = [spec(fold=(n, 3), learning_rate=rate, keep=True) for n in (1, 2, 3) for rate in (0.01, 0.03)]
    trials = fit_many(problem, run, specs)
    assert [trial.spec.fold for trial in trials] == [one.fold for one in specs]
    assert len({trial.val_loss for trial in trials}) == len(specs)
    assert fit_many(problem, run, specs) == trials
    assert len(run.trials) == len(specs)
    goes_on = spec(fold=(1, 3), learning_rate=0.01, parent=trials[0].number, continued=True)
    assert fit(problem, run, goes_on).curves.epochs == 2


def test_a_trial_on_a_fold_cannot_start_from_one_that_saw_its_validation_images(
    problem: Problem, run: Store, spec: Make
) -> None:
    first = fit(problem, run, spec(keep=True))
    other = fit(problem, run, spec(keep=True, fold=(1, 3)))
    for parent, fold in ((first, (1, 3)), (other, (2, 3)), (other, None)):
        with pytest.raises(ValueError, match="others saw what it validates on"):
            fit(problem, run, spec(parent=parent.number, fold=fold))
