"""`tuner show`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuner.recipe import load

Tuner = Callable[..., Any]


def test_what_is_shown_is_a_recipe(tuner: Tuner, tmp_path: Path) -> None:
    done = tuner("show", "recipe.yaml", "--set", "seed=7")
    assert (done.code, done.err) == (0, "")
    (tmp_path / "again.yaml").write_text(done.out)
    assert load(tmp_path / "again.yaml") == load(tmp_path / "recipe.yaml", ["seed=7"])
    assert "# --set" in done.out


def test_json_has_the_values_and_their_origin(tuner: Tuner) -> None:
    told = json.loads(tuner("show", "recipe.yaml", "--json").out)
    assert told["schema"] == "tuner.show/1"
    assert told["recipe"]["model"]["backbone"] == "MobileNetV3Small"
    assert told["provenance"]["model.backbone"] == "recipe.yaml:4"


def test_a_wrong_recipe_is_json_as_well(tuner: Tuner) -> None:
    done = tuner("show", "wrong.yaml", "--json")
    told = json.loads(done.out)
    assert (done.code, told["schema"], told["problems"][0]["line"]) == (2, "tuner.error/1", 5)
