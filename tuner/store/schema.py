"""How is a run laid out in its one SQLite file, and how is the file opened?

The writer uses a rollback journal that is truncated (`journal_mode=TRUNCATE`) and full syncs: of the designs that
were replayed crash by crash, this one had no bad state and was the fastest (about 1 ms a commit). Readers open the
file read-only, hold their lock for one short read, and repair a torn commit in a private copy, never in the run.

Source: https://www.sqlite.org/atomiccommit.html, https://www.sqlite.org/lockingv3.html.
"""

import json
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuner.records import to_json
from tuner.store.errors import StoreError

DATABASE = "run.db"
SCHEMA = 2  # kept in PRAGMA user_version; a file with a larger number was written by a newer tuner
PACKED_SINCE = 2  # the schema from which the curves of every batch have columns of their own; before, all was JSON
APPLICATION_ID = 0x74756E65  # "tune": tells a run from any other SQLite file
PAGE = 8192  # bytes of a new file's pages; a round of 256 trials is written in 5.9 ms, with SQLite's own 4096 in 7.6
WRITER_PATIENCE = 60.0  # seconds a commit waits for a viewer to finish reading
READER_PATIENCE = 10.0  # seconds a viewer waits for a commit to end

TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",  # value: JSON
    "CREATE TABLE trials (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, json TEXT NOT NULL,"
    " weights_size INTEGER, weights_sha256 TEXT, step_loss BLOB, step_learning_rate BLOB)",
    "CREATE TABLE findings (ordinal INTEGER PRIMARY KEY, step TEXT NOT NULL, round INTEGER NOT NULL,"
    " stage TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (step, round, stage))",
    "CREATE TABLE artifacts (name TEXT PRIMARY KEY, media_type TEXT NOT NULL, blob BLOB NOT NULL)",
)

FINDINGS = "SELECT json FROM findings ORDER BY ordinal"
TRIALS = "SELECT number, key, json, weights_size, weights_sha256, {} FROM trials ORDER BY number"
INSERT_TRIAL = "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?)"
REPLACE_TRIAL = "INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?)"
UPGRADES = (  # from schema 1; what is there stays as it was written, in JSON
    "ALTER TABLE trials ADD COLUMN step_loss BLOB",
    "ALTER TABLE trials ADD COLUMN step_learning_rate BLOB",
)

TrialRow = tuple[int, str, str, int | None, str | None, bytes | None, bytes | None]
"""Number, key, JSON, size and SHA-256 of the kept weights, packed step losses and rates (see `packing.py`)."""


def encoded(value: Any) -> str:
    """Any record as strict JSON in ASCII, so that no NaN and no lone surrogate of a file name reaches the disk."""
    return json.dumps(to_json(value), allow_nan=False, separators=(",", ":"), default=plain)


def plain(value: Any) -> Any:
    """What JSON does not know, in its JSON form. Raises `TypeError` if it has none."""
    simple = to_json(value)
    if simple is value:
        raise TypeError(f"a record holds JSON data only; got {value!r}, of type {type(value).__name__}")
    return simple


def first_meta(
    name: str, number: int, recipe: Mapping[str, Any], recipe_text: str, environment: Mapping[str, Any]
) -> dict[str, Any]:
    """What `meta` holds when a run begins; no other keys are ever added (an older run lacks the last two)."""
    return {
        "name": name,
        "number": number,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": "running",  # running | finished | interrupted | failed
        "recipe": recipe,
        "recipe_text": recipe_text,
        "environment": environment,
        "conclusion": {},
        "seconds": 0.0,  # active time, summed over resumes
        "best_val_accuracy": math.nan,  # of all trials, so that a list of runs need not read them
        "test": None,  # number of the trial for which the test set was read, or was about to be
        "test_images": "",  # a hash of what the test set shows
        "test_answer": None,  # what it said
    }


def create_database(path: Path, meta: Mapping[str, Any]) -> sqlite3.Connection:
    """A new database with its tables and first `meta`, all in one commit; the writer's connection to it."""
    connection = _configured(path, "rwc", PAGE)
    connection.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        connection.execute(statement)
    put_meta(connection, meta)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")
    return connection


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The writer's connection to an existing run; a commit that a crash tore is rolled back here, by SQLite.

    Raises `StoreError` if the file is no run, damaged, or newer than this program.
    """
    with explained(path):
        connection = _configured(path, "rw")
        try:
            _check_schema(connection, path)
            (health,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if health != "ok":
                raise StoreError(f"{path} is damaged: {health}.")
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A read-only view of the run in `folder`, at one instant. Fetch what you need and leave: a commit waits for you.

    Raises `StoreError` with one clear sentence if there is no run, or none that can be read.
    """
    check_is_run(folder)
    path = folder / DATABASE
    with explained(path), _snapshot(path) as connection:
        yield connection


def check_is_run(folder: Path) -> None:
    """Raise `StoreError` if `folder` does not even look like a run's."""
    if not folder.exists():
        raise StoreError(f"There is no run at {folder}: no such folder.")
    if not folder.is_dir():
        raise StoreError(f"{folder} is a file; a run is a folder with a {DATABASE} in it.")
    if not (folder / DATABASE).is_file():
        raise StoreError(f"{folder} is not a run: it has no {DATABASE}.")


def get_trials(connection: sqlite3.Connection) -> list[TrialRow]:
    """The rows of all trials, by number, of a run of this schema or of an older one."""
    packed = "step_loss, step_learning_rate" if _version(connection) >= PACKED_SINCE else "NULL, NULL"
    return connection.execute(TRIALS.format(packed)).fetchall()


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring an older run to this schema, inside the caller's transaction; no trial's row is rewritten."""
    if _version(connection) < PACKED_SINCE:
        for statement in UPGRADES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def get_meta(connection: sqlite3.Connection) -> dict[str, Any]:
    """All of `meta`, decoded."""
    return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM meta")}


def put_meta(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    """Set these keys of `meta`, inside the caller's transaction."""
    rows = [(key, encoded(value)) for key, value in values.items()]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)


def _configured(path: Path, mode: str, page: int | None = None) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=WRITER_PATIENCE, isolation_level=None)
    try:
        if page is not None:
            connection.execute(f"PRAGMA page_size = {page}")
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves the data in the drive's cache
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside a read transaction; over a repaired copy if a killed writer left a commit half done."""
    try:
        connection = _begin_reading(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY):
            raise
        with _repaired_copy(path) as connection:
            yield connection
        return
    with closing(connection):
        yield connection


def _begin_reading(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=READER_PATIENCE, isolation_level=None)
    try:
        connection.execute("BEGIN")
        _check_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _repaired_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """The run as of its last whole commit, rolled back in a temporary folder: a viewer leaves the run alone."""
    journal = path.with_name(path.name + "-journal")
    with tempfile.TemporaryDirectory(prefix="tuner-") as private:
        copy = Path(private) / path.name
        while True:  # until no resume stepped in between the two copies
            before = journal.read_bytes()
            shutil.copyfile(path, copy)
            if journal.read_bytes() == before:
                break
        copy.with_name(journal.name).write_bytes(before)
        os.chmod(copy, 0o600)
        with closing(_begin_reading(copy, "rw")) as connection:
            yield connection


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0:
        raise StoreError(f"{path.parent} holds nothing: the run was stopped before it began. Start a new one.")
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file, but not a run of tuner.")
    if version > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer tuner: schema {version}, this one knows up to {SCHEMA}. Upgrade tuner."
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors, and JSON that does not parse, as a `StoreError` that names the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(f"Cannot read {path}: {error}.") from error
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}.") from error
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.") from error
