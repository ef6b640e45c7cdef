"""The schedule of the recipe is that of the longer run, warm-up included; one that is searched is tried in small."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tuner.data import Problem
from tuner.records import to_json
from tuner.steps import change, learning_curves, short_runs
from tuner.steps.rungs import whole
from tuner.steps.scheduled import chosen_point, of_longer_run, of_short_run
from tuner.steps.situation import situation, trial_of
from tuner.store import Store
from tuner.training.schedules import rate_at
from tuner.tune import take

OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}


def sections(space: dict[str, Any], algorithm: str = "grid", **schedule: object) -> dict[str, Any]:
    return {
        "transfer": [{"name": "all", "trainable": "none", "epochs": 4}],
        "optimizer": {"learning_rate": 0.003},
        "schedule": schedule,
        "search": {"algorithm": algorithm, "space": space},
        "steps": {**OFF, "short_runs": {"trials": 4, "epochs": 3}, "change": {"top_k": 1, "duel_epochs": 0}},
    }


def round_of(problem: Problem, run: Store) -> change.Changed:
    """Steps 4 to 6; step 5 finds nothing to change."""
    found = take(short_runs.STEP, problem, run, 1)
    readings = tuple(learning_curves.Reading(n, "healthy", "pass", "", None, (), ()) for n in found.evidence["trials"])
    evidence = learning_curves.CurvesRead("all", readings, "healthy")
    run.record_finding(
        dataclasses.replace(found, step="learning_curves", evidence=to_json(evidence), verdicts=(), applied=())
    )
    return change.measure(problem, run)


def test_a_warm_up_reaches_the_longer_run(make_problem: Callable[..., Problem], run: Store) -> None:
    rates = {"optimizer.learning_rate": {"values": [0.003]}}
    problem = make_problem(**sections(rates, name="LinearDecay", warmup_epochs=0.5, alpha=0.2))
    evidence = round_of(problem, run)
    longer = trial_of(run, evidence.taken or 0)
    short = trial_of(run, longer.spec.parent or 0)
    assert [(t.hyperparameters.schedule, t.hyperparameters.warmup_epochs) for t in (short, longer)] == [
        ("none", 0.5),
        ("LinearDecay", 0.5),
    ]
    assert longer.spec.continued
    per_epoch = 600 // 32 + 1
    planned = [rate_at(longer.hyperparameters, step, 7 * per_epoch, per_epoch) for step in range(7 * per_epoch)]
    warm = round(0.5 * per_epoch)
    assert short.curves.step_learning_rate[:warm] == pytest.approx(planned[:warm])
    assert set(short.curves.step_learning_rate[warm:]) == {0.003}
    assert longer.curves.step_learning_rate == pytest.approx(planned[3 * per_epoch :])
    assert {change.path for change in evidence.chosen} == set()  # it is what the recipe asks for
    assert whole(run, longer).epochs == 7


@pytest.mark.parametrize(
    ("schedule", "optimizer", "longer_run"),
    [("auto", "SGD", "CosineDecay"), ("none", "SGD", "none"), ("auto", "ScheduleFreeAdamW", "none")],
)
def test_who_says_none_keeps_the_rate_and_who_averages_too(
    make_problem: Callable[..., Problem], run: Store, schedule: str, optimizer: str, longer_run: str
) -> None:
    asked = sections({"optimizer.learning_rate": {"values": [0.003]}}, name=schedule)
    asked["optimizer"]["name"] = optimizer
    evidence = round_of(make_problem(**asked), run)
    longer = trial_of(run, evidence.taken or 0)
    assert (longer.hyperparameters.schedule, longer.spec.continued) == (longer_run, True)
    rates = set(longer.curves.step_learning_rate)
    assert rates == {0.003} if longer_run == "none" else min(rates) < 1e-4


def test_a_schedule_that_is_searched_is_tried_and_taken(make_problem: Callable[..., Problem], run: Store) -> None:
    space = {"schedule.name": {"values": ["CosineDecay", "StepDecay"]}, "schedule.drop_factor": {"values": [0.5, 0.9]}}
    rates = {"optimizer.learning_rate": {"values": [0.003]}}
    problem = make_problem(**sections({**space, **rates}, name="StepDecay", warmup_epochs=0.5))
    evidence = round_of(problem, run)
    tried = [trial for trial in run.trials if trial.spec.step == "short_runs"]
    assert [(t.hyperparameters.schedule, t.hyperparameters.drop_factor) for t in tried] == [
        ("CosineDecay", 0.5),
        ("CosineDecay", 0.9),
        ("StepDecay", 0.5),
        ("StepDecay", 0.9),
    ]
    assert tried[3].curves.learning_rate == pytest.approx([0.003, 0.003 * 0.9, 0.003 * 0.81], rel=1e-6)
    longer = trial_of(run, evidence.taken or 0)
    best = trial_of(run, longer.spec.parent or 0)
    assert longer.hyperparameters == best.hyperparameters
    assert not longer.spec.continued  # it has settled: a new cycle, from its best weights
    assert longer.curves.learning_rate[0] < 0.003 or longer.hyperparameters.schedule == "StepDecay"


def test_what_a_later_stage_does(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections({}, name="StepDecay", warmup_epochs=2.0))
    first = situation(problem, run)
    take(short_runs.STEP, problem, run, 1)
    start = run.trials[0]
    later = dataclasses.replace(first, start=start)
    point = first.setting.hyperparameters
    short = of_short_run(problem, later, point, 3)
    assert (short.schedule, short.warmup_epochs) == ("CosineDecay", 1.0)  # most of it is at the rate that is compared
    settled = dataclasses.replace(start, spec=dataclasses.replace(start.spec, hyperparameters=short))
    longer, goes_on = of_longer_run(problem, later, settled)
    assert (longer.schedule, longer.warmup_epochs, goes_on) == ("StepDecay", 2.0, False)
    assert chosen_point(problem, later, short, longer=False) == point
    assert chosen_point(problem, later, longer, longer=True) == point
    held = make_problem(**sections({}, name="none"))
    assert of_short_run(held, later, point, 3).schedule == "none"
