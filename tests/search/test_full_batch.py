"""A trial of L-BFGS asks for nothing that it does not heed, and no axis of a search leads nowhere."""

from dataclasses import replace

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.recipe.names import UNHEEDED
from tuner.search.full_batch import adapted, has_effect, heeded, optimizers_of, small_steps

FLIPS = (("RandomFlip", (("mode", "horizontal"),)),)
RICH = Hyperparameters(
    optimizer="LBFGS",
    dropout=0.3,
    augmentation=FLIPS,
    schedule="CosineDecay",
    l2=0.1,
    weight_decay=0.2,
    momentum=0.5,
    layer_decay=0.5,
)
SPACE = {
    "optimizer.learning_rate": {"min_value": 0.1, "max_value": 1.0},
    "model.dropout": {"values": [0.0, 0.5]},
    "transfer.layer_decay": {"values": [0.5, 1.0]},
    "data.batch_size": {"values": [16, 32]},
    "regularization.l2": {"values": [0.0, 0.1]},
}


def test_what_is_not_heeded_goes_and_the_penalties_stay() -> None:
    found = adapted(RICH)
    assert found == Hyperparameters(optimizer="LBFGS", learning_rate=1.0, l2=0.1, weight_decay=0.2)
    assert adapted(found) == found
    adam = replace(RICH, optimizer="Adam")
    assert adapted(adam) is adam


@pytest.mark.parametrize("path", UNHEEDED)
def test_what_is_not_heeded_stands_at_its_default(path: str) -> None:
    assert Hyperparameters().get(path) == UNHEEDED[path]


def test_a_remedy_without_effect_is_known() -> None:
    assert not has_effect(RICH, "model.dropout", 0.5)
    assert has_effect(RICH, "regularization.l2", 0.5)
    assert has_effect(replace(RICH, optimizer="SGD"), "model.dropout", 0.5)


def test_only_axes_that_some_optimizer_heeds_are_searched() -> None:
    assert list(heeded(SPACE, "LBFGS")) == ["regularization.l2"]
    assert heeded(SPACE, "SGD") == SPACE
    both = SPACE | {"optimizer.name": {"values": ["LBFGS", "SGD"]}}
    assert heeded(both, "LBFGS") == both
    assert optimizers_of(both, "Adam") == ("LBFGS", "SGD")
    assert optimizers_of(SPACE, "Adam") == ("Adam",)


def test_a_backbone_is_trained_in_small_steps() -> None:
    assert [(change.path, change.value) for change in small_steps(RICH, "half")] == [
        ("optimizer.name", "AdamW"),
        ("optimizer.learning_rate", 1e-3),
    ]
    assert small_steps(RICH, "none") == small_steps(replace(RICH, optimizer="SGD"), "half") == ()
