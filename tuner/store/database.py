"""When is a record safe, and what happens to the rest once the disk has failed?

`commit` is the only way to write a row. It ends with everything on the disk or with `WriteFailed` and nothing written;
after the first failure every later write fails too, because a disk that has lied once is not asked again.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tuner.store.errors import WriteFailed


class Database:
    """The writer's side of `run.db`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._failure: WriteFailed | None = None

    def check(self) -> None:
        """Raise again what failed before."""
        if self._failure is not None:
            raise WriteFailed(self._failure.path, "an earlier write failed") from self._failure

    @contextmanager
    def commit(self) -> Iterator[sqlite3.Connection]:
        """One transaction: the block's statements are durable together when it ends."""
        self.check()
        with self.writing(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a disk error may have rolled back already; else the next open does
                    self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Turn the disk's refusal to write at `path` into `WriteFailed`, and remember it."""
        self.check()
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self._failure = WriteFailed(path, why(error))
            raise self._failure from error

    def close(self) -> None:
        """Close the file. What was not committed is not there."""
        with suppress(sqlite3.Error):  # nothing is lost: a torn commit is rolled back at the next open
            self.connection.close()


def why(error: Exception) -> str:
    """The reason of a failed write, in the words of the system."""
    full = isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
    if full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return "the disk is full"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
