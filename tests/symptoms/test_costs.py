"""Cheap remedies come before dear ones, every remedy has a cost, and what is proposed can be had."""

import ast
from dataclasses import replace
from pathlib import Path

import drawn
import pytest

from tuner.hyperparameters import PATHS
from tuner.recipe.batch_norm import DROPOUT_MOST
from tuner.recipe.names import APPLICATIONS, BACKBONES, CLASSICS
from tuner.records import Change
from tuner.symptoms import Context, diagnose, remedies
from tuner.symptoms.context import OfRecipe
from tuner.symptoms.costs import COSTS, IMAGES, NUMBER, PERSON, cheapest_first, cost
from tuner.symptoms.networks import LARGER, LINES, WITH_SKIP_CONNECTIONS

ROOT = Path(__file__).parents[2]
FROZEN = OfRecipe("MobileNetV2", class_names=("cat", "dog"))
PLAIN = OfRecipe("PlainNet56", pretrained=False, trainable="all", image_size=(28, 28))


def asked(room: str) -> set[str]:
    """The paths of every `Change("path", ...)` in a room."""
    trees = [ast.parse(file.read_text()) for file in (ROOT / "tuner" / room).rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Change"]
    return {node.value for node in named if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("path", sorted((asked("symptoms") | asked("probes") | set(PATHS)) - {"transfer.stage"}))
def test_every_path_has_a_cost(path: str) -> None:
    assert cost(path).because
    assert cost("layers.conv1.activation").rank == cost("layers.add_flatten").rank


def test_an_unknown_path_has_none() -> None:
    with pytest.raises(KeyError):
        cost("dropout")
    assert COSTS["model.dropout"].rank < COSTS["model."].rank < PERSON.rank


def test_the_cheaper_comes_first_and_equals_keep_their_order() -> None:
    dear, one, two = (Change(path, 1, "") for path in ("model.backbone", "model.dropout", "optimizer.weight_decay"))
    assert cheapest_first([dear, one, two]) == (one, two, dear)
    assert cheapest_first([two, dear, one]) == (two, one, dear)


def test_overfitting_draws_on_all_that_regularises_in_the_order_of_cost() -> None:
    changes = diagnose(drawn.overfitted(), Context(recipe=FROZEN, keeps_best=True))[0].changes
    paths = [change.path for change in changes]
    numbers = {"model.dropout", "optimizer.weight_decay", "regularization.l2", "loss.label_smoothing"}
    assert set(paths[:4]) == numbers
    assert set(paths[4:-1]) == {"augmentation"}
    assert paths[-1] == "data.train_examples"
    ranks = [cost(path).rank for path in paths]
    assert ranks == sorted(ranks)
    assert {ranks[0], ranks[4]} == {NUMBER.rank, IMAGES.rank}


def test_the_ladder_is_that_of_the_images() -> None:
    letters = replace(FROZEN, class_names=("a", "b"))
    flips = [
        c.value[0][0]
        for told in (FROZEN, letters)
        for c in remedies.regularized(Context(recipe=told))
        if c.path == "augmentation"
    ]
    assert flips.count("RandomFlip") == 1


def test_beside_batch_norm_that_trains_dropout_is_weak_and_says_why() -> None:
    def dropout(**told: object) -> list[Change]:
        return [c for c in remedies.regularized(Context(**told)) if c.path == "model.dropout"]  # type: ignore[arg-type]

    (usual,), (weak,) = dropout(), dropout(batch_norm_trains=True)
    assert usual.value > weak.value
    assert "1502.03167" in weak.because
    assert "1502.03167" not in usual.because
    assert dropout(batch_norm_trains=True, dropout=DROPOUT_MOST) == []
    assert dropout(dropout=DROPOUT_MOST) != []


def test_too_little_capacity_draws_on_more_layers_norm_skip_connections_and_larger_networks() -> None:
    def values(told: OfRecipe) -> dict[str, object]:
        return {change.path: change.value for change in remedies.enlarged(Context(recipe=told))}

    frozen, plain = values(FROZEN), values(PLAIN)
    assert frozen["model.backbone"] == "EfficientNetV2B0"
    assert [stage["trainable"] for stage in frozen["transfer"]] == ["none", "all"]  # type: ignore[index]
    assert plain["model.backbone"] == "ResNet56"
    assert plain["model.auxiliary_head"] == remedies.AUXILIARY
    assert "transfer" not in plain
    alex = replace(PLAIN, backbone="AlexNet")
    assert values(alex)["model.normalization"] == "batch"
    assert "model.normalization" not in values(replace(alex, normalization="group"))
    assert not {"model.backbone", "model.normalization", "transfer"} & {c.path for c in remedies.enlarged(Context())}


def test_one_step_for_all_weights_is_exchanged_for_one_each() -> None:
    (change,) = remedies.adaptive(Context(optimizer="SGD"), "because")
    assert (change.path, change.value) == ("optimizer.name", remedies.ADAPTIVE)
    assert "rate" in change.because
    assert remedies.adaptive(Context(optimizer="Adam"), "because") == ()


def test_every_network_that_is_proposed_is_there() -> None:
    assert {name for line in LINES for name in line} | set(WITH_SKIP_CONNECTIONS) <= set(BACKBONES)
    for small, large in LARGER.items():  # what has weights is not exchanged for what has none
        assert large in (*APPLICATIONS, "EfficientNetLite0") or small in CLASSICS
    assert not set(WITH_SKIP_CONNECTIONS.values()) & set(WITH_SKIP_CONNECTIONS)
