"""The first convolution's kernels as small pictures: edges and colors, or noise?

Source: Zeiler and Fergus 2014; CS231n, understanding-cnn: noisy first filters tell of too short or unstable training.
"""

import math
from collections.abc import Iterator

from tuner.inspection import Inspection
from tuner.report import words
from tuner.report.blocks import Block, Picture, Pictures
from tuner.report.panels.images import DATA_URI

MOST = 96  # pictures
MOST_BYTES = 400_000  # of all pictures, as base64


def part(inspection: Inspection) -> Iterator[Block]:
    """The grid and what its noise figure means."""
    found = inspection.filters
    if found is None:
        return
    layer, pictures, room = words.name(found.layer), [], MOST_BYTES
    for number, uri in enumerate(found.pictures[:MOST], 1):
        if len(uri) > room or not DATA_URI.fullmatch(uri):
            continue
        room -= len(uri)
        pictures.append(Picture(words.LongText(uri), f"filter {number} of layer {layer}", str(number)))
    if not pictures:
        return
    more = len(found.pictures) - len(pictures)
    title = f"{words.plural(len(pictures), 'filter')} of {layer}"
    note = "In color where the layer reads three channels, else the mean of its channels." + (
        f" {more} more are not shown." if more else ""
    )
    yield Pictures(title, tuple(pictures), f"{note}{_noise(found.noise)}", "filters")


def _noise(noise: float) -> str:
    if not math.isfinite(noise):
        return ""
    return f" Roughness {noise:.2f}: 0 is smooth, as edges and blobs of color are; 1 is as rough as random numbers."
