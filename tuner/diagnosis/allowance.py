"""How much may be done during a training without slowing it down? A share of the time that has passed, and no more.

What something costs is what it cost the last time; what it costs the first time is guessed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Allowance:
    """The time that a training may lose.

    Args:
        share: of the time since `start`, in (0, 1).
        costs: kind of work -> seconds that it took the last time, or is guessed to take.
    """

    share: float
    costs: dict[str, float] = field(default_factory=dict)
    spent: float = 0.0  # seconds
    began: float = field(default_factory=time.perf_counter)

    def affords(self, kind: str) -> bool:
        """Whether work of that kind fits in what has been saved up."""
        return self.spent + self.costs.get(kind, 0.0) <= self.share * (time.perf_counter() - self.began)

    @contextmanager
    def pays(self, kind: str) -> Iterator[None]:
        """Measures the work done inside."""
        begin = time.perf_counter()
        yield
        self.costs[kind] = time.perf_counter() - begin
        self.spent += self.costs[kind]
