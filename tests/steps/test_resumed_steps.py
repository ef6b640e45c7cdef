"""A run that was stopped at an awkward place goes on, or ends, as one that was never stopped."""

from collections.abc import Callable
from typing import Any

from tuner.data import Problem
from tuner.steps import short_runs
from tuner.store import Store
from tuner.training import fit
from tuner.tune import tune

OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}


def sections(trials: int, **more: Any) -> dict[str, Any]:
    space = {"optimizer.learning_rate": {"min_value": 0.001, "max_value": 0.1, "sampling": "log"}}
    steps = {**OFF, "short_runs": {"trials": trials, "epochs": 1}, "change": {"top_k": 1, "epochs": 1}}
    rate = {"optimizer": {"learning_rate": 0.01}, "search": {"space": space}}
    return {**rate, "steps": {**steps, "repeat": {"max_rounds": 2}}, **more}


def test_what_step_4_has_on_record_does_not_count_against_its_own_budget(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    problem = make_problem(**sections(trials=5, budget={"max_trials": 4}))
    whole, resumed = new_run(), new_run()
    evidence = short_runs.measure(problem, whole)
    for trial in whole.trials[:2]:
        fit(problem, resumed, trial.spec)
    assert short_runs.measure(problem, resumed) == evidence
    assert len(resumed.trials) == 4


def test_a_run_that_died_after_its_last_step_takes_no_further_round(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(**sections(trials=2))
    last, findings, trials = tune(problem, run), run.findings, run.trials
    assert last.evidence["decision"] == "stop"
    assert tune(problem, run) == last
    assert (run.findings, run.trials) == (findings, trials)


def test_a_run_that_died_after_its_time_was_spent_does_not_say_so_twice(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(**sections(trials=2, budget={"max_time": "1s"}))
    short_runs.measure(problem, run)
    while run.seconds < 1:
        pass
    last, findings = tune(problem, run), run.findings
    assert (last.step, last.evidence["reason"]) == ("repeat", "budget spent")
    assert tune(problem, run) == last
    assert run.findings == findings
