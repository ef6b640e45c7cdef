"""Where a recipe has folds, finalists are compared on all images but those of the test set, and the mean decides."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tuner import tune
from tuner.data import Problem, Split
from tuner.finish import finish, lines
from tuner.records import Trial
from tuner.report import write_report
from tuner.search.ranking import ranked
from tuner.steps import folds
from tuner.steps.situation import contenders, counted
from tuner.store import Store

HEAD = [{"name": "head", "trainable": "none", "epochs": 2}]
DATA = {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale"}


def sections(count: int | str | None = 3, **more: Any) -> dict[str, Any]:
    off = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
    steps = {**off, "short_runs": {"trials": 3, "epochs": 1}, "change": {"top_k": 3}, "repeat": {"max_rounds": 1}}
    return {
        "data": DATA | {"folds": count},
        "optimizer": {"learning_rate": 0.01},
        "transfer": HEAD,
        "search": {"space": {"optimizer.learning_rate": {"values": [0.003, 0.01, 0.03]}}, "algorithm": "grid"},
        "steps": steps,
        **more,
    }


class Sealed:
    """Images that nobody may look at."""

    shape = (100, 8, 8, 1)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the test set was touched: {name}")


def sealed(problem: Problem) -> Problem:
    test = Split(Sealed(), Sealed())  # type: ignore[arg-type]
    return dataclasses.replace(problem, dataset=dataclasses.replace(problem.dataset, sealed_test=test))


def on_folds(run: Store) -> list[Trial]:
    return [trial for trial in run.trials if trial.spec.fold is not None]


def test_finalists_are_trained_on_all_folds_of_all_images_but_the_test_s_and_the_mean_decides(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    last = tune.tune(sealed(make_problem(**sections())), run)
    change = run.finding("change", 1)
    assert change is not None
    scores = change.evidence["folds"]
    assert {one["trial"] for one in scores} == {one["trial"] for one in change.evidence["candidates"]}
    assert all(len(one["accuracies"]) == 3 for one in scores)
    best = max(scores, key=lambda one: one["mean"])
    assert change.evidence["taken"] == best["trial"] == last.evidence["best_trial"] == contenders(run)[0].number
    assert best["mean"] == pytest.approx(np.mean(best["accuracies"]))
    assert best["sd"] == pytest.approx(np.std(best["accuracies"], ddof=1))
    assert (last.evidence["best"], last.evidence["folds"]) == (best["mean"], 3)
    assert "On 3 folds: accuracy" in change.verdicts[1].sentence
    assert "accuracy over 3 folds" in last.verdicts[0].sentence
    assert {trial.engine for trial in on_folds(run)} == {"heads"}
    assert {trial.spec.step for trial in on_folds(run)} == {folds.FOLDED}


def test_without_folds_nothing_changes(make_problem: Callable[..., Problem], new_run: Callable[[], Store]) -> None:
    plain, folded = new_run(), new_run()
    tune.tune(make_problem(**sections(None)), plain)
    tune.tune(make_problem(**sections()), folded)
    assert [trial.spec for trial in plain.trials] == [trial.spec for trial in counted(folded)]
    assert [trial.curves for trial in plain.trials] == [trial.curves for trial in counted(folded)]
    change = plain.finding("change", 1)
    assert change is not None
    assert change.evidence["folds"] == []
    assert contenders(plain) == ranked(contenders(plain))
    assert folds.scored(plain, plain.trials[0]) is None


def test_a_later_stage_is_trained_on_a_fold_from_its_first_weights_on(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    stages = [*HEAD, {"name": "all", "trainable": "all", "epochs": 1}]
    recipe = sections(2, transfer=stages, budget={"max_trials": 20})
    recipe["steps"] |= {"change": {"top_k": 1}, "repeat": {"max_rounds": 2}}
    problem = make_problem(**recipe)
    last = tune.tune(problem, run)
    kept = {path.name for path in (run.folder / "weights").iterdir()}
    assert kept & {f"{trial.number:04d}.npz" for trial in on_folds(run) if trial.spec.round == 2}
    assert tune.tune(problem, run) == last
    assert {path.name for path in (run.folder / "weights").iterdir()} == kept  # a resume lets go of nothing more
    conclusion = finish(problem, run, last)
    best = run.trials[conclusion["best_trial"] - 1]
    assert best.spec.stage == "all"
    places = [trial.spec.stage for trial in folds.line(run, best)]
    for trial in on_folds(run):
        assert {one.spec.fold for one in folds.line(run, trial)} == {trial.spec.fold}
    on_a_fold = [[one.spec.stage for one in folds.line(run, trial)] for trial in on_folds(run)]
    assert on_a_fold.count(places) == 2
    assert conclusion["fold_mean"] == pytest.approx(np.mean(conclusion["fold_accuracies"]))
    assert conclusion["title"].startswith("Accuracy over 2 folds")
    assert conclusion["test_reads"] == 1
    assert {path.stem for path in (run.folder / "weights").iterdir()} == {f"{best.number:04d}"}
    assert "On the single split" in "\n".join(lines(conclusion, run, None))
    page = write_report(run.folder).read_text(encoding="utf-8")
    assert "The finalists on folds" in page
    assert "by this the finalists were compared" in page
    assert "trials on folds stand there too" in page


def test_a_run_that_died_between_folds_comes_to_the_same_end(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, alone, died = make_problem(**sections()), new_run(), new_run()
    whole = tune.tune(problem, alone)
    fit_many, calls = folds.fit_many, []

    def dies(problem: Problem, run: Store, specs: list[Any]) -> list[Trial]:
        calls.append(specs)
        if len(calls) == 2:
            fit_many(problem, run, [spec for spec in specs if spec.fold[0] == 1])  # a bank is recorded as a whole
            raise KeyboardInterrupt
        return fit_many(problem, run, specs)

    with monkeypatch.context() as patch:
        patch.setattr(folds, "fit_many", dies)
        with pytest.raises(KeyboardInterrupt):
            tune.tune(problem, died)
    trained = len(died.trials)
    last = tune.tune(problem, died)
    assert len(died.trials) - trained < len(on_folds(died))
    assert last.evidence["best"] == whole.evidence["best"]
    assert len({trial.spec for trial in died.trials}) == len(died.trials) == len(alone.trials)
    assert [folds.scored(died, trial) for trial in contenders(died)] == [
        folds.scored(alone, trial) for trial in contenders(alone)
    ]


def test_a_finalist_that_diverges_on_a_fold_is_not_taken_by_it(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    problem = make_problem(**sections(2))
    tune.tune(problem, run)
    first = contenders(run)[0]
    score = folds.scored(run, first)
    assert score is not None
    broken = dataclasses.replace(score, mean=float("nan"))
    assert folds.accuracy_of(run, first, 100, 700) == (score.mean, 700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "scored", lambda run, trial: broken if trial == first else score)
        assert folds.by_folds(run, contenders(run))[0] != first
        assert folds.accuracy_of(run, first, 100, 700) == (first.val_accuracy, 100)


def test_a_rich_single_split_keeps_auto_from_folds(make_problem: Callable[..., Problem], run: Store) -> None:
    problem = make_problem(**sections("auto"))
    data = problem.dataset
    many = Split(np.tile(data.validation.images, (7, 1, 1, 1)), np.tile(data.validation.labels, 7))
    rich = dataclasses.replace(problem, dataset=dataclasses.replace(data, validation=many))
    assert folds.cross_validated(rich, run, []) == ()
    tune.tune(rich, run)
    assert on_folds(run) == []
