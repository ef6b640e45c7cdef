"""Batch normalization of one image is refused only where it would be computed; a deep plain network gets a note."""

from typing import Any

import pytest

from tuner.recipe.checks import batch_of_one
from tuner.recipe.notes import notes
from tuner.recipe.schema import Recipe


def recipe(model: dict[str, Any], batch_size: int = 1, **sections: Any) -> Recipe:
    data = {"source": "digits", "batch_size": batch_size}
    return Recipe.from_json({"version": 1, "name": "any", "data": data, "model": model, **sections})


FROZEN = [{"name": "head", "trainable": "none"}]
HELD = [*FROZEN, {"name": "all", "trainable": "all", "freeze_batch_norm": True}]
AWAKE = [*FROZEN, {"name": "all", "trainable": "all", "freeze_batch_norm": False}]


@pytest.mark.parametrize(
    ("model", "transfer", "refused"),
    [
        ({"backbone": "ResNet18"}, "auto", True),
        ({"backbone": "AlexNet", "normalization": "batch"}, "auto", True),
        ({"backbone": "MobileNetV2"}, AWAKE, True),
        ({"backbone": "ResNet18", "normalization": "group"}, "auto", False),
        ({"backbone": "ResNet18", "normalization": "none"}, "auto", False),
        ({"backbone": "LeNet5"}, "auto", False),
        ({"backbone": "MobileNetV2"}, "auto", False),
        ({"backbone": "MobileNetV2"}, HELD, False),
        ({"backbone": "VGG16"}, AWAKE, False),
        ({"backbone": "python:nets:build", "weights": None}, "auto", False),
    ],
)
def test_one_image_at_a_time(model: dict[str, Any], transfer: Any, refused: bool) -> None:
    found = list(batch_of_one(recipe(model, transfer=transfer)))
    assert [complaint.path for complaint in found] == (["data.batch_size"] if refused else [])
    assert list(batch_of_one(recipe(model, 2, transfer=transfer))) == []


def test_a_network_that_degrades_gets_a_note_that_names_the_remedy() -> None:
    (note,) = notes(recipe({"backbone": "PlainNet56"}, 32))
    assert "ResNet56" in note.sentence
    assert notes(recipe({"backbone": "ResNet56"}, 32)) == ()
