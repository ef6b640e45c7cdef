"""Several backbones are ranked before step 1: of those within noise of the best the fastest is taken, once for all."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.data import Problem
from tuner.interrupts import StopFlag
from tuner.models import ModelError
from tuner.progress import Silent
from tuner.recipe.candidates import backbone_of, candidates
from tuner.records import Outcome, to_json
from tuner.setting import current
from tuner.steps import backbones
from tuner.steps.backbones import Candidate, judge, measure, ranked, settled
from tuner.store import Store
from tuner.tune import Window, choose_backbone, tune

FIRST = Candidate("First", 2_000_000, 1280, 100.0, 0.5, 0.20, 0.03, 0.95, 0.1, 1.0)
FASTER = dataclasses.replace(FIRST, backbone="Faster", val_loss=0.22, images_per_second=400.0, logme=0.6)
WORSE = dataclasses.replace(FIRST, backbone="Worse", val_loss=0.24, images_per_second=900.0, logme=0.1)
TWO = ["python:small_nets:loud", "python:small_nets:backbone"]


@pytest.fixture
def problem(make_problem: Callable[..., Problem]) -> Problem:
    """Digits, with two candidates."""
    short = {"initial_loss": {"seeds": 1, "examples": 64}, "learning_rate": {"iterations": 20, "range_test": False}}
    return make_problem(model={"backbone": TWO}, transfer=[{"name": "head", "trainable": "none"}], steps=short)


def test_the_fastest_within_a_standard_error_of_the_best_is_taken() -> None:
    found = ranked([WORSE, FIRST, FASTER], 100)
    assert [one.backbone for one in found.candidates] == ["First", "Faster", "Worse"]
    assert (found.chosen, found.noise) == ("Faster", 0.03)
    (verdict,) = judge(found)
    assert verdict.outcome is Outcome.PASS
    assert "Faster is within noise of First, the best (0.220 to 0.200 ± 0.030 nats" in verdict.sentence
    assert "4.0 times as fast" in verdict.sentence
    assert verdict.sentence.endswith("LogME puts it first as well.")
    (change,) = verdict.changes
    assert (change.path, change.value) == ("model.backbone", "Faster")


def test_where_none_is_within_noise_the_best_is_taken_and_another_judge_may_disagree() -> None:
    far = dataclasses.replace(FASTER, val_loss=0.2301)
    found = ranked([far, FIRST], 100)
    assert found.chosen == "First"
    (verdict,) = judge(found)
    assert "does best on the features of First: 0.200 nats" in verdict.sentence
    assert verdict.sentence.endswith("LogME would take Faster (0.600 to 0.500).")


def test_an_error_that_cannot_be_told_is_no_noise() -> None:
    assert ranked([dataclasses.replace(FIRST, val_loss_error=math.inf), FASTER], 1).chosen == "First"


def test_untrained_backbones_are_judged_by_what_short_runs_reached() -> None:
    one, other = (dataclasses.replace(c, logme=math.nan, learning_rate=0.01) for c in (FIRST, WORSE))
    (verdict,) = judge(ranked([one, other], 100, epochs=2))
    assert verdict.outcome is Outcome.PASS
    assert verdict.sentence.startswith("Trained from random weights for 2 epochs, First reaches 0.200 nats")
    assert verdict.sentence.endswith("not how far it comes.")
    assert "LogME" not in verdict.sentence


def test_each_candidate_is_measured_on_its_own_features(problem: Problem, run: Store) -> None:
    found = measure(problem, run)
    by_name = {one.backbone: one for one in found.candidates}
    assert set(by_name) == set(TWO)
    assert (by_name[TWO[0]].features, by_name[TWO[0]].parameters) == (64, 0)
    assert (by_name[TWO[1]].features, by_name[TWO[1]].parameters) == (64, 64 * 65)
    assert all(one.images_per_second > 0 and 0.5 < one.val_accuracy <= 1 for one in found.candidates)
    assert found.epochs == 0
    assert to_json(found)["chosen"] == found.chosen


def test_a_whole_classifier_cannot_be_ranked(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(model={"backbone": ["python:small_nets:backbone", "python:small_nets:scores"]})
    with pytest.raises(ModelError, match="small_nets:scores is a whole classifier"):
        measure(problem, run)


def test_the_run_goes_on_with_the_one_that_was_chosen_and_the_recipe_keeps_its_list(
    problem: Problem, run: Store
) -> None:
    last = tune(problem, run, Window("initial_loss", "learning_rate"))
    assert last.step == "learning_rate"
    assert [finding.step for finding in run.findings][:2] == ["data", "backbones"]
    finding = run.finding("backbones", 0)
    (change,) = finding.applied
    assert (change.path, change.before) == ("model.backbone", TWO)
    one = settled(problem, run)
    assert backbone_of(one.recipe) == finding.evidence["chosen"] == change.value
    assert (one.recipe.path, one.recipe.text) == (problem.recipe.path, problem.recipe.text)
    assert one.dataset is problem.dataset
    assert candidates(problem.recipe) == tuple(TWO)
    assert current(one.start, "head", run.findings).hyperparameters.learning_rate == last.evidence["chosen"]


def test_a_stored_ranking_is_taken_and_nothing_is_measured_again(problem: Problem, tmp_path: Path) -> None:
    recipe = problem.recipe.to_json()
    with Store.create(tmp_path / "runs", "small", recipe, "", {}, Silent(), StopFlag()) as begun:
        chosen = backbone_of(choose_backbone(problem, begun).recipe)
        folder, findings = begun.folder, begun.findings
    with Store.resume(folder, recipe, Silent(), StopFlag()) as again:
        assert backbone_of(choose_backbone(problem, again).recipe) == chosen
        assert again.findings == findings


def test_one_backbone_is_not_ranked(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem()
    assert choose_backbone(problem, run) is problem
    assert run.findings == ()


def test_the_features_of_the_ranking_are_those_of_the_run(problem: Problem, run: Store) -> None:
    choose_backbone(problem, run)
    before = {path.name for path in (problem.cache / "features").iterdir()}
    tune(problem, run, Window("learning_rate", "learning_rate"))
    assert {path.name for path in (problem.cache / "features").iterdir()} == before


def test_the_name_of_the_step_is_that_of_its_panel() -> None:
    from tuner.report.lessons import LESSONS
    from tuner.report.panels import STEP_PANELS

    assert backbones.NAME in STEP_PANELS
    assert LESSONS[backbones.NAME].title == backbones.TITLE
