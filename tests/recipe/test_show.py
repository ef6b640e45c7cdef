"""`tuner show` prints a recipe that means the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.recipe import Recipe, load
from tuner.recipe.paths import all_paths
from tuner.recipe.show import duration, flow, resolved_text

ROOT = Path(__file__).parents[2]
Load = Callable[..., Recipe]

STRANGE = """\
description: "say: \\"yes\\" # no, 'never' \\u00e9 \\t"
transfer:
  - {name: head, trainable: none}
  - {name: half, trainable: {last: 30}, epochs: 3}
  - {name: more, trainable: {from_layer: "block 6: a"}, freeze_batch_norm: false}
augmentation: [{RandomFlip: }, {RandomRotation: {factor: [-0.1, 0.1], fill_mode: constant}}]
target: {at_least: 0.9}
budget: {max_time: 1h30m}
search:
  space:
    optimizer.global_clipnorm: {values: [none, 1]}
    transfer.trainable: {values: [none, {last: 3}]}
    optimizer.learning_rate: {min_value: 1e-5, max_value: 1, sampling: log}
"""


@pytest.mark.parametrize("more", ["", STRANGE], ids=["smallest", "strange"])
def test_what_it_prints_is_an_equal_recipe(loaded: Load, tmp_path: Path, more: str) -> None:
    recipe = loaded(more)
    again = tmp_path / "again.yaml"
    again.write_text(resolved_text(recipe), encoding="utf-8")
    assert load(again) == recipe
    assert load(again).to_json() == recipe.to_json()


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("*.yaml")), ids=lambda path: path.name)
def test_so_does_every_recipe_of_the_tool(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(resolved_text(load(path)), encoding="utf-8")
    assert load(again) == load(path)


def test_every_setting_is_there_with_its_origin(loaded: Load) -> None:
    recipe = loaded(
        "optimizer: {weight_decay: 1e-3}\ntransfer: [{name: head, trainable: none}]\n", "seed=7", "target.at_least=0.9"
    )
    text = resolved_text(recipe)
    for path in all_paths():
        assert f"{path.rpartition('.')[2]}:" in text, path
    lines = {line.partition(":")[0].strip(): line.partition("  # ")[2] for line in text.splitlines()}
    assert lines["seed"] == "--set"
    assert lines["batch_size"] == "default"
    assert lines["backbone"] == "recipe.yaml:4"
    assert "  weight_decay: 0.001" + " " * 31 + "  # recipe.yaml:5" in text
    assert "learning_rate: auto" + " " * 31 + "  # default; step 3 finds it" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(7200, "2h"), (5400, "1h30m"), (45, "45s"), (3661, "1h1m1s"), (0.5, "0.5")]
)
def test_durations_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("no", "no"),
        ("12:30", '"12:30"'),
        ("1e-3", '"1e-3"'),
        ("null", '"null"'),
        ("", '""'),
        (" a", '" a"'),
        ("a b", "a b"),
    ],
)
def test_a_text_is_quoted_where_it_would_mean_something_else(value: str, text: str) -> None:
    assert flow(value) == text
