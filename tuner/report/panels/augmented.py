"""What does training see of an image? A strip for each augmentation of the run: the image, then draws of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.recipe.names import MIXING_AUGMENTATIONS
from tuner.report import read, words
from tuner.report.blocks import Block, Picture, Pictures, Text
from tuner.report.panels.images import DATA_URI
from tuner.report.view import View

MOST = 3  # strips
MOST_BYTES = 150_000  # of all of them together, as base64
MIXED = (
    "Mixed images have mixed labels: 0.4 of a cat and 0.6 of a dog count as 0.4 cat and 0.6 dog in the loss. Labels "
    "are class numbers in this tool, so they become shares of the classes inside the loss. The training loss and "
    "accuracy that are shown are those of the label with the larger share: they stay worse than the model is, and "
    "validation, on whole images, may lie well above them."
)


def panel(view: View) -> Iterator[Block]:
    """What mixing does to labels, where something mixes, then the strips."""
    shown = tuple(_strips(view))
    if any(name in strip.title.split(", ") for strip in shown for name in MIXING_AUGMENTATIONS):
        yield Text(MIXED)
    yield from shown


def _strips(view: View) -> Iterator[Pictures]:
    room = MOST_BYTES
    for item in read.items({"all": view.json("augmented.json")}, "all")[:MOST]:
        uri, layers = read.text(item, "image"), [words.name(str(name)) for name in read.values(item, "layers")]
        if not layers or len(uri) > room or not DATA_URI.fullmatch(uri):
            continue
        room -= len(uri)
        where = words.clean(read.text(item, "where"), 60)
        yield Pictures(
            ", ".join(layers),
            (Picture(words.LongText(uri), _description(item, layers), "The image, then draws of it"),),
            where[:1].upper() + where[1:],
            "strip",
        )


def _description(item: Mapping[str, Any], layers: list[str]) -> str:
    """For who cannot see the picture."""
    labels = ", ".join(words.name(str(label)) for label in read.values(item, "labels")[:8])
    draws = read.whole(item, "draws") or 0
    return f"Rows: an image of class {labels}. Columns: the image, then {draws} random draws of {', '.join(layers)}."
