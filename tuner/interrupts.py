"""How does a run end early and tidily? A flag that the signal handlers and the clock set and every batch looks at.

The first SIGINT or SIGTERM asks; the batch in flight ends, what is finished is already stored, the report is
written. The second leaves at once.
"""

import signal
import time
from types import FrameType


class Interrupted(Exception):
    """The run was asked to stop; `signal_number` says by which signal."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


class OutOfTime(Exception):
    """The budget's time is spent."""


class StopFlag:
    """Remembers the first signal, and when the time is up."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.deadline: float | None = None  # on time.monotonic's clock

    def install(self) -> None:
        """Catch SIGINT and SIGTERM from now on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def check(self) -> None:
        """Raise `Interrupted` if a stop was asked for, `OutOfTime` past the deadline. Called once a batch."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfTime

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
