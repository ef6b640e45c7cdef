"""What can go wrong with a run's records, each with a sentence that says what to do?"""

from collections.abc import Sequence
from pathlib import Path


class StoreError(Exception):
    """The records of a run cannot be read or written; `str()` is one clear sentence or two."""

    exit_code = 1  # of the command that it ends


class RunBusy(StoreError):
    """Another process owns the run."""


class RunFinished(StoreError):
    """The run has nothing left to resume."""

    exit_code = 2  # nothing was run


class RecipeChanged(StoreError):
    """The recipe is not the one that the run began with; `differences` are dotted recipe paths."""

    exit_code = 2  # nothing was run

    def __init__(self, folder: Path, differences: Sequence[str]) -> None:
        shown = ", ".join(differences[:5]) + (f" and {len(differences) - 5} more" if len(differences) > 5 else "")
        super().__init__(
            f"{folder} was begun with another recipe. What differs: {shown}. "
            "Resume with the recipe as it was, or start a new run without --resume."
        )
        self.differences = tuple(differences)


class WriteFailed(StoreError):
    """The disk refused a write. Nothing acknowledged before it is lost, and nothing is acknowledged after it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"Cannot write {path}: {why}. Everything recorded before this is safe; "
            "make room or repair the disk, then resume the run."
        )
        self.path = path


class TestAlreadyRead(StoreError):
    """The test set gives one honest number a run, and it was read before."""

    __test__ = False  # pytest: not a test, in spite of its name
