"""Which panels make up the report? One file each, and one line in a table here.

`STEP_PANELS` draw what a step found, keyed by the step's name; `PANELS` follow after the steps, in this order.
A panel is a function that yields blocks and never fails on missing evidence; one that yields nothing is not shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.records import Finding
from tuner.report.blocks import Block
from tuner.report.panels import (
    augmented,
    backbones,
    change,
    confusion,
    data,
    environment,
    glossary,
    images,
    initial_loss,
    landscape,
    learning_curves,
    learning_rate,
    looks,
    overfit_small_sample,
    recipe,
    regularization,
    repeat,
    setting,
    short_runs,
    transfer,
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
    "transfer": transfer.panel,
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
        "regularization",
        "Against learning by heart",
        "What the chosen model has against overfitting, and how each of it works.",
        regularization.panel,
    ),
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
        "looks",
        "Where it looked",
        "Validation images that it got most wrong, and what its score came from.",
        looks.mistakes,
    ),
    Panel(
        "confusion",
        "Which classes are confused",
        "Green: right answers. Red: wrong ones, stronger where there are more.",
        confusion.panel,
    ),
    Panel(
        "filters",
        "The first filters",
        "What the first layer looks for: edges and colors if it has learned, noise if it has not.",
        looks.filters,
    ),
    Panel(
        "landscape",
        "Around the trained weights",
        "What the training loss does when the weights move.",
        landscape.panel,
    ),
    Panel(
        "augmentation",
        "What training saw",
        "Each epoch draws another version of every image.",
        augmented.panel,
    ),
    Panel("data", "The data", "What was given to the model, and what was not.", images.samples, step="data"),
    Panel("recipe", "The recipe", "What was asked for, and what the tool decided by itself.", recipe.panel),
    Panel(
        "environment", "How to repeat this", "The same recipe, seed and versions give the same run.", environment.panel
    ),
    Panel("glossary", "Ten words", "For readers who are new to this.", glossary.panel),
)
