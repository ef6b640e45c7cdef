"""How is work spread over threads? Piece by piece, with so many under way and no more, and the results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int, ahead: int = 1, name: str = "work"
) -> Generator[Result, None, None]:
    """`work` of each piece, in order; one thread is the caller's own.

    `ahead` pieces wait for each thread besides the one in its hands, and no more are read from `pieces`. What `work`
    raises is raised here. Close the generator to leave what has not begun undone.
    """
    if threads == 1:
        yield from map(work, pieces)
        return
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) > ahead * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
