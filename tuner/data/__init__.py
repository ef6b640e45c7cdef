"""Where do the images come from, and in what form do the steps see them? Decoded once, divided once, then read.

`open_dataset` is the door; `check_dataset` judges what came through; `epoch_order` says in which order they are read.
"""

from tuner.data.batches import epoch_order
from tuner.data.cache import cache_folder
from tuner.data.checks import check_dataset
from tuner.data.dataset import DataError, Dataset, Problem, Split
from tuner.data.opening import open_dataset
from tuner.data.samples import data_uri, jpeg, kept_samples, sample_grid
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
    "jpeg",
    "kept_samples",
    "open_dataset",
    "sample_grid",
]
