"""Which panels make up the report? One file each, and one line in a table here.

`STEP_PANELS` draw what a step found, keyed by the step's name; `PANELS` follow after the steps, in this order.
A panel is a function that yields blocks and never fails on missing evidence; one that yields nothing is not shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.records import Finding
from tuner.report.blocks import Block
from tuner.report.panels import (
    backbones,
    change,
    confusion,
    data,
    environment,
    glossary,
    images,
    initial_loss,
    learning_curves,
    learning_rate,
    overfit_small_sample,
    recipe,
    repeat,
    setting,
    short_runs,
    trials,
)
from tuner.report.view import View


@dataclass(frozen=True)
class Panel:
    """A part of the page about the whole run."""

    anchor: str
    title: str
    lead: str  # one sentence under the title
    build: Callable[[View], Iterator[Block]]
    step: str = ""  # findings of this step are shown in it, before its blocks


STEP_PANELS: dict[str, Callable[[View, Finding], Iterator[Block]]] = {
    "data": data.panel,
    "backbones": backbones.panel,
    "initial_loss": initial_loss.panel,
    "overfit_small_sample": overfit_small_sample.panel,
    "learning_rate": learning_rate.panel,
    "short_runs": short_runs.panel,
    "learning_curves": learning_curves.panel,
    "change": change.panel,
    "repeat": repeat.panel,
}

SETTING = Panel(
    "setting",
    "How the setting came to be",
    "Every change that was applied, in order, and the evidence that asked for it.",
    setting.panel,
)

PANELS = (
    Panel(
        "trials", "All trials", "Every training run, best first. Settings that never varied are left out.", trials.panel
    ),
    Panel(
        "mistakes",
        "The worst mistakes",
        "Where the model is most certain and wrong, there is most to learn.",
        images.mistakes,
    ),
    Panel(
        "confusion",
        "Which classes are confused",
        "Green: right answers. Red: wrong ones, stronger where there are more.",
        confusion.panel,
    ),
    Panel("data", "The data", "What was given to the model, and what was not.", images.samples, step="data"),
    Panel("recipe", "The recipe", "What was asked for, and what the tool decided by itself.", recipe.panel),
    Panel(
        "environment", "How to repeat this", "The same recipe, seed and versions give the same run.", environment.panel
    ),
    Panel("glossary", "Ten words", "For readers who are new to this.", glossary.panel),
)
