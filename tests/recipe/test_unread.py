"""What a run would ignore is refused, or noted where only a part of the run ignores it."""

from collections.abc import Callable
from typing import Any

import pytest

from tuner.recipe import Recipe
from tuner.recipe.notes import notes
from tuner.recipe.unread import UNREAD

Load = Callable[..., Recipe]
SCRATCH = {"backbone": "LeNet5", "weights": None}
PRETRAINED = {"backbone": "MobileNetV2"}
WHOLE = [{"name": "all", "trainable": "all"}]


def refused(model: dict[str, Any] = PRETRAINED, space: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    axes = {path: {"values": values} for path, values in (space or {}).items()}
    base = {"version": 1, "name": "any", "data": {"source": "digits"}, "model": model, "search": {"space": axes}}
    recipe = Recipe.from_json(base | sections)
    return [complaint.path for check in UNREAD for complaint in check(recipe)]


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Muon", "NovoGrad"])
def test_a_momentum_of_an_optimizer_that_has_none(name: str) -> None:
    assert refused(optimizer={"name": name, "momentum": 0.5}) == ["optimizer.momentum"]
    axis = {"optimizer.momentum": [0.5, 0.9]}
    assert refused(space=axis, optimizer={"name": name}) == ["search.space.optimizer.momentum"]
    assert refused(space={"optimizer.nesterov": [True]}, optimizer={"name": name}) == [
        "search.space.optimizer.nesterov"
    ]


def test_a_momentum_that_one_of_the_optimizers_reads() -> None:
    both = {"optimizer.name": ["AdamW", "RMSprop"], "optimizer.momentum": [0.5, 0.9]}
    assert refused(space=both, optimizer={"momentum": 0.5}) == []
    assert refused(optimizer={"name": "SGD", "momentum": 0.5, "nesterov": True}) == []
    assert refused(optimizer={"name": "RMSprop", "nesterov": True}) == ["optimizer.nesterov"]


def test_a_final_rate_of_no_schedule() -> None:
    alpha = {"schedule.alpha": [0.0, 0.1]}
    assert refused(space=alpha) == ["search.space.schedule.alpha"]
    assert refused(space=alpha, schedule={"name": "CosineDecay"}) == []
    assert refused(space=alpha | {"schedule.name": ["none", "StepDecay"]}) == []
    assert refused(schedule={"alpha": 0.1}) == []  # step 6 ends in a cosine, which reads it
    assert refused(schedule={"name": "none", "alpha": 0.1}) == ["schedule.alpha"]  # the rate is kept throughout
    held = {"schedule.warmup_epochs": [0.0, 1.0]}
    assert refused(space=held, schedule={"alpha": 0.1}) == ["schedule.alpha"]  # trials keep the schedule none
    assert refused(SCRATCH, optimizer={"name": "LBFGS"}, schedule={"alpha": 0.1}) == ["schedule.alpha"]


def test_what_l_bfgs_has_no_use_for_is_told_once() -> None:
    lbfgs = {"name": "LBFGS"}
    decayed = [{**WHOLE[0], "layer_decay": 0.5}]
    assert refused(SCRATCH, optimizer=lbfgs, transfer=decayed) == ["transfer.0.layer_decay"]
    axes = {"transfer.layer_decay": [0.5, 1.0], "data.batch_size": [16, 32]}
    assert sorted(refused(SCRATCH, axes, optimizer=lbfgs)) == sorted(f"search.space.{path}" for path in axes)
    assert refused(SCRATCH, optimizer=lbfgs | {"momentum": 0.5}) == ["optimizer.momentum"]
    frozen_first = [{"name": "head", "trainable": "none"}, *decayed]  # AdamW takes over in the second stage
    assert refused(optimizer=lbfgs, transfer=frozen_first) == []
    assert refused(SCRATCH, optimizer=lbfgs, data={"source": "digits", "batch_size": 16}) == []  # read by steps 1 and 2


def test_our_head_ends_in_logits() -> None:
    assert refused(loss={"from_logits": False}) == ["loss.from_logits"]
    assert refused(loss={"from_logits": True}) == []
    assert refused({"backbone": "python:nets:build"}, loss={"from_logits": False}) == []


def noted(loaded: Load, more: str, *settings: str) -> list[str]:
    return [note.path for note in notes(loaded(more, *settings))]


HEAD, HALF, ALL = (
    "{name: head, trainable: none%s}",
    "{name: half, trainable: half%s}",
    "{name: all, trainable: all%s}",
)
FACTOR = ", learning_rate_factor: 0.1"


@pytest.mark.parametrize(
    ("stages", "paths"),
    [
        ((HEAD % "", HALF % FACTOR, ALL % ""), []),
        ((HEAD % FACTOR, HALF % "", ALL % FACTOR), [0, 2]),
        ((HEAD % "", ALL % FACTOR, HALF % ", learning_rate_factor: 1.0"), [2]),  # it asks for the head's rate
        ((HEAD % ", learning_rate_factor: 1.0", ALL % FACTOR), []),
        (("{name: more, trainable: gradual, learning_rate_factor: 0.1}",), []),  # its second part reads it
        (("{name: more, trainable: gradual}", ALL % FACTOR), [1]),
        ((HEAD % "", "{name: more, trainable: gradual, learning_rate_factor: 0.1}"), []),
    ],
)
def test_a_factor_that_is_read_by_no_stage_is_noted(loaded: Load, stages: tuple[str, ...], paths: list[int]) -> None:
    expected = [f"transfer.{index}.learning_rate_factor" for index in paths]
    assert noted(loaded, f"transfer: [{', '.join(stages)}]\n") == expected


def test_axes_about_layers_that_do_not_train_are_noted(loaded: Load) -> None:
    axes = "{transfer.layer_decay: {values: [0.5, 1.0]}, transfer.freeze_batch_norm: {values: [true, false]}%s}"
    both = ["search.space.transfer.layer_decay", "search.space.transfer.freeze_batch_norm"]
    search = f"search: {{space: {axes}}}\n"
    assert noted(loaded, search % "") == both
    assert noted(loaded, search % ", transfer.trainable: {values: [none, all]}") == []
    whole = f"transfer: [{ALL % ''}]\n"
    assert noted(loaded, whole + search % "") == []
    assert noted(loaded, whole + search % "", "model.backbone=VGG16") == both[1:]


def test_batch_norm_that_is_let_loose_in_a_frozen_stage_is_noted(loaded: Load) -> None:
    stages = f"transfer: [{HEAD % ', freeze_batch_norm: false'}]\n"
    assert noted(loaded, stages) == ["transfer.0.freeze_batch_norm"]


def test_a_pooling_where_nothing_is_pooled_is_noted(loaded: Load) -> None:
    lenet = ("model.backbone=LeNet5", "model.weights=none")
    assert noted(loaded, "", *lenet, "model.pooling=max") == ["model.pooling"]
    assert noted(loaded, "", *lenet) == []
    assert noted(loaded, "", "model.pooling=max") == []
