"""What do the images look like, and which does the model get most wrong?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Picture, Pictures
from tuner.report.view import View

MOST = 24  # pictures of a grid, unless the recipe says otherwise
MOST_BYTES = 280_000  # of one grid, as base64: three grids and the page stay below 1 MB
DATA_URI = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


def samples(view: View) -> Iterator[Block]:
    """Images as the model gets them."""
    pictures = [
        Picture(words.LongText(uri), f"a training image of class {label}", label)
        for item, uri in _images(view, "samples.json")
        for label in [words.name(read.value(item, "label"))]
    ]
    if pictures:
        yield Pictures("As the model gets them", tuple(pictures))


def mistakes(view: View) -> Iterator[Block]:
    """Images on which the model was surest of a wrong class."""
    pictures = []
    for item, uri in _images(view, "mistakes.json"):
        true, predicted = words.name(read.value(item, "true")), words.name(read.value(item, "predicted"))
        probability = read.number(item, "probability")
        sure = f", {words.accuracy(probability)}" if probability == probability else ""
        pictures.append(
            Picture(
                words.LongText(uri),
                f"true class {true}, predicted {predicted}",
                f"is {true}",
                f"said {predicted}{sure}",
            )
        )
    if pictures:
        note = "The number is the probability that the model gave to its wrong answer. Some may be wrong labels: look."
        yield Pictures("Most certain, and wrong", tuple(pictures), note)


def _images(view: View, artifact: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Items whose image is a data URI of a known kind, until the number or the bytes are spent."""
    limit = read.whole(read.mapping(view.run.recipe, "report"), "embed_images")
    left, room = MOST if limit is None else limit, MOST_BYTES
    for item in read.items({"all": view.json(artifact)}, "all"):
        uri = read.text(item, "image")
        if left <= 0 or len(uri) > room or not DATA_URI.fullmatch(uri):
            continue
        left, room = left - 1, room - len(uri)
        yield item, uri
