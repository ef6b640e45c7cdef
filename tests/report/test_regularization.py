"""The report says what acts against overfitting in the model that was chosen, and how each of it works."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import Run
from tuner.report.blocks import Table
from tuner.report.page import render
from tuner.report.panels import regularization
from tuner.report.view import View


def chosen(run: Run, **settings: Any) -> Run:
    point = (
        Hyperparameters(weight_decay=0.0, **settings) if "weight_decay" not in settings else Hyperparameters(**settings)
    )
    return replace(run, conclusion={**run.conclusion, "hyperparameters": point.to_json()})


def rows(run: Run) -> list[str]:
    (table,) = regularization.panel(View(run, lambda name: None))
    assert isinstance(table, Table)
    return [" ".join(str(getattr(cell, "text", cell)) for cell in row) for row in table.rows]


ALL = {
    "l1": 1e-4,
    "l2": 1e-3,
    "weight_decay": 0.01,
    "dropout": 0.2,
    "label_smoothing": 0.1,
    "auxiliary_head": 0.3,
    "augmentation": (("RandomFlip", ()),),
}


def test_each_that_acts_has_a_sentence(run: Run) -> None:
    found = rows(chosen(run, **ALL))
    said = ("L1:", "L2:", "elastic net", "weight decay:", "dropout:", "smoothing:", "Auxiliary head:", "Augmentation:")
    assert all(any(word in row for row in found) for word in said)
    page = render(chosen(run, **ALL), lambda name: None)
    assert "Against learning by heart" in page


@pytest.mark.parametrize("name", ALL)
def test_one_alone_stands_alone(run: Run, name: str) -> None:
    own = [row for row in rows(chosen(run, **{name: ALL[name]})) if "early_stopping" not in row]
    assert len(own) == 1


def test_without_a_model_there_is_nothing_to_say(run: Run) -> None:
    assert list(regularization.panel(View(replace(run, conclusion={}), lambda name: None))) == []
