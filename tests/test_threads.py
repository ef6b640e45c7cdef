"""Work spread over threads: in order, not read ahead, stopped when nobody asks for more."""

import threading
from collections.abc import Iterator

import pytest

from tuner.threads import in_threads


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_pieces(threads: int) -> None:
    slow_first = threading.Event()

    def work(piece: int) -> int:
        if piece == 0 and threads > 1:
            assert slow_first.wait(10)  # until another piece is done
        slow_first.set()
        return piece * piece

    assert list(in_threads(work, range(20), threads)) == [piece * piece for piece in range(20)]


def test_pieces_are_not_read_far_ahead() -> None:
    read: list[int] = []

    def pieces() -> Iterator[int]:
        for piece in range(100):
            read.append(piece)
            yield piece

    found = in_threads(str, pieces(), threads=2, ahead=1)
    assert next(found) == "0"
    assert len(read) == 3
    found.close()
    assert len(read) == 3


def test_what_work_raises_is_raised_in_its_turn_and_the_rest_is_left() -> None:
    done: list[int] = []

    def work(piece: int) -> int:
        if piece == 3:
            raise ValueError("the fourth")
        done.append(piece)
        return piece

    found = in_threads(work, iter(range(1000)), threads=2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the fourth"):
        next(found)
    assert len(done) < 20


def test_nothing_gives_nothing() -> None:
    assert list(in_threads(str, [], threads=2)) == []
