"""How does long work say how far it is? A protocol that training and data call, and the silent form of it.

The command line brings the real ones (a bar on a terminal, lines elsewhere); libraries and tests use `Silent`.
"""

from typing import Protocol


class Progress(Protocol):
    """What long work reports to. Calls nest at most two deep: a step, and the work inside it."""

    def say(self, message: str) -> None:
        """One line worth reading later: a step begins, a verdict falls."""

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        """Work begins: `total` units of it, or an unknown number."""

    def advance(self, by: int = 1, note: str = "") -> None:
        """So many units more are done; `note` is the latest figure, such as `loss 0.61`."""

    def end(self) -> None:
        """The work begun last is over."""


class Silent:
    """Reports nothing."""

    def say(self, message: str) -> None:
        """Nothing."""

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        """Nothing."""

    def advance(self, by: int = 1, note: str = "") -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
