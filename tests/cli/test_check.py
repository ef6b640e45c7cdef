"""`tuner check`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.cli.check import annotation
from tuner.recipe.problems import Place, Problem, Source

Tuner = Callable[..., Any]


def test_a_right_recipe_is_fine(tuner: Tuner) -> None:
    done = tuner("check", "recipe.yaml")
    split = "15% of the images for validation, 15% for the test, unless the source names them; every class in its share"
    said = f"recipe.yaml: fine. directory at 224 x 224, MobileNetV3Small (imagenet)\n  split: {split}\n"
    assert done == (0, said, "")
    assert tuner("check", "recipe.yaml", "-q") == (0, "", "")


def test_groups_and_folds_are_told(tuner: Tuner) -> None:
    done = tuner("check", "recipe.yaml", "--set", "data.group_pattern=(p[0-9]+)_", "--set", "data.folds=auto")
    assert "; no group (pattern (p[0-9]+)_) in two of them; finalists compared by cross-validation where" in done.out


def test_several_recipes_are_all_checked(tuner: Tuner) -> None:
    done = tuner("check", "wrong.yaml", "recipe.yaml", "missing.yaml")
    assert done.code == 2
    assert "wrong.yaml:5:1: sed: unknown key 'sed'" in done.err
    assert "missing.yaml: no file missing.yaml" in done.err
    assert done.out.startswith("recipe.yaml: fine.")


def test_a_set_is_checked_too(tuner: Tuner) -> None:
    assert tuner("check", "recipe.yaml", "--set", "seed=3").code == 0
    done = tuner("check", "recipe.yaml", "--set", "lr=3")
    assert done.code == 2
    assert "--set lr=3: no setting 'lr'. Did you mean 'optimizer.learning_rate'?" in done.err


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"]])
def test_json_holds_every_problem(tuner: Tuner, options: list[str]) -> None:
    done = tuner("check", "wrong.yaml", "recipe.yaml", *options)
    told = json.loads(done.out)
    assert (done.code, done.err, told["schema"]) == (2, "", "tuner.check/1")
    assert told["problems"] == [
        {
            "file": "wrong.yaml",
            "line": 5,
            "column": 1,
            "path": "sed",
            "message": "unknown key 'sed'",
            "hint": "did you mean 'seed'?",
        }
    ]
    assert json.loads(tuner("check", "recipe.yaml", *options).out)["problems"] == []


def test_github_sees_annotations(tuner: Tuner) -> None:
    done = tuner("check", "wrong.yaml", "--format", "github")
    assert done.out == "::error file=wrong.yaml,line=5,col=1::sed: unknown key 'sed' (did you mean 'seed'?)\n"


def test_an_annotation_cannot_be_broken_out_of() -> None:
    problem = Problem(Place(Source("a,b:c.yaml"), 1, 2), "100%\n::error::injected", "x")
    assert annotation(problem) == "::error file=a%2Cb%3Ac.yaml,line=1,col=2::x: 100%25%0A::error::injected"


def test_data_are_opened_on_demand(tuner: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    digits = ["--set", "data={source: digits, image_size: [32, 32]}", "--set", "model.backbone=LeNet5"]
    done = tuner("check", "recipe.yaml", "--data", *digits)
    assert done.code == 0
    assert "healthy_data" in done.out
    told = json.loads(tuner("check", "recipe.yaml", "--data", "--json", *digits).out)
    assert [verdict["outcome"] for verdict in told["verdicts"]] == ["pass"]
    done = tuner("check", "recipe.yaml", "--data")
    assert done.code == 2
    assert "flowers" in done.err
    assert "Traceback" not in done.err
