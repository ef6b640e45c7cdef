"""What is offered as `--set` is taken by the recipe, and what no recipe can say is not offered."""

import shlex
from collections.abc import Callable

import pytest

from tuner.recipe import Recipe, load
from tuner.recipe.batch_norm import DROPOUT_NOTED, batch_norm_trains
from tuner.recipe.notes import notes
from tuner.recipe.writing import as_setting

Load = Callable[..., Recipe]
FLIP = [["RandomFlip", {"mode": "horizontal"}]]
STAGES = [{"name": "head", "trainable": "none"}, {"name": "all", "trainable": "all", "learning_rate_factor": 0.1}]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.dropout", 0.2),
        ("model.backbone", "EfficientNetV2B0"),
        ("schedule.name", "CosineDecay"),
        ("augmentation", FLIP),
        ("transfer", STAGES),
        ("model.head_units", [256]),
        ("optimizer.name", "SGD"),
    ],
)
def test_a_setting_that_is_offered_is_taken(loaded: Load, path: str, value: object) -> None:
    recipe = loaded()
    text = as_setting(recipe, path, value)
    assert text is not None
    (again,) = shlex.split(shlex.quote(text))
    assert load(recipe.path, (again,)).to_json() != recipe.to_json()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("layers.add_batch_normalization", True),
        ("data.scale_inputs", "standardize"),
        ("data.train_examples", "×2"),
        ("optimizer.learning_rate", "÷3"),
        ("schedule.name", "cosine"),
        ("model.backbone", "ResNet51"),
        ("nothing", 1),
    ],
)
def test_what_no_recipe_can_say_is_not_offered(loaded: Load, path: str, value: object) -> None:
    assert as_setting(loaded(), path, value) is None


SCRATCH = "transfer: [{name: all, trainable: all, freeze_batch_norm: false}]\n"


@pytest.mark.parametrize(
    ("backbone", "transfer", "trains"),
    [
        ("ResNet20", SCRATCH, True),
        ("LeNet5", SCRATCH, False),
        ("MobileNetV2", SCRATCH, True),
        ("MobileNetV2", "transfer: [{name: all, trainable: all}]\n", False),
        ("MobileNetV2", "", False),
        ("ResNet20", "", True),
    ],
)
def test_much_dropout_beside_batch_norm_that_trains_is_noted(
    loaded: Load, backbone: str, transfer: str, trains: bool
) -> None:
    recipe = loaded(transfer, f"model.backbone={backbone}", "model.dropout=0.5")
    assert [note.path for note in notes(recipe)] == (["model.dropout"] if trains else [])
    weak = loaded(transfer, f"model.backbone={backbone}", f"model.dropout={DROPOUT_NOTED}")
    assert notes(weak) == ()
    assert not batch_norm_trains(recipe, "none", False)


def test_a_search_of_much_dropout_is_noted_as_well(loaded: Load) -> None:
    recipe = loaded(
        f"{SCRATCH}search: {{space: {{model.dropout: {{min_value: 0, max_value: 0.5}}}}}}\n", "model.backbone=ResNet20"
    )
    assert [note.path for note in notes(recipe)] == ["search.space.model.dropout"]


def test_a_layer_decay_of_a_frozen_stage_is_noted(loaded: Load) -> None:
    first, then = "{name: head, trainable: none, layer_decay: 0.5}", "{name: all, trainable: all, layer_decay: 0.5}"
    stages = f"transfer: [{first}, {then}]\n"
    (found,) = notes(loaded(stages))
    assert found.path == "transfer.0.layer_decay"


def test_an_auxiliary_head_that_a_frozen_stage_leaves_out_is_noted(loaded: Load) -> None:
    assert [note.path for note in notes(loaded("", "model.auxiliary_head=0.3"))] == ["model.auxiliary_head"]
    assert notes(loaded(SCRATCH, "model.auxiliary_head=0.3", "model.backbone=ResNet20")) == ()
