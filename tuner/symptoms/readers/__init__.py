"""Where do curves come from? A run folder, a `CSVLogger` file, a Keras history as JSON, a list of epochs.

Each reader gives the same `Reading`, so the same curves give the same findings whichever way they came. To add one:
a file here and a line in `READERS`.
"""

from collections.abc import Callable
from pathlib import Path

from tuner.symptoms.readers.history import read_data, read_history
from tuner.symptoms.readers.reading import Choice, ReadError, Reading
from tuner.symptoms.readers.runs import DATABASE, of_trial, read_run_folder, with_curves
from tuner.symptoms.readers.tables import read_table

__all__ = ["READERS", "Choice", "ReadError", "Reading", "of_trial", "read", "read_data", "with_curves"]

READERS: dict[str, Callable[[Path, str, Choice], Reading]] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".txt": read_table,
    ".log": read_table,
    ".json": read_history,
    ".jsonl": read_history,
}
LARGEST = 64 * 2**20  # bytes; a longer file is no history of epochs


def read(path: Path, choice: Choice | None = None) -> Reading:
    """The learning curves at `path`. Raises `ReadError` that says what was found and what is wanted."""
    choice = choice or Choice()
    kinds = f"a run folder (with {DATABASE}), a CSV file with a header, or a Keras history as JSON"
    if path.is_dir():
        if (path / DATABASE).exists():
            return read_run_folder(path)
        inside = ", ".join(sorted(item.name for item in path.iterdir())[:8]) or "nothing"
        raise ReadError(f"{path}: a folder with {inside}; wanted {kinds}.")
    if not path.exists():
        raise ReadError(f"{path}: no such file; wanted {kinds}.")
    if path.stat().st_size > LARGEST:
        raise ReadError(f"{path}: {path.stat().st_size / 2**20:.0f} MiB is no history of epochs; wanted {kinds}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError(f"{path}: not a text file; wanted {kinds}.") from None
    reader = READERS.get(path.suffix.lower()) or (read_history if text.lstrip()[:1] in ("{", "[") else read_table)
    return reader(path, text, choice)
