"""Where trials differ in their batch, the rate goes with it, and the report says by what and up to where."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Outcome, Verdict, to_json
from tuner.search.oracles import axis_values
from tuner.search.space import RATE
from tuner.steps import change, learning_curves, short_runs
from tuner.steps.batches import Batches, at_the_batch_of, because, sentence, with_its_rate
from tuner.steps.situation import trial_of
from tuner.store import Store
from tuner.tune import take

OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
FOUND = Batches(32, (32, 128), 128, "SGD", True, 4.0, 214.0)


def sections(rates: dict[str, Any]) -> dict[str, Any]:
    space = {"data.batch_size": {"values": [8, 32, 128]}, RATE: rates}
    return {
        "transfer": [{"name": "all", "trainable": "none", "epochs": 2}],
        "optimizer": {"name": "SGD", "learning_rate": 0.1, "momentum": 0.0},
        "search": {"algorithm": "grid", "space": space},
        "steps": {**OFF, "short_runs": {"trials": 12, "epochs": 1}},
    }


RANGED = {"min_value": 0.05, "max_value": 0.2, "sampling": "log"}


def test_a_search_over_batches_scales_the_rate_of_each(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections(RANGED))
    finding = take(short_runs.STEP, problem, run, 1)
    seen = [(t.hyperparameters.batch_size, t.hyperparameters.learning_rate) for t in run.trials]
    expected = [(batch, rate * batch / 32) for batch in (8, 32, 128) for rate in axis_values(RANGED)]
    assert sorted(seen) == [(batch, pytest.approx(rate)) for batch, rate in expected]
    evidence = finding.evidence
    best = trial_of(run, evidence["best"]).hyperparameters
    assert (evidence["batch_size"], evidence["batches"]["best"]) == (32, best.batch_size)
    assert evidence["batches"]["ratio"] == pytest.approx(best.batch_size / 32)
    at_32 = best.learning_rate * 32 / best.batch_size
    assert evidence["edge"] == ("lower" if at_32 < 0.06 else "upper" if at_32 > 0.17 else "")
    assert 1 < evidence["batches"]["critical"] < 10_000
    (verdict, *_) = finding.verdicts
    assert "The rates went with the batch (8, 32, 128)" in verdict.sentence
    assert "holds up to a batch of about" in verdict.sentence


def test_rates_that_the_recipe_lists_are_tried_as_they_are(make_problem: Callable[..., Problem], run: Store) -> None:
    evidence = short_runs.measure(make_problem(**sections({"values": [0.05, 0.2]})), run)
    assert {t.hyperparameters.learning_rate for t in run.trials} == {0.05, 0.2}
    assert evidence.batches is not None
    assert sentence(evidence.batches).startswith("The rates that the recipe lists were tried at batches of 8, 32, 128")


def test_trials_of_one_batch_say_nothing_of_it(make_problem: Callable[..., Problem], run: Store) -> None:
    asked = sections(RANGED)
    del asked["search"]["space"]["data.batch_size"]
    evidence = short_runs.measure(make_problem(**asked), run)
    assert evidence.batches is None
    (verdict, *_) = short_runs.judge(evidence)
    assert "batch" not in verdict.sentence
    larger = Change("data.batch_size", 64, "batches of two have no statistics")
    problem, trial = make_problem(**asked), trial_of(run, evidence.best or 0)
    batch, rate = with_its_rate(problem, run, trial, larger)
    assert batch == larger
    assert rate.value == pytest.approx(2 * trial.hyperparameters.learning_rate)
    assert rate.because.startswith("batch 32 → 64: rate × 2 (in proportion, SGD), holds up to a batch of about")


def test_the_sentence_says_how_far_the_rule_holds() -> None:
    assert sentence(FOUND) == (
        "The rates went with the batch (32, 128); batch 32 → 128: rate × 4 (in proportion, SGD). "
        "The rule holds up to a batch of about 210, the noise scale of the gradient here."
    )
    assert sentence(dataclasses.replace(FOUND, critical=None)).endswith("rate × 4 (in proportion, SGD).")
    assert "a larger one finds hardly another direction." in sentence(dataclasses.replace(FOUND, critical=90.0))
    assert sentence(dataclasses.replace(FOUND, critical=math.inf)).endswith("their gradient is nearly all noise.")
    assert "(32, 128); the best batch is 32, as before." in sentence(dataclasses.replace(FOUND, best=32))


def test_the_reason_of_a_rate_says_that_it_went_with_the_batch() -> None:
    assert because(None, "best") == because(dataclasses.replace(FOUND, best=32), "best") == "best"
    assert because(FOUND, "best of 12") == (
        "best of 12; batch 32 → 128: rate × 4 (in proportion, SGD), holds up to a batch of about 210"
    )


def test_the_next_round_has_its_rates_in_terms_of_the_batch_that_was_chosen(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    short_runs.measure(make_problem(**sections(RANGED)), run)
    best = next(t for t in run.trials if t.hyperparameters.batch_size == 128)
    now = Hyperparameters(optimizer="SGD", batch_size=128)
    axis, rate = at_the_batch_of(now, RANGED, 32, best)
    assert (axis["min_value"], axis["max_value"]) == pytest.approx((0.2, 0.8))
    assert rate == best.hyperparameters.learning_rate
    axis, rate = at_the_batch_of(dataclasses.replace(now, batch_size=32), RANGED, 32, best)
    assert axis == RANGED
    assert rate == pytest.approx(best.hyperparameters.learning_rate / 4)


def test_a_remedy_of_the_batch_takes_the_rate_along(make_problem: Callable[..., Problem], run: Store) -> None:
    asked = sections({"values": [0.02]})
    del asked["search"]["space"]["data.batch_size"]
    asked["steps"]["change"] = {"top_k": 1, "duel_epochs": 0}
    problem = make_problem(**asked)
    found = take(short_runs.STEP, problem, run, 1)
    smaller = Change("data.batch_size", 16, "fewer images a step, more steps")
    seen = Verdict("underfit", Outcome.WARN, "", {}, (smaller,))
    readings = tuple(
        learning_curves.Reading(n, seen.name, seen.outcome, "", None, seen.changes, (seen,))
        for n in found.evidence["trials"]
    )
    read = to_json(learning_curves.CurvesRead("all", readings, seen.name))
    run.record_finding(dataclasses.replace(found, step="learning_curves", evidence=read, verdicts=(seen,), applied=()))
    evidence = change.measure(problem, run)
    _, tried = evidence.candidates
    assert [(one.path, one.value) for one in tried.changes] == [("data.batch_size", 16), (RATE, pytest.approx(0.01))]
    point = trial_of(run, tried.trial).hyperparameters
    assert (point.batch_size, point.learning_rate) == (16, pytest.approx(0.01))
    (verdict, *_) = change.judge(dataclasses.replace(evidence, taken=tried.trial))
    assert "with data.batch_size = 16 (batch 32 → 16: rate × 0.5 (in proportion, SGD), holds up to" in verdict.sentence
