"""Where did the network look when it was sure and wrong, and what did training make of its first filters?

Source: Selvaraju et al. 2017, arXiv 1610.02391; the lecture's "monitoring" for the filters.
"""

import math
from collections.abc import Iterator
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Picture, Pictures
from tuner.report.panels.images import DATA_URI
from tuner.report.view import View

MOST_BYTES = 150_000  # of the mistakes, and as much of the filters, as base64
MOST_FILTERS = 16
ROUGH = 0.75  # as rough as this, filters look like noise: random ones have 0.9 to 1, blurred ones below 0.4
SMOOTHER = 0.1  # less rough than before by so much: training shaped them
NOTE = (
    "Left the validation image, right where the score of the wrong answer came from: yellow most, violet least. "
    "Heat beside the object says that the background, or a mark on the image, was learned."
)


def mistakes(view: View) -> Iterator[Block]:
    """Pairs of an image and the heat on it."""
    found = read.items({"all": view.json("looks.json")}, "all")
    pictures, room, first = [], MOST_BYTES, next(iter(found), None)
    for item in found:
        uri, place = read.text(item, "image"), read.numbers(item, "place")
        if len(uri) > room or not DATA_URI.fullmatch(uri):
            continue
        room -= len(uri)
        true, said = (words.name(read.value(item, key)) for key in ("true", "predicted"))
        sure = words.accuracy(read.number(item, "probability"))
        alt = f"true class {true}, predicted {said} with {sure}; it looked most {where(place)}"
        pictures.append(Picture(words.LongText(uri), alt, f"is {true}", f"said {said}, {sure}"))
    if pictures:
        size = read.finite(read.numbers(first, "map"))
        coarse = f" The heat has {size[0]:.0f} x {size[1]:.0f} places." if len(size) == 2 else ""
        yield Pictures("Where it looked when it was sure, and wrong", tuple(pictures), NOTE + coarse, "pairs")


def where(place: tuple[float, ...]) -> str:
    """A place (share from the top, from the left) in words: `at the upper left`."""
    if len(place) != 2 or not all(0 <= share <= 1 for share in place):
        return "somewhere"
    rows, columns = ("upper", "", "lower"), ("left", "", "right")
    row, column = rows[min(2, int(3 * place[0]))], columns[min(2, int(3 * place[1]))]
    if not row and not column:
        return "at the middle"
    return f"at the {row} {column}".replace("  ", " ").rstrip() + (" edge" if not row or not column else "")


def filters(view: View) -> Iterator[Block]:
    """The first filters before training and after it, and what the figures say."""
    found = view.json("filters.json")
    before, after = (read.mapping(found, key) for key in ("before", "after"))
    room = MOST_BYTES // 2
    for title, one in (("before training", before), ("after it", after)):
        layer, shown, left = words.name(read.text(one, "layer")), [], room
        for number, uri in enumerate(read.values(one, "pictures")[:MOST_FILTERS], 1):
            if not isinstance(uri, str) or len(uri) > left or not DATA_URI.fullmatch(uri):
                continue
            left -= len(uri)
            shown.append(Picture(words.LongText(uri), f"filter {number} of layer {layer}, {title}", str(number)))
        if shown:
            note = meaning(found) if one is after else ""
            yield Pictures(f"First filters, {layer}, {title}", tuple(shown), note, "filters")


def meaning(found: Any) -> str:
    """What became of the first filters, in two sentences."""
    before, after = (read.number(read.mapping(found, key), "noise") for key in ("before", "after"))
    moved = read.number(found, "moved")
    start = f"They moved by {moved:.0%} of their length." if math.isfinite(moved) else ""
    if not math.isfinite(after):
        size = " x ".join(f"{side:.0f}" for side in read.numbers(found, "size"))
        return f"{start} Of filters of {size} no roughness can be told: nearly every weight is an edge.".strip()
    figures = f"Roughness {before:.2f} before, {after:.2f} after (0 smooth, 1 like random numbers)"
    if after >= ROUGH:
        says = "still like noise, as a rate that is too low or too little training leaves them; not wrong by itself"
    elif before - after >= SMOOTHER:
        says = "training made them smoother, as it should"
    else:
        says = "smooth, as they were"
    return f"{start} {figures}: {says}.".strip()
