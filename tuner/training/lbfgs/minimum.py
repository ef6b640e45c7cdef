"""Where is the loss least? One iteration of L-BFGS after the other, as long as somebody wants to see the next.

An l1 penalty has no slope at 0. Each penalized weight is therefore the difference of two numbers that are not negative,
and the penalty their sum: smooth, and exact, since of two such numbers one is 0 in the minimum.

Source: scipy.optimize.minimize, method L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995, which keeps to bounds).
"""

from collections.abc import Callable

import numpy as np

from tuner.training.lbfgs.objective import Array, Look, Objective

MEMORY = 20  # pairs of steps and gradients, as tuner/heads/logistic.py
LOOKS = 25  # at most, of one line search; SciPy's default is 20

Watch = Callable[[Array, Look], bool]  # a place and what was seen there -> whether that is enough


def descend(objective: Objective, iterations: int, watch: Watch) -> None:
    """At most so many iterations; `watch` sees the place after each.

    Fewer are taken where no step makes the objective smaller any more: it is the minimum, as far as numbers tell.
    """
    from scipy.optimize import Bounds, minimize  # takes 0.2 s to import

    split = _Split(objective)
    last: tuple[Array, Look] | None = None

    def measured(z: Array) -> tuple[float, Array]:
        nonlocal last
        x = split.joined(z)
        last = x, objective.look(x)
        return split.cost(z, last[1])

    def after(z: Array) -> None:
        x = split.joined(z)
        seen = last[1] if last is not None and np.array_equal(last[0], x) else objective.look(x)
        if watch(x, seen):
            raise StopIteration

    options = {"maxiter": iterations, "maxfun": LOOKS * iterations, "maxls": LOOKS, "maxcor": MEMORY}
    with np.errstate(all="ignore"):  # of a loss that leaves the numbers, which `watch` sees
        minimize(
            measured,
            split.start,
            jac=True,
            method="L-BFGS-B",
            bounds=None if split.lowest is None else Bounds(split.lowest, np.inf),
            callback=after,
            options=options | {"ftol": 0.0, "gtol": 0.0},
        )


class _Split:
    """The free numbers as the search sees them: those with an l1 penalty as two, the second ones behind all others."""

    def __init__(self, objective: Objective) -> None:
        x = objective.start
        cost = np.zeros_like(x) if objective.absolute is None else objective.absolute
        self._places = np.flatnonzero(cost)
        self._cost = cost[self._places]
        self._size = len(x)
        here = x[self._places]
        first = x.copy()
        first[self._places] = np.maximum(here, 0)
        self.start = np.concatenate([first, np.maximum(-here, 0)])
        self.lowest: Array | None = None
        if len(self._places):
            self.lowest = np.full(len(self.start), -np.inf)
            self.lowest[self._places] = self.lowest[self._size :] = 0

    def joined(self, z: Array) -> Array:
        """The model's numbers."""
        x = z[: self._size].copy()
        x[self._places] -= z[self._size :]
        return x

    def cost(self, z: Array, look: Look) -> tuple[float, Array]:
        """Objective and gradient with the l1 penalty."""
        penalty = self._cost @ (z[self._places] + z[self._size :])
        slope = np.concatenate([look.slope, self._cost - look.slope[self._places]])
        slope[self._places] += self._cost
        return float(look.objective + penalty), slope
