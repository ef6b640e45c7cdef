"""`model.backbone` names one backbone or several; a recipe with several is a recipe, and becomes one with one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.recipe import Recipe, load
from tuner.recipe.candidates import backbone_of, candidates, with_backbone
from tuner.recipe.json_schema import json_schema
from tuner.recipe.known import load_known
from tuner.recipe.show import resolved_text

Load = Callable[..., Recipe]
SEVERAL = "model.backbone=[MobileNetV2, EfficientNetLite0, ResNet50]"
NAMES = ("MobileNetV2", "EfficientNetLite0", "ResNet50")


def test_one_is_one_and_several_keep_their_order(loaded: Load) -> None:
    one = loaded("", "model.backbone=ResNet50")
    assert candidates(one) == ("ResNet50",)
    assert backbone_of(one) == "ResNet50"
    assert one.to_json()["model"]["backbone"] == "ResNet50"
    several = loaded("", SEVERAL)
    assert candidates(several) == NAMES
    assert several.to_json()["model"]["backbone"] == list(NAMES)
    with pytest.raises(ValueError, match="names 3 backbones"):
        backbone_of(several)


def test_the_recipe_with_one_of_them_is_that_which_names_it_alone(loaded: Load) -> None:
    several = loaded("seed: 5\ntransfer: [{name: head, trainable: none}]\n", SEVERAL)
    one = with_backbone(several, "ResNet50")
    alone = loaded("seed: 5\ntransfer: [{name: head, trainable: none}]\n", "model.backbone=ResNet50")
    assert one.to_json() == alone.to_json()
    assert one.start() == several.start()
    assert (one.path, one.text) == (several.path, several.text)
    assert candidates(several) == NAMES


def test_several_survive_storing_showing_and_remembering(
    loaded: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    several = loaded("", SEVERAL)
    assert Recipe.from_json(several.to_json()).to_json() == several.to_json()
    again = tmp_path / "again.yaml"
    again.write_text(resolved_text(several), encoding="utf-8")
    assert load(again).to_json() == several.to_json()
    for _ in range(2):  # read, then recalled
        known = load_known(again)
        assert candidates(known) == NAMES
        assert with_backbone(known, "ResNet50").to_json()["model"]["backbone"] == "ResNet50"


def test_weights_are_imagenet_unless_none_of_them_has_any(loaded: Load) -> None:
    assert loaded("", SEVERAL).model.weights == "imagenet"
    own = "model.backbone=['python:mine.py:a', 'python:mine.py:b']"
    assert loaded("", own).model.weights is None


def test_editors_know_both_forms() -> None:
    forms = json_schema()["definitions"]["Model"]["properties"]["backbone"]["oneOf"]
    assert [form.get("type", "name") for form in forms] == ["name", "array"]
    assert forms[1]["minItems"] == 2
