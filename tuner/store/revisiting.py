"""How is something added to the report of a run that has ended? Owned again, but neither resumed nor changed."""

from contextlib import ExitStack
from pathlib import Path

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.store.owned import reopen
from tuner.store.schema import explained
from tuner.store.writer import Store


def revisit(folder: Path, progress: Progress, stop: StopFlag) -> Store:
    """The run at `folder`, to look at its weights and to put artifacts; a context manager that closes itself.

    Its status, trials and findings stay. Raises `RunBusy` if a process still owns it, `StoreError` if it cannot be
    read.
    """
    owned = reopen(folder)
    with ExitStack() as undo:
        undo.callback(owned.close)
        with explained(owned.database.path):
            store = Store(owned, progress, stop)
        undo.pop_all()
    return store
