"""May the test set be read? Once a run, for one trial, and the intention is on the disk before the first image is.

The answer is recorded in one commit. Until then nobody has seen anything, so a run that died in between may read again:
the same test set, for the same trial, whose weights are on the disk; it gets the answer that it would have had. After
the answer there is no second reading, by no process and for no trial.

Source: L4: the test set is read once, at the end; the order of records is that of a write-ahead log.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tuner.store.errors import StoreError, TestAlreadyRead
from tuner.store.folders import is_number
from tuner.store.schema import DATABASE, get_meta, reading


class Sealed:
    """The test set of a run, seen from its records."""

    def __init__(self, meta: Mapping[str, Any], put: Callable[..., None]) -> None:
        self._meta = meta  # the store's own, as it is now
        self._put = put
        self._opened_here = False

    def answer(self, trial: int) -> dict[str, Any] | None:
        """What the test set said of a trial, as it was recorded; None if it has not been read to the end.

        Raises `TestAlreadyRead` if it was read for another trial.
        """
        found: dict[str, Any] | None = self._meta.get("test_answer")
        if found is not None and self._meta["test"] != trial:
            raise self._already()
        return found

    def open(self, trial: int, images: str) -> None:
        """Record that the test set is read for a trial; `images` is a hash of what it shows. Raises `TestAlreadyRead`.

        To be called before the first image is read.
        """
        before, known = self._meta["test"], self._meta.get("test_images")
        if before is not None:
            answered = self._meta.get("test_answer") is not None
            if answered or self._opened_here or self._meta["status"] == "finished" or before != trial:
                raise self._already()
            if known and images != known:
                raise TestAlreadyRead(
                    f"The test set was read for trial {before}, and it was another one: the test images have changed "
                    "since. Put them back, or start a new run."
                )
        self._put(test=trial, test_images=images)
        self._opened_here = True

    def _already(self) -> TestAlreadyRead:
        return TestAlreadyRead(
            f"The test set was read for trial {self._meta['test']}; this run will not read it again."
        )

    def record(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the answer, durably, and give it back as a resume will read it: nobody reads the test set again."""
        self._put(test_answer=dict(answer))
        kept: dict[str, Any] = self._meta["test_answer"]
        return kept


def readers_of_test(reports: Path, images: str) -> list[Path]:
    """The folders of the runs under `reports`, of all names, that read this very test set; unreadable runs are no help.

    Args:
        reports: folder of folders of runs.
        images: the hash that was given to `Sealed.open`; none for an empty one.
    """
    found = []
    for folder in sorted(reports.glob("*/*")) if images else ():
        if is_number(folder.name) and (folder / DATABASE).is_file():
            try:
                with reading(folder) as connection:
                    meta = get_meta(connection)
            except (StoreError, ValueError):
                continue
            if meta.get("test") is not None and meta.get("test_images") == images:
                found.append(folder)
    return found
