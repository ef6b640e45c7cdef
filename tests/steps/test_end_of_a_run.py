"""How a run ends: which weights stay, and what other seeds say of the best setting."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tuner import tune
from tuner.data import Problem
from tuner.finish import finish, lines
from tuner.report import write_report
from tuner.steps.situation import REPEATED, chosen_among, contenders
from tuner.store import Store

SHORT: dict[str, Any] = {
    "optimizer": {"learning_rate": 0.01},
    "transfer": [{"name": "head", "trainable": "none", "epochs": 3}],
    "search": {"space": {"optimizer.learning_rate": {"values": [0.003, 0.01, 0.03]}}, "algorithm": "grid"},
}

TWO_STAGES = [*SHORT["transfer"], {"name": "all", "trainable": "all", "epochs": 2}]


def recipe(confirm_seeds: int = 1, keep_models: str = "best", **sections: Any) -> dict[str, Any]:
    steps = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
    more = {"short_runs": {"trials": 3, "epochs": 1}, "change": {"top_k": 2}}
    repeat = {"repeat": {"max_rounds": 2, "confirm_seeds": confirm_seeds}}
    return {**SHORT, "steps": {**steps, **more, **repeat}, "output": {"keep_models": keep_models}, **sections}


def ended(problem: Problem, run: Store) -> dict[str, Any]:
    return finish(problem, run, tune.tune(problem, run))


def with_weights(run: Store) -> set[int]:
    files = {int(path.stem) for path in (run.folder / "weights").glob("*.npz")}
    assert files == {trial.number for trial in run.trials if trial.weights}
    return files


@pytest.mark.parametrize(("wished", "count"), [("none", 0), ("best", 1), ("top_k", 2)])
def test_the_weights_that_were_wished_stay(
    make_problem: Callable[..., Problem], run: Store, wished: str, count: int
) -> None:
    conclusion = ended(make_problem(**recipe(keep_models=wished)), run)
    assert len(with_weights(run)) == count
    assert count == 0 or conclusion["best_trial"] in with_weights(run)
    assert (run.folder / "best.keras").is_file()


def test_all_weights_stay_where_all_are_wished(make_problem: Callable[..., Problem], run: Store) -> None:
    ended(make_problem(**recipe(keep_models="all")), run)
    assert with_weights(run) == {trial.number for trial in run.trials if trial.spec.keep}


def test_what_is_kept_changes_no_result(make_problem: Callable[..., Problem], new_run: Callable[[], Store]) -> None:
    conclusions = [ended(make_problem(**recipe(keep_models=wished)), new_run()) for wished in ("none", "all")]
    same = ("best_trial", "val_accuracy", "val_loss", "test_accuracy")
    assert [conclusions[0][key] for key in same] == [conclusions[1][key] for key in same]


def test_other_seeds_train_the_best_line_again_and_choose_nothing(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    plain, seeded = new_run(), new_run()
    once = ended(make_problem(**recipe(transfer=TWO_STAGES)), plain)
    conclusion = ended(make_problem(**recipe(confirm_seeds=3, transfer=TWO_STAGES)), seeded)
    assert "seed_accuracies" not in once
    assert [conclusion[key] for key in ("best_trial", "val_accuracy")] == [once["best_trial"], once["val_accuracy"]]
    again = [trial for trial in seeded.trials if trial.spec.step == REPEATED]
    assert {trial.spec.seed - seeded.trials[0].spec.seed for trial in again} == {1, 2}
    assert {trial.spec.stage for trial in again} == {conclusion["stage"]}
    leaves = [trial for trial in again if not trial.spec.keep]
    accuracies = [conclusion["val_accuracy"], *(trial.val_accuracy for trial in leaves)]
    assert conclusion["seed_accuracies"] == accuracies
    assert conclusion["seed_mean"] == pytest.approx(sum(accuracies) / 3)
    assert conclusion["seeds_diverged"] == 0
    assert with_weights(seeded) == {conclusion["best_trial"]}
    assert " ± " in "\n".join(lines(conclusion, seeded, None))
    assert "mean ± SD of 3 seeds" in write_report(seeded.folder).read_text(encoding="utf-8")


def test_a_run_that_died_while_repeating_seeds_comes_to_the_same_end(
    make_problem: Callable[..., Problem], run: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = make_problem(**recipe(confirm_seeds=3))
    last = tune.tune(problem, run)
    with monkeypatch.context() as patch:
        patch.setattr("tuner.finish.test_once", stop)
        with pytest.raises(KeyboardInterrupt):
            finish(problem, run, last)
    trained, best = len(run.trials), contenders(run)[0]
    assert any(trial.weights for trial in run.trials if not chosen_among(trial))
    assert tune.tune(problem, run) == last
    conclusion = finish(problem, run, last)
    assert (conclusion["best_trial"], len(run.trials)) == (best.number, trained)
    assert len(conclusion["seed_accuracies"]) == 3


def stop(*asked: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("budget", "evidence", "seeds"),
    [({"max_trials": 1}, {}, 1), ({"max_time": 60}, {"seconds": 61.0}, 1), ({"max_time": 6000}, {}, 3)],
    ids=["trials-spent", "time-spent", "enough"],
)
def test_other_seeds_keep_to_the_budget(
    make_problem: Callable[..., Problem], run: Store, budget: dict[str, int], evidence: dict[str, float], seeds: int
) -> None:
    problem = make_problem(**recipe(confirm_seeds=3, budget=budget))
    last = tune.tune(problem, run)
    last = dataclasses.replace(last, evidence={**last.evidence, **evidence})
    assert len(finish(problem, run, last).get("seed_accuracies", [0])) == seeds


def test_time_that_does_not_last_to_a_short_run_leaves_no_model_and_says_what_to_do(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    slow = recipe(steps={}, budget={"max_time": 0.01})
    conclusion = ended(make_problem(**slow), run)
    assert conclusion["outcome"] == "out_of_time"
    assert not (run.folder / "best.keras").exists()
    said = lines(conclusion, run, None)
    assert said[0].startswith("! Out of time after ")
    assert any("--set budget.max_time=0.04" in line for line in said)


def test_early_stopping_is_the_recipes(make_problem: Callable[..., Problem], run: Store) -> None:
    tune.tune(make_problem(**recipe(regularization={"early_stopping": {"patience": 2}})), run)
    assert {trial.spec.patience for trial in run.trials if trial.spec.step == "change"} == {2}


def test_a_stage_without_epochs_takes_those_of_step_6(make_problem: Callable[..., Problem], run: Store) -> None:
    sections = recipe(transfer=[{"name": "head", "trainable": "none"}])
    sections["steps"]["change"]["epochs"] = 2
    tune.tune(make_problem(**sections), run)
    assert {trial.spec.epochs for trial in run.trials if trial.spec.step == "change"} == {2}
