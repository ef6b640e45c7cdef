"""Where do the images come from, and in what form do the steps see them? Decoded once, divided once, then read.

`open_dataset` is the door; `check_dataset` judges what came through; `gather` and `epoch_order` read batches.
"""

from tuner.data.batches import epoch_order, gather
from tuner.data.cache import cache_folder
from tuner.data.checks import check_dataset
from tuner.data.dataset import DataError, Dataset, Problem, Split
from tuner.data.opening import open_dataset
from tuner.data.samples import data_uri, jpeg, sample_grid
from tuner.data.sources import SOURCES

__all__ = [
    "SOURCES",
    "DataError",
    "Dataset",
    "Problem",
    "Split",
    "cache_folder",
    "check_dataset",
    "data_uri",
    "epoch_order",
    "gather",
    "jpeg",
    "open_dataset",
    "sample_grid",
]
