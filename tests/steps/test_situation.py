"""What begins with a transfer stage: its rate, its layers, less dropout where batch normalization begins to train."""

from collections.abc import Callable
from typing import Any

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.models import Stage
from tuner.recipe.batch_norm import DROPOUT_MOST
from tuner.records import Change
from tuner.setting import Setting
from tuner.steps.situation import Situation, opened, situation
from tuner.store import Store

HEAD = Stage("head", "none", 5, 1.0, True)
HELD = Stage("half", "half", 5, 0.1, True)
FREE = Stage("all", "all", 5, 0.1, False)
MUCH = 0.5  # dropout


def beginning(now: Stage, after: Stage, dropout: float = MUCH, normalizes: bool = True) -> dict[str, Change]:
    """What changes from one stage to the other, by path; the head's stage lies before both."""
    point = Hyperparameters(
        learning_rate=0.1, dropout=dropout, trainable=now.trainable, freeze_batch_norm=now.freeze_batch_norm
    )
    plan = tuple(dict.fromkeys((HEAD, now, after)))
    there = Situation(1, Setting(point, now.name, {}), plan, None, normalizes=normalizes)
    return {change.path: change for change in opened(there, after)}


@pytest.mark.parametrize(("now", "after"), [(HEAD, FREE), (HELD, FREE)])
def test_dropout_is_weakened_where_batch_norm_begins_to_train(now: Stage, after: Stage) -> None:
    weaker = beginning(now, after)["model.dropout"]
    assert weaker.value == DROPOUT_MOST
    assert "batch normalization" in weaker.because
    assert "1502.03167" in weaker.because


@pytest.mark.parametrize(
    ("now", "after", "settings"),
    [
        (HEAD, HELD, {}),  # batch norm is held
        (HEAD, FREE, {"normalizes": False}),
        (HEAD, FREE, {"dropout": DROPOUT_MOST}),
        (Stage("first", "all", 5, 1.0, False), FREE, {}),  # it trained before, and the dropout was chosen beside it
        (HEAD, Stage("head2", "none", 5, 1.0, False), {}),  # the backbone is frozen, and batch norm with it
    ],
)
def test_dropout_stays_elsewhere(now: Stage, after: Stage, settings: dict[str, Any]) -> None:
    assert "model.dropout" not in beginning(now, after, **settings)


def test_the_factor_is_read_where_the_second_stage_begins() -> None:
    assert beginning(HEAD, HELD)["optimizer.learning_rate"].value == pytest.approx(0.01)
    assert "optimizer.learning_rate" not in beginning(HELD, FREE)


@pytest.mark.parametrize(("normalization", "normalizes"), [("own", True), ("group", False)])
def test_whether_a_network_normalizes_by_batches_is_known(
    make_problem: Callable[..., Problem], run: Store, normalization: str, normalizes: bool
) -> None:
    problem = make_problem(
        data={"source": "digits", "image_size": [32, 32]},
        model={"backbone": "ResNet20", "normalization": normalization},
    )
    assert situation(problem, run).normalizes is normalizes
