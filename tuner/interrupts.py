"""How does a run end early and tidily? A flag that the signal handlers set and every batch looks at.

The first SIGINT or SIGTERM asks; the batch in flight ends, what is finished is already stored, the report is
written. The second leaves at once.
"""

import signal
from types import FrameType


class Interrupted(Exception):
    """The run was asked to stop; `signal_number` says by which signal."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


class StopFlag:
    """Remembers the first signal."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def install(self) -> None:
        """Catch SIGINT and SIGTERM from now on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def check(self) -> None:
        """Raise `Interrupted` if a stop was asked for. Called once a batch."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
