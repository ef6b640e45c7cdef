"""What was diagnosed, how was it read, and on what did it run?"""

import math
from collections.abc import Iterator

from tuner.inspection import Inspection
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Code, Facts, Fold, Table
from tuner.report.panels.environment import facts

ROLES = {
    "loss": "Training loss",
    "val_loss": "Validation loss",
    "accuracy": "Training accuracy",
    "val_accuracy": "Validation accuracy",
    "learning_rate": "Learning rate",
    "step_loss": "Loss of every step",
}
MOST_NOTES = 40


def part(inspection: Inspection) -> Iterator[Block]:
    """The source and its size, which column was read as what, and the environment."""
    yield Facts(tuple(_size(inspection)))
    if inspection.columns:
        rows = tuple((ROLES.get(role, words.name(role)), Cell(name, code=True)) for role, name in _columns(inspection))
        yield Table("How the curves were read", ("Taken as", "Column"), rows, "ll")
    shown = facts(inspection.environment)
    command = read.text(inspection.environment, "command")
    if command:
        yield Code("The same again", words.clean(command))
    if shown:
        yield Fold("Versions and machine", (Facts(tuple(shown)),))


def _columns(inspection: Inspection) -> list[tuple[str, str]]:
    return [(role, words.name(name)) for role, name in inspection.columns.items()]


def _size(inspection: Inspection) -> Iterator[tuple[str, str]]:
    yield "Diagnosed", words.clean(inspection.source, 300) or words.MISSING
    epochs = inspection.curves.epochs
    if epochs:
        numbers = inspection.epochs
        gaps = bool(numbers) and numbers[-1] != len(numbers)
        yield "Epochs", f"{words.count(epochs)} with every curve, of {numbers[-1]}" if gaps else words.count(epochs)
    if inspection.layers:
        yield "Layers", words.count(len(inspection.layers))
        parameters = sum(layer.parameters for layer in inspection.layers)
        trained = sum(layer.parameters for layer in inspection.layers if layer.trainable)
        yield (
            "Parameters",
            words.count(parameters) + ("" if trained == parameters else f", {words.count(trained)} trained"),
        )
    count = sum(one.count for one in inspection.classes)
    if count:
        yield "Validation examples", words.count(count)
    if len(inspection.curves.step_loss) > epochs and math.isfinite(epochs):
        yield "Steps", words.count(len(inspection.curves.step_loss))
