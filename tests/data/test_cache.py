"""What a mapped file takes in memory is given back when asked, and its values stay."""

import re
from pathlib import Path

import numpy as np

from tuner.data.cache import let_go


def resident(path: Path) -> int:
    """KiB of `path` in this process's memory, as the kernel counts them."""
    maps = Path("/proc/self/smaps").read_text()
    return sum(int(size) for size in re.findall(rf"{re.escape(str(path))}\n(?:.*\n)*?Rss:\s+(\d+) kB", maps))


def test_a_mapped_array_that_was_read_gives_its_memory_back(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, np.full((8, 1024, 1024), 7, np.uint8))
    images = np.load(path, mmap_mode="r")
    assert images[2:6].sum() == 4 * 7 * 2**20
    assert resident(path) >= 4 * 1024
    let_go(images[1:])  # of a view, the whole file
    assert resident(path) < 512
    assert images[3].sum() == 7 * 2**20


def test_an_array_in_memory_stays_as_it_is():
    images = np.arange(12, dtype=np.uint8)
    let_go(images[2:])
    assert images.tolist() == list(range(12))
