"""How does NumPy train K heads at once? In slabs, each of which takes its whole step on one thread.

Threads meet once a step, and a slab's kernel, gradient and slots are still near the processor when the update comes to
them. BLAS starts no threads of its own: its threads wait for each other by spinning, and where other processes want the
same processors, a multiplication of 0.3 ms was seen to take 70 ms. Numbers are float32, as in Keras.

A command that sets OPENBLAS_NUM_THREADS to 1 before NumPy is imported saves the 30 ms of finding and asking BLAS.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tuner.training.heads.bank import Array, Plan, with_rate
from tuner.training.heads.numpy_step import inference, step
from tuner.training.heads.slabs import Slab, cuts, slab_of

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import ThreadpoolController

Found = TypeVar("Found")


class NumpyBank:
    """K heads in NumPy; see `tuner.training.heads.bank.Bank`."""

    at_once = 1

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        places = list(cuts(plan, _processors()))
        made = _threads().map if len(places) > 1 else map  # most of it is waiting for fresh memory
        self.slabs = list(made(lambda place: slab_of(plan, *place), places))

    def steps(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """See `Bank.steps`."""
        draws = [None] * len(features) if uniform is None else uniform
        found = [self.step(*now) for now in zip(features, labels, weights, rates, draws, strict=True)]
        return np.stack([loss for loss, _ in found]), np.stack([accuracy for _, accuracy in found])

    def step(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """See `Bank.step`."""

        def one(slab: Slab) -> tuple[Array, Array]:
            return step(slab, features, labels, weights, rates[slab.begin : slab.end], uniform)

        found = self._each(one)
        return np.concatenate([loss for loss, _ in found]), np.concatenate([accuracy for _, accuracy in found])

    def scores(self, features: Array) -> Array:
        """See `Bank.scores`."""
        found = self._each(lambda slab: inference(slab, features))
        return np.concatenate([own.transpose(1, 0, 2) for own in found])

    def head(self, place: int) -> list[Array]:
        """See `Bank.head`."""
        slab = self._slab_of(place)
        own = [p.of(p.value, place - slab.begin) for p in slab.parameters]
        return with_rate(own, self.plan.points[place].dropout)

    def state(self, place: int) -> list[Array]:
        """See `Bank.state`."""
        slab = self._slab_of(place)
        here = place - slab.begin
        slots = [p.of(p.slots[number], here) for number in range(slab.rule.slots) for p in slab.parameters]
        return [np.array(slab.iterations[here]), *slots]

    def _slab_of(self, place: int) -> Slab:
        return next(slab for slab in self.slabs if slab.begin <= place < slab.end)

    def _each(self, work: Callable[[Slab], Found]) -> list[Found]:
        """The results of `work` for every slab, in their order."""
        with _one_thread():
            if len(self.slabs) == 1:
                return [work(self.slabs[0])]
            return list(_threads().map(work, self.slabs))


def _one_thread() -> AbstractContextManager[Any]:
    """BLAS starts no threads of its own inside."""
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return nullcontext()
    return _blas().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@cache
def _threads() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_processors(), thread_name_prefix="heads")


@cache
def _blas() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
