"""Duels of remedies: which are tried, who wins, and that the winner goes on as if there had been no duel."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.inspection import Duel, Side
from tuner.records import Change, Finding, LearningCurves, Outcome, Trial, TrialSpec, TrialState, Verdict, to_json
from tuner.steps import change, learning_curves, short_runs
from tuner.steps.duels import Remedies, length, loss_noise, lost_before, remedies, settled
from tuner.steps.rungs import whole
from tuner.steps.situation import trial_of
from tuner.store import Store
from tuner.training import fit, fit_many
from tuner.tune import take

OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
DROPOUT = Change("model.dropout", 0.3, "units that may vanish cannot memorize together")
DECAY = Change("optimizer.weight_decay", 0.01, "smaller weights fit less noise")
SMOOTHING = Change("loss.label_smoothing", 0.1, "soft labels")
RATE = Change("optimizer.learning_rate", 1e-3, "smaller steps")
OVERFIT = Remedies("overfit", (DROPOUT, DECAY))
POINT = Hyperparameters(dropout=0.0, weight_decay=1e-4)


def verdict(name: str, *changes: Change, outcome: Outcome = Outcome.WARN) -> Verdict:
    return Verdict(name, outcome, "", changes=changes)


def reading(*verdicts: Verdict) -> dict[str, Any]:
    return {"verdicts": to_json(list(verdicts))}


def test_the_first_two_that_can_be_tried_are_those_of_the_first_verdict_with_any() -> None:
    longer = Change("steps.change.epochs", 20, "longer")
    found = remedies(
        reading(verdict("lr_too_high", RATE, longer), verdict("overfit", DROPOUT, DECAY, SMOOTHING)), POINT
    )
    assert found.verdict == "overfit"
    assert [(c.path, c.value, c.before) for c in found.changes] == [
        ("model.dropout", 0.3, 0.0),
        ("optimizer.weight_decay", 0.01, 1e-4),
    ]


@pytest.mark.parametrize(
    "useless",
    [
        RATE,  # step 7 searches it again
        Change("schedule.name", "cosine", "the longer run has a schedule of its own"),
        Change("model.head_units", [256], "needs weights that the run does not have"),
        Change("optimizer.weight_decay", 1e-4, "it is that already"),
        Change("data.scale_inputs", "standardize", "no path of a recipe"),
    ],
    ids=lambda useless: useless.path,
)
def test_what_training_on_cannot_try_is_left_out(useless: Change) -> None:
    assert remedies(reading(verdict("plateau", useless, DROPOUT)), POINT).changes == (
        dataclasses.replace(DROPOUT, before=0.0),
    )
    assert remedies(reading(verdict("plateau", useless)), POINT) == Remedies()


def test_what_lost_its_duel_makes_room_for_the_next() -> None:
    def fought(stage: str, taken: int | None) -> Finding:
        sides = [Side((), 0.7, 0.7, 3), Side((DROPOUT,), 0.7, 0.7, 3), Side((DECAY,), 0.7, 0.7, 3)]
        evidence = to_json({"duels": [Duel("overfit", "val_loss", tuple(sides), taken, "", 0.1)]})
        return Finding("change", 1, stage, "", evidence, ())

    seen = reading(verdict("overfit", DROPOUT, DECAY, SMOOTHING))
    after = {taken: remedies(seen, POINT, lost_before([fought("head", taken)], "head")) for taken in (None, 1)}
    assert [change.path for change in after[None].changes] == ["loss.label_smoothing"]
    assert [change.path for change in after[1].changes] == ["model.dropout", "loss.label_smoothing"]
    assert remedies(seen, POINT, lost_before([fought("all", None)], "head")) == remedies(seen, POINT)
    assert (
        remedies(reading(verdict("overfit", DROPOUT)), POINT, lost_before([fought("head", None)], "head")) == Remedies()
    )


@pytest.mark.parametrize(("epochs", "asked", "took"), [(20, 3, 3), (5, 3, 1), (6, 3, 2), (10, 0, 0), (1, 3, 0)])
def test_a_duel_takes_a_third_of_the_longer_run_at_most(epochs: int, asked: int, took: int) -> None:
    assert length(epochs, asked) == took


def trial(number: int, accuracy: float, loss: float, diverged: bool = False) -> Trial:
    state = TrialState.DIVERGED if diverged else TrialState.COMPLETED
    curves = LearningCurves(loss=(loss,), val_loss=(loss,), val_accuracy=(accuracy,))
    return Trial(number, TrialSpec(POINT, 1, 0, "change"), state, curves, 1.0, "net", best_epoch=1)


PLAIN = trial(2, 0.80, 0.60)


@pytest.mark.parametrize(
    ("first", "second", "metric", "taken"),
    [
        ((0.90, 0.60), (0.85, 0.40), "val_accuracy", 1),  # noise of 400 images: 0.020
        ((0.81, 0.58), (0.79, 0.50), "val_loss", 2),  # noise of the loss: 0.030
        ((0.81, 0.58), (0.79, 0.62), "val_loss", None),
        ((0.70, 0.40), (0.80, 0.60), "val_loss", None),  # a lower loss does not buy a lower accuracy
        ((0.70, 0.90), (0.70, 0.90), "val_loss", None),
    ],
)
def test_a_remedy_is_taken_only_beyond_the_noise(
    first: tuple[float, float], second: tuple[float, float], metric: str, taken: int | None
) -> None:
    duel = settled(trial(1, 0.78, 0.70), OVERFIT, [PLAIN, trial(3, *first), trial(4, *second)], 400)
    assert (duel.metric, duel.taken) == (metric, taken)
    assert [side.changes for side in duel.sides] == [(), (DROPOUT,), (DECAY,)]
    assert {side.before for side in duel.sides} == {0.78 if metric == "val_accuracy" else 0.70}
    assert ("is taken" in duel.sentence) == (taken is not None)
    assert duel.noise == pytest.approx(0.02 if metric == "val_accuracy" else loss_noise(0.6, 400))


def test_who_diverges_loses() -> None:
    broken = trial(3, math.nan, math.nan, diverged=True)
    assert settled(PLAIN, OVERFIT, [PLAIN, broken, trial(4, 0.9, 0.3)], 400).taken == 2
    assert settled(PLAIN, OVERFIT, [broken, trial(4, 0.5, 0.9), broken], 400).taken == 1
    assert settled(PLAIN, OVERFIT, [broken, broken, broken], 400).taken is None
    assert settled(PLAIN, OVERFIT, [PLAIN, broken, broken], 400).sides[1].diverged


def asked_for(changes: tuple[Change, ...], run: Store, round_: int = 1) -> None:
    """The round's reading of the best trial says `overfit` and proposes `changes`."""
    found = run.finding("short_runs", round_)
    assert found is not None
    seen = verdict("overfit", *changes)
    readings = tuple(
        learning_curves.Reading(number, seen.name, seen.outcome, "", None, changes, (seen,))
        for number in found.evidence["trials"]
    )
    evidence = learning_curves.CurvesRead("all", readings, "overfit")
    run.record_finding(
        dataclasses.replace(found, step="learning_curves", evidence=to_json(evidence), verdicts=(seen,), applied=())
    )


def sections(trainable: str = "none", duel_epochs: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "transfer": [{"name": "all", "trainable": trainable, "epochs": 6}],
        "optimizer": {"learning_rate": 0.003},
        "search": {"space": {"optimizer.weight_decay": {"values": [1e-4, 1e-3]}}},
        "steps": {
            **OFF,
            "short_runs": {"trials": 2, "epochs": 2},
            "change": {"top_k": 2, "duel_epochs": duel_epochs},
        },
        **more,
    }


@pytest.mark.parametrize("trainable", ["none", "all"])
def test_the_winner_goes_on_as_the_run_without_a_duel_would(
    trainable: str, make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    problem, run = make_problem(**sections(trainable)), new_run()
    take(short_runs.STEP, problem, run, 1)
    asked_for((DROPOUT, DECAY), run)
    before = len(run.trials)
    evidence = change.measure(problem, run)
    assert len(evidence.duels) == 2
    for duel, candidate in zip(evidence.duels, evidence.candidates, strict=True):
        assert (duel.verdict, len(duel.sides), {side.epochs for side in duel.sides}) == ("overfit", 3, {2})
        assert candidate.changes == duel.sides[duel.taken or 0].changes
        assert candidate.epochs == 6
    assert len(run.trials) == before + 2 * 3 + 2
    last = run.trials[-1]
    side = trial_of(run, last.spec.parent or 0)
    parent = trial_of(run, side.spec.parent or 0)
    straight = dataclasses.replace(side.spec, epochs=6, horizon=None)
    curves = side.curves.joined(last.curves)
    assert curves.epochs == 6
    once = fit(problem, run, straight).curves
    assert curves.learning_rate == once.learning_rate
    assert curves.val_loss == pytest.approx(once.val_loss, rel=1e-6)  # many heads at once round in another order
    assert whole(run, last).epochs == 6 + parent.curves.epochs

    resumed = new_run()
    for done in run.trials[: before + 4]:
        fit(problem, resumed, done.spec)
    for finding in run.findings:
        resumed.record_finding(finding)
    again = change.measure(problem, resumed)
    assert [candidate.trial for candidate in again.candidates] == [c.trial for c in evidence.candidates]
    assert [(d.taken, d.metric) for d in again.duels] == [(d.taken, d.metric) for d in evidence.duels]


def test_all_duels_of_a_round_are_trained_together(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections())
    take(short_runs.STEP, problem, run, 1)
    asked_for((DROPOUT, DECAY), run)
    change.measure(problem, run)
    sides = [t.spec for t in run.trials if t.spec.step == "change" and t.spec.epochs == 2]
    assert len(sides) == 6
    assert len({(spec.seed, spec.epochs, spec.horizon) for spec in sides}) == 1
    assert fit_many(problem, run, sides) == [t for t in run.trials if t.spec in sides]


@pytest.mark.parametrize(
    "more",
    [{"duel_epochs": 0}, {"budget": {"max_trials": 8}}],
    ids=["the recipe wants none", "the budget has no room"],
)
def test_without_a_duel_the_first_remedy_is_tried_at_once(
    more: dict[str, Any], make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(**sections(**more))
    take(short_runs.STEP, problem, run, 1)
    asked_for((DROPOUT, DECAY), run)
    evidence = change.measure(problem, run)
    assert evidence.duels == ()
    assert [[c.path for c in one.changes] for one in evidence.candidates] == [[], ["model.dropout"]] * 2


def test_where_nothing_is_proposed_nothing_is_fought(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections())
    take(short_runs.STEP, problem, run, 1)
    asked_for((), run)
    evidence = change.measure(problem, run)
    assert evidence.duels == ()
    assert [one.changes for one in evidence.candidates] == [(), ()]
    assert [one.epochs for one in evidence.candidates] == [6, 6]


def test_what_won_becomes_the_setting(make_problem: Callable[..., Problem], run: Store) -> None:
    """A far too strong decay holds the run back: the remedy that takes it away wins, and is applied."""
    held = sections()
    held["search"]["space"] = {"optimizer.weight_decay": {"values": [10.0]}}
    held["steps"]["change"]["top_k"] = 1
    held["optimizer"] = {"learning_rate": 0.05, "weight_decay": 10.0}
    problem = make_problem(**held)
    take(short_runs.STEP, problem, run, 1)
    asked_for((Change("optimizer.weight_decay", 1e-4, "decay holds it back"), SMOOTHING), run)
    finding = take(change.STEP, problem, run, 1)
    (duel,) = finding.evidence["duels"]
    assert duel["taken"] == 1
    assert duel["sides"][1]["changes"][0]["before"] == 10.0
    applied = {change.path: change.value for change in finding.applied}
    assert applied["optimizer.weight_decay"] == 1e-4
    assert any(verdict.name == "duel" and "is taken" in verdict.sentence for verdict in finding.verdicts)


def test_what_a_longer_run_showed_is_tried_in_the_next_round(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections())
    first = take(short_runs.STEP, problem, run, 1)
    longer = change.Changed("all", (), 0.1, 1, 0.5, 0.5, (), left=(verdict("overfit", DROPOUT, DECAY),))
    for step, evidence in (("change", longer), ("repeat", {})):
        run.record_finding(dataclasses.replace(first, step=step, evidence=to_json(evidence), verdicts=(), applied=()))
    take(short_runs.STEP, problem, run, 2)
    asked_for((), run, 2)
    evidence = change.measure(problem, run)
    assert len(evidence.duels) == 2
    for duel in evidence.duels:
        assert [[c.path for c in side.changes] for side in duel.sides][:2] == [[], ["model.dropout"]]
        assert "Against overfit of the longer run of round 1" in duel.sentence
