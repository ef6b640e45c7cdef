"""Where can images come from? One file a source, and this table.

A new source is a function `(recipe, progress) -> Origin` in a file of its own and a line here.
"""

from tuner.data.listing import Source
from tuner.data.sources import csv, digits, directory, npz, python, tfds

SOURCES: dict[str, Source] = {
    "digits": digits.origin,
    "directory": directory.origin,
    "tfds": tfds.origin,
    "npz": npz.origin,
    "csv": csv.origin,
    "python": python.origin,
}
