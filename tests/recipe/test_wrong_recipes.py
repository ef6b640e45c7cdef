"""Every wrong recipe has the message that it should print in a file beside it.

`UPDATE_GOLDEN=1 pytest tests/recipe/test_wrong_recipes.py` writes the messages anew; read the difference.
"""

import os
from pathlib import Path

import pytest

from tuner.cli.main import main
from tuner.recipe import RecipeError, load

WRONG = Path(__file__).parent / "wrong"
RECIPES = sorted(path.name for path in WRONG.glob("*.yaml"))


@pytest.fixture(autouse=True)
def beside_the_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(WRONG)


def test_there_are_many() -> None:
    assert len(RECIPES) >= 50


@pytest.mark.parametrize("name", RECIPES)
def test_a_wrong_recipe_says_everything_that_is_wrong(name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(Path(name))
    golden = Path(name).with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RECIPES)
def test_every_problem_has_its_place(name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(Path(name))
    for problem in caught.value.problems:
        assert (problem.line > 0 and problem.column > 0) or name == "empty.yaml"
        assert Path(problem.file).is_file()
        assert problem.place.length >= 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("command", ["check", "show"])
def test_a_wrong_recipe_exits_2_and_prints_no_traceback(
    name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == Path(name).with_suffix(".txt").read_text(encoding="utf-8")


def test_no_run_is_begun_for_a_wrong_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(WRONG / "duration.yaml")]) == 2
    assert list(tmp_path.iterdir()) == []
    assert "Nothing was run." in capsys.readouterr().err
