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
        ({"backbone": "EfficientNetLite0"}, "auto", False),  # the run holds batch norm, and a note says so
    ],
)
def test_one_image_at_a_time(model: dict[str, Any], transfer: Any, refused: bool) -> None:
    found = list(batch_of_one(recipe(model, transfer=transfer)))
    assert [complaint.path for complaint in found] == (["data.batch_size"] if refused else [])
    assert list(batch_of_one(recipe(model, 2, transfer=transfer))) == []


FREED = {"transfer.freeze_batch_norm": {"values": [True, False]}}
MOVED = {"transfer.trainable": {"values": ["none", "half"]}}


@pytest.mark.parametrize(
    ("transfer", "space", "refused"),
    [
        ("auto", FREED | MOVED, True),
        ("auto", FREED, False),  # nothing of the backbone trains in the first stage, which is searched
        ("auto", MOVED, False),
        (HELD, FREED | MOVED, True),
        ([HELD[1]], FREED, True),
        ([AWAKE[1]], {"transfer.trainable": {"values": ["none"]}}, True),  # steps 1 to 3 train by the stage's own
    ],
)
def test_a_search_may_let_batch_norm_train(transfer: Any, space: dict[str, Any], refused: bool) -> None:
    searched = recipe({"backbone": "EfficientNetLite0"}, transfer=transfer, search={"space": space})
    assert bool(list(batch_of_one(searched))) is refused
    lenet = recipe({"backbone": "LeNet5"}, transfer="auto", search={"space": FREED | MOVED})
    assert list(batch_of_one(lenet)) == []


@pytest.mark.parametrize(
    ("model", "transfer", "noted"),
    [
        ({"backbone": "EfficientNetLite0"}, "auto", True),
        ({"backbone": "python:nets:build", "weights": "own.weights.h5"}, "auto", True),  # it may have some
        ({"backbone": "VGG16"}, "auto", False),
        ({"backbone": "EfficientNetLite0"}, HELD, False),
    ],
)
def test_what_auto_does_with_one_image_at_a_time_is_noted(model: dict[str, Any], transfer: Any, noted: bool) -> None:
    found = [note.path for note in notes(recipe(model, transfer=transfer))]
    assert found == (["data.batch_size"] if noted else [])
    assert notes(recipe(model, 2, transfer=transfer)) == ()
    axis = {"space": {"data.batch_size": {"values": [1, 16]}}}
    searched = [note.path for note in notes(recipe(model, 2, transfer=transfer, search=axis))]
    assert searched == (["search.space.data.batch_size"] if noted else [])


def test_a_network_that_degrades_gets_a_note_that_names_the_remedy() -> None:
    (note,) = notes(recipe({"backbone": "PlainNet56"}, 32))
    assert "ResNet56" in note.sentence
    assert notes(recipe({"backbone": "ResNet56"}, 32)) == ()
