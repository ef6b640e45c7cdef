"""`tuner new`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.cli.new import template_dir, templates
from tuner.recipe import load

Tuner = Callable[..., Any]


def test_templates_are_listed_with_a_sentence(tuner: Tuner) -> None:
    done = tuner("new", "--list")
    assert done.code == 0
    assert tuner("new").out == done.out
    for name in templates():
        assert any(line.startswith(f"{name} ") and len(line) > 30 for line in done.out.splitlines())
    told = json.loads(tuner("new", "--list", "--json").out)
    assert told["schema"] == "tuner.templates/1"
    assert set(told["templates"]) == set(templates())


@pytest.mark.parametrize("name", templates())
def test_a_new_recipe_is_right_and_names_itself(tuner: Tuner, tmp_path: Path, name: str) -> None:
    done = tuner("new", name, "mine.yaml")
    assert done.code == 0
    path = tmp_path / "mine.yaml"
    assert done.out == f"Wrote {path}\nNext  tuner check mine.yaml · tuner run mine.yaml\n"
    text = path.read_text()
    assert "tuner run mine.yaml" in text
    assert f"recipes/{name}.yaml" not in text
    assert "yaml-language-server" not in text, "there is no schema beside it"
    assert load(path).to_json()["model"] == load(templates()[name]).to_json()["model"]


def test_the_file_is_named_after_the_template(tuner: Tuner, tmp_path: Path) -> None:
    assert tuner("new", "minimal").code == 0
    assert (tmp_path / "minimal.yaml").is_file()
    (tmp_path / "folder").mkdir()
    assert json.loads(tuner("new", "minimal", "folder", "--json").out)["path"] == str(
        tmp_path / "folder" / "minimal.yaml"
    )


def test_editors_are_told_of_a_schema_that_is_there(tuner: Tuner, tmp_path: Path) -> None:
    tuner("schema", "-o", "recipe.schema.json")
    tuner("new", "digits")
    assert (tmp_path / "digits.yaml").read_text().startswith("# yaml-language-server: $schema=./recipe.schema.json")


def test_nothing_is_overwritten_without_force(tuner: Tuner, tmp_path: Path) -> None:
    (tmp_path / "minimal.yaml").write_text("mine")
    done = tuner("new", "minimal")
    assert done.code == 2
    assert done.err == "tuner: minimal.yaml is there already. Choose another FILE, or overwrite it with --force.\n"
    assert (tmp_path / "minimal.yaml").read_text() == "mine"
    assert tuner("new", "minimal", "--force").code == 0
    assert (tmp_path / "minimal.yaml").read_text() != "mine"


def test_an_unknown_template_names_the_nearest(tuner: Tuner) -> None:
    done = tuner("new", "digit")
    assert done.code == 2
    assert "no template 'digit'. Did you mean 'digits'? There are: " in done.err


def test_a_folder_that_is_not_there(tuner: Tuner) -> None:
    done = tuner("new", "minimal", "no/such/file.yaml")
    assert (done.code, "cannot write" in done.err) == (2, True)


def test_templates_come_with_the_tool() -> None:
    assert template_dir().name == "recipes"
    assert {"digits", "folder", "minimal"} <= set(templates())
