"""Of what parts is the page of a diagnosis made? One file each, and one line in the table here.

A part is a function that yields blocks from an inspection; one that yields nothing is not shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.inspection import Inspection
from tuner.report.blocks import Block
from tuner.report.diagnosed import about, classes, curves, duels, filters, layers, terms


@dataclass(frozen=True)
class Part:
    """A part of the page: its heading, one sentence under it, and what it draws."""

    anchor: str
    title: str
    lead: str
    build: Callable[[Inspection], Iterator[Block]]


PARTS = (
    Part("duels", "Which remedy helped", "Each was tried on a copy, against the training as it was.", duels.part),
    Part(
        "curves",
        "The learning curves",
        "Marked: where each finding begins, and the epoch of the best validation.",
        curves.part,
    ),
    Part("layers", "Layer by layer", "From the input to the output, on one batch.", layers.part),
    Part("filters", "The first filters", "What the first convolution looks for.", filters.part),
    Part("classes", "Class by class", "Which classes go wrong, and what they are taken for.", classes.part),
    Part("about", "What was looked at", "And on what it ran.", about.part),
    Part("glossary", "A few words", "For readers who are new to this.", terms.part),
)
