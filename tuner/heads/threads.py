"""On how many threads does BLAS multiply here? On one: the matrices are narrow, and more would wait for each other.

OpenBLAS's threads wait by spinning: where other processes wanted the same two cores, the optimum of 1,079 images took
15 s on two threads and 2 s on one (measured).
"""

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@cache
def _blas() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """While it is entered, BLAS uses one thread."""
    limited: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limited
