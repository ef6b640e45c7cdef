"""The law of reading: an epoch sees each row once."""

from tuner.data import epoch_order


def test_an_epoch_sees_every_row_once_and_each_in_its_own_order() -> None:
    first, second = epoch_order(100, 3, 0), epoch_order(100, 3, 1)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first.tolist() != second.tolist()
    assert first.tolist() == epoch_order(100, 3, 0).tolist()
    assert first.tolist() != epoch_order(100, 4, 0).tolist()
