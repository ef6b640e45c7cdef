"""Laws of reading: an epoch sees each row once, a batch holds the rows that were asked for."""

from pathlib import Path

import numpy as np
import pytest

from tuner.data import epoch_order, gather


def test_an_epoch_sees_every_row_once_and_each_in_its_own_order() -> None:
    first, second = epoch_order(100, 3, 0), epoch_order(100, 3, 1)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first.tolist() != second.tolist()
    assert first.tolist() == epoch_order(100, 3, 0).tolist()
    assert first.tolist() != epoch_order(100, 4, 0).tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("side", [4, 40])
def test_a_batch_holds_the_rows_in_the_order_asked_for(tmp_path: Path, dtype: type, side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, side, 35, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    indices = np.array([7, 49, 0, 7, 23])
    batch = gather(mapped, indices, dtype)
    assert batch.dtype == dtype
    assert batch.flags.c_contiguous
    assert type(batch) is np.ndarray
    np.testing.assert_array_equal(batch, images[indices])


def test_a_batch_may_be_empty() -> None:
    assert gather(np.zeros((3, 2, 2, 1), np.uint8), np.array([], np.int64)).shape == (0, 2, 2, 1)
