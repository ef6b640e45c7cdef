"""A recipe that was read before comes back equal in every setting, without YAML and pydantic, and never stale."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tuner.recipe import Recipe, RecipeError, known, load
from tuner.recipe.known import Settings, load_known

ROOT = Path(__file__).parents[2]
MANY = """\
version: 1
name: many
data: {source: directory, path: images, image_size: [32, 48], class_names: [a, b]}
model: {backbone: MobileNetV2, weights: none, head_units: [64, 8]}
transfer: [{name: head, trainable: {last: 3}, epochs: 4}, {name: all, trainable: all}]
augmentation: [{RandomFlip: {mode: horizontal}}, {RandomRotation: {factor: [-0.1, 0.2]}}]
search:
  space:
    optimizer.learning_rate: {min_value: 1e-4, max_value: 1, sampling: log}
    model.head_units: {values: [[], [32]]}
target: {at_least: 0.9}
budget: {max_time: 1h30m}
output: {dir: out ä}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "recipes"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.yaml"
    path.write_text(MANY, encoding="utf-8")
    return path


def plain(value: Any) -> Any:
    """Every setting with its type, whatever holds it."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Settings):
        return {name: plain(item) for name, item in vars(value).items() if name != "to_json"}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    return type(value), value


def whole(recipe: Recipe) -> tuple[Any, ...]:
    """All that a recipe says."""
    axes = {path: axis.to_json() for path, axis in recipe.search.space.items()}
    besides = (recipe.to_json(), recipe.start(), recipe.path, recipe.text, dict(recipe.provenance))
    return {name: plain(getattr(recipe, name)) for name in Recipe.model_fields}, axes, besides


@pytest.mark.parametrize(
    "settings", [(), ("seed=5", "optimizer.learning_rate=0.01"), ("data.limit=100", "transfer=auto", "target=none")]
)
def test_what_comes_back_is_what_was_read(many: Path, cache: Path, settings: tuple[str, ...]) -> None:
    read = load(many, settings)
    assert isinstance(load_known(many, settings), Recipe)
    back = load_known(many, settings)
    assert isinstance(back, Settings)
    assert whole(back) == whole(read)


@pytest.mark.parametrize("name", ["digits", "fashion_mnist", "folder", "minimal"])
def test_our_own_recipes_come_back_whole(name: str) -> None:
    path = ROOT / "recipes" / f"{name}.yaml"
    load_known(path)
    assert isinstance(load_known(path), Settings)
    assert whole(load_known(path)) == whole(load(path))


def test_it_comes_back_without_the_libraries_that_read_it(many: Path) -> None:
    load_known(many)
    code = (
        "import sys\nfrom pathlib import Path\nfrom tuner.recipe.known import load_known\n"
        f"load_known(Path({str(many)!r}))\n"
        "print([name for name in ('pydantic', 'ruamel.yaml', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_another_text_another_setting_or_another_folder_is_read_again(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_known(many)
    many.write_text(many.read_text(encoding="utf-8").replace("0.9", "0.8"), encoding="utf-8")
    assert load_known(many).target.at_least == 0.8  # type: ignore[union-attr]
    assert load_known(many, ["seed=9"]).seed == 9
    monkeypatch.chdir(tmp_path)
    first = load_known(Path("many.yaml"), ["data.path=other"])
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    second = load_known(Path("../many.yaml"), ["data.path=other"])
    assert (first.data.path, second.data.path) == (tmp_path / "other", tmp_path / "sub" / "other")


def test_another_version_of_the_code_reads_again(many: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_known(many)
    assert len(list(cache.iterdir())) == 1
    states = known._state
    monkeypatch.setattr(known, "_state", lambda path: (states(path)[0] + path.endswith("checks.py"), states(path)[1]))
    assert isinstance(load_known(many), Recipe)
    assert len(list(cache.iterdir())) == 2


def test_a_recipe_with_a_parent_is_read_each_time(many: Path, tmp_path: Path, cache: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text("extends: many.yaml\nseed: 8\n")
    load_known(child)
    many.write_text(many.read_text(encoding="utf-8").replace("name: many", "name: more"), encoding="utf-8")
    assert (load_known(child).name, load_known(child).seed) == ("more", 8)
    assert not cache.exists()


def test_a_wrong_recipe_is_refused_each_time(many: Path, cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(RecipeError, match="sed"):
            load_known(many, ["sed=1"])
    with pytest.raises(RecipeError, match="no file"):
        load_known(many.with_name("nowhere.yaml"))
    assert not cache.exists()


def test_a_torn_file_or_a_cache_that_cannot_be_written_is_no_harm(many: Path, cache: Path) -> None:
    load_known(many)
    (kept,) = cache.iterdir()
    for torn in (kept.read_bytes()[:100], b"", b"{}", b"[]"):
        kept.write_bytes(torn)
        assert load_known(many).seed == 42
    for file in cache.iterdir():
        file.unlink()
    cache.rmdir()
    cache.write_text("a file where the folder should be")
    assert load_known(many).seed == load_known(many).seed == 42


def test_what_comes_back_is_frozen_and_every_json_is_its_own(many: Path) -> None:
    load_known(many)
    back = load_known(many)
    with pytest.raises(AttributeError, match="frozen"):
        back.seed = 7
    back.to_json()["seed"] = 7
    assert back.to_json()["seed"] == 42


def test_the_oldest_answers_go(many: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST", 2)
    for seed in (1, 2, 3):
        load_known(many, [f"seed={seed}"])
        for file in cache.iterdir():
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 60))
    assert len(list(cache.iterdir())) == 2
