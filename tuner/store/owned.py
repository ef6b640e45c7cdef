"""How does a process come to own a run, new or old, and give it up?"""

import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tuner.store.database import Database, why
from tuner.store.errors import WriteFailed
from tuner.store.files import sync_folder
from tuner.store.folders import claim, write_recipe
from tuner.store.owner import acquire, release
from tuner.store.schema import DATABASE, check_is_run, create_database, first_meta, open_for_writing
from tuner.store.weights import WEIGHTS


class Owned:
    """A run's folder that this process alone may write to, and its open database."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: int) -> None:
        self.folder = folder
        self.database = Database(folder / DATABASE, connection)
        self._lock: int | None = lock

    def close(self) -> None:
        """Give the run up; a second call does nothing."""
        if self._lock is not None:
            self.database.close()
            release(self._lock)
            self._lock = None


def begin(
    reports_dir: Path, name: str, recipe: Mapping[str, Any], recipe_text: str, environment: Mapping[str, Any]
) -> Owned:
    """A new run with nothing in it but its recipe. Raises `WriteFailed`, and `StoreError` if `name` names no folder."""
    folder = reports_dir / name
    try:
        with ExitStack() as undo:
            folder, number = claim(reports_dir, name)
            lock = acquire(folder)
            undo.callback(release, lock)
            (folder / WEIGHTS).mkdir()
            write_recipe(folder, recipe, recipe_text)
            meta = first_meta(name, number, recipe, recipe_text, environment)
            connection = create_database(folder / DATABASE, meta)
            undo.callback(connection.close)
            sync_folder(folder)
            undo.pop_all()
    except (OSError, sqlite3.Error) as error:
        raise WriteFailed(folder, why(error)) from error
    return Owned(folder, connection, lock)


def reopen(folder: Path) -> Owned:
    """A run that another process began. Raises `RunBusy` if one still owns it, `StoreError` if it cannot be read."""
    folder = folder.absolute()
    check_is_run(folder)
    with ExitStack() as undo:
        lock = acquire(folder)
        undo.callback(release, lock)
        connection = open_for_writing(folder / DATABASE)
        undo.pop_all()
    return Owned(folder, connection, lock)
