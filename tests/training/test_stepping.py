"""Steps may be asked for before the results of earlier ones are looked at; that changes nothing but the time."""

import numpy as np
import pytest

from tuner.records import TrialState
from tuner.training import fit, stepping
from tuner.training.checkpoints import read

ORDINARY = {"keep": True, "schedule": "CosineDecay", "dropout": 0.2}
DIVERGING = {"optimizer": "SGD", "ramp": (1e-3, 1e30), "max_steps": 40, "validate": False}


def looking(monkeypatch, steps: int) -> None:
    """Results are looked at after so many steps, and whenever an epoch ends."""
    monkeypatch.setattr(stepping, "MOST_AHEAD", steps)
    monkeypatch.setattr(stepping, "SECONDS", 1e9)


@pytest.mark.parametrize("settings", [ORDINARY, DIVERGING], ids=["ordinary", "diverging"])
def test_a_trial_does_not_depend_on_when_its_losses_are_looked_at(problem, new_run, spec, monkeypatch, settings):
    found = []
    for steps in (1, 5, 32):
        looking(monkeypatch, steps)
        run = new_run()
        found.append((fit(problem, run, spec(trainable="all", **settings)), run))
    (first, first_run), *others = found
    for trial, run in others:
        assert trial.reason == first.reason
        np.testing.assert_equal(trial.curves.__dict__, first.curves.__dict__)  # NaN is NaN here
        if first.weights:
            kept, expected = read(run.weights_path(trial)), read(first_run.weights_path(first))
            for mine, theirs in zip(kept.last["backbone"], expected.last["backbone"], strict=True):
                np.testing.assert_array_equal(mine, theirs)


def test_the_log_ends_at_the_first_loss_that_is_no_number_although_more_steps_were_taken(
    problem, run, spec, monkeypatch
):
    looking(monkeypatch, 32)
    trial = fit(problem, run, spec(trainable="all", **DIVERGING))
    assert trial.state is TrialState.DIVERGED
    assert trial.reason.endswith(f"step {len(trial.curves.step_loss)}")
    assert np.isfinite(trial.curves.step_loss[:-1]).all()
    assert not np.isfinite(trial.curves.step_loss[-1])
    assert trial.curves.learning_rate[-1] == trial.curves.step_learning_rate[-1]


def test_a_bar_moves_by_every_step_that_was_written_down(problem, run, spec, monkeypatch):
    class Counts(type(run.progress)):
        done = 0

        def advance(self, by: int = 1, note: str = "") -> None:
            self.done += by if note.startswith("loss") else 0

    looking(monkeypatch, 4)
    run.progress = Counts()
    fit(problem, run, spec(trainable="all"))
    assert run.progress.done == 14
