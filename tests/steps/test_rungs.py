"""Short runs in rungs: most stop early, what goes on was never stopped, and a resume takes the same decisions."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tuner.data import Problem
from tuner.records import Outcome, Trial, TrialSpec, to_json
from tuner.search.halving import best_third, rising_rates
from tuner.steps import change, learning_curves, repeat, short_runs
from tuner.steps.rungs import finalists, leading, train_in_rungs, whole
from tuner.steps.situation import trial_of
from tuner.store import Store
from tuner.training import fit
from tuner.tune import Window, take, tune

RATES = {"optimizer.learning_rate": {"min_value": 0.0001, "max_value": 0.1, "sampling": "log"}}
OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
ALL = [{"name": "all", "trainable": "all", "epochs": 2}]
HEAD_FIRST = [{"name": "head", "trainable": "none", "epochs": 1}, {**ALL[0], "learning_rate_factor": 0.1}]


def sections(transfer: Sequence[Any] = ALL, algorithm: str = "random", epochs: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "transfer": list(transfer),
        "optimizer": {"learning_rate": 0.003},
        "search": {"algorithm": algorithm, "space": RATES},
        "steps": {**OFF, "short_runs": {"trials": 6, "epochs": epochs}, "change": {"top_k": 1, "epochs": 1}},
        **more,
    }


def continued(run: Store) -> list[Trial]:
    return [trial for trial in run.trials if trial.spec.continued]


@pytest.mark.parametrize(
    ("transfer", "algorithm", "halved"),
    [(ALL, "random", True), (ALL, "grid", True), (HEAD_FIRST, "halving", True), (HEAD_FIRST, "random", False)],
)
def test_trials_are_halved_where_the_backbone_trains_or_the_recipe_says_so(
    make_problem: Callable[..., Problem], run: Store, transfer: Sequence[Any], algorithm: str, halved: bool
) -> None:
    evidence = short_runs.measure(make_problem(**sections(transfer, algorithm)), run)
    settings = 4 if algorithm == "grid" else 6
    assert len(evidence.trials) == settings
    assert bool(evidence.rungs) == bool(continued(run)) == halved
    if halved:
        first, last = evidence.rungs
        assert (first.epochs, last.epochs) == (1, 3)
        assert -(-settings // 3) <= len(first.continued) == len(last.trials) <= settings // 2
        assert sum(trial.curves.epochs for trial in run.trials) == settings + 2 * len(last.trials)
        assert evidence.best in last.trials
        assert set(evidence.trials) == set(first.trials) - set(first.continued) | set(last.trials)


def test_a_trial_that_went_through_all_rungs_is_the_trial_trained_at_once(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    problem = make_problem(**sections())
    run, straight_run = new_run(), new_run()
    point = dataclasses.replace(problem.start, schedule="CosineDecay", trainable="all", dropout=0.3)
    specs = [
        TrialSpec(dataclasses.replace(point, learning_rate=rate), 3, 0, "short_runs", keep=True)
        for rate in (1e-2, 3e-3, 1e-3)
    ]
    trials, rungs = train_in_rungs(problem, run, specs, best_third)
    assert len(rungs) == 2
    for spec, trial in zip(specs, trials, strict=True):
        straight = fit(problem, straight_run, spec).curves
        curves = whole(run, trial)
        assert curves.val_loss == straight.val_loss[: curves.epochs]
        assert curves.learning_rate == straight.learning_rate[: curves.epochs]
    assert sorted(whole(run, trial).epochs for trial in trials)[-1] == 3


def test_a_resume_between_or_within_rungs_comes_to_the_same_trials(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    problem, undisturbed = make_problem(**sections()), new_run()
    evidence = short_runs.measure(problem, undisturbed)
    for known in (3, 6, 7):
        resumed = new_run()
        for trial in undisturbed.trials[:known]:
            fit(problem, resumed, trial.spec)
        assert short_runs.measure(problem, resumed) == evidence
        assert [t.spec for t in resumed.trials] == [t.spec for t in undisturbed.trials]
        assert [t.curves for t in resumed.trials] == [t.curves for t in undisturbed.trials]


def test_the_budget_counts_a_continued_trial_too(make_problem: Callable[..., Problem], run: Store) -> None:
    evidence = short_runs.measure(make_problem(**sections(budget={"max_trials": 6})), run)
    assert len(run.trials) <= 6
    assert evidence.rungs


def test_a_later_stage_finds_its_rate_in_rungs_and_the_round_goes_on_from_the_finalists(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(**sections(HEAD_FIRST))
    tune(problem, run, Window(last="change"))
    assert run.finding("short_runs", 1).evidence["rungs"] == []  # type: ignore[union-attr]
    take(repeat.STEP, problem, run, 1)
    for step in (short_runs.STEP, learning_curves.STEP, change.STEP):
        take(step, problem, run, 2)
    evidence = {step: run.finding(step, 2).evidence for step in ("short_runs", "learning_curves", "change")}  # type: ignore[union-attr]
    first, last = evidence["short_runs"]["rungs"]
    rates = [trial_of(run, number).hyperparameters.learning_rate for number in first["continued"]]
    assert len(first["trials"]) == 5
    assert rates == sorted(rates)  # a better one stops the lower rates, never a higher one
    assert {reading["trial"] for reading in evidence["learning_curves"]["readings"]} == set(
        evidence["short_runs"]["trials"]
    )
    assert {one["parent"] for one in evidence["change"]["candidates"]} <= set(last["trials"])


def test_those_trained_longest_lead(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections())
    specs = [
        TrialSpec(dataclasses.replace(problem.start, learning_rate=rate), 3, 0, "short_runs", keep=True)
        for rate in (0.01, 0.003, 0.001)
    ]
    trials, rungs = train_in_rungs(problem, run, specs, rising_rates)
    order = leading(run, trials, 100)
    lengths = [whole(run, trial).epochs for trial in order]
    assert lengths == sorted(lengths, reverse=True)
    assert {t.number for t in finalists(run, trials, 100)} == set(rungs[-1].trials)


def test_what_stopped_is_said(make_problem: Callable[..., Problem], run: Store) -> None:
    evidence = short_runs.measure(make_problem(**sections()), run)
    verdict = next(short_runs.judge(evidence))
    stopped = len(evidence.rungs[0].trials) - len(evidence.rungs[0].continued)
    assert verdict.outcome is not Outcome.FAIL
    assert f"{stopped} stopped after 1 epoch." in verdict.sentence
    assert to_json(evidence)["rungs"][0]["epochs"] == 1


def test_hyperband_continues_to_its_budget_and_not_beyond(make_problem: Callable[..., Problem], run: Store) -> None:
    steps = {**OFF, "short_runs": {"trials": 40, "epochs": 5}}
    short_runs.measure(make_problem(**sections(HEAD_FIRST, "hyperband", steps=steps)), run)
    assert continued(run)
    assert max(whole(run, trial).epochs for trial in run.trials) == 5
