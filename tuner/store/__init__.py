"""What does a run remember, and who may write it? One SQLite file a run: `run.db`, in `reports/<name>/<0001>/`.

`Store` is the one writer of a run, the functions are its readers. Read `writer.py` for what is promised, `schema.py`
for what is in the file.
"""

from tuner.store.errors import (
    RecipeChanged,
    RunBusy,
    RunFinished,
    StoreError,
    TestAlreadyRead,
    WriteFailed,
)
from tuner.store.files import replace_file, replace_text
from tuner.store.reader import RunSummary, artifact_names, list_runs, read_artifact, read_run, summarize
from tuner.store.results import Result
from tuner.store.revisiting import revisit
from tuner.store.rows import key_of
from tuner.store.sealed import readers_of_test
from tuner.store.table import export_csv, write_table
from tuner.store.writer import Store

__all__ = [
    "RecipeChanged",
    "Result",
    "RunBusy",
    "RunFinished",
    "RunSummary",
    "Store",
    "StoreError",
    "TestAlreadyRead",
    "WriteFailed",
    "artifact_names",
    "export_csv",
    "key_of",
    "list_runs",
    "read_artifact",
    "read_run",
    "readers_of_test",
    "replace_file",
    "replace_text",
    "revisit",
    "summarize",
    "write_table",
]
