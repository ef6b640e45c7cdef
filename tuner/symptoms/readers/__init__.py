"""Where do curves come from? A table, a Keras history, TensorBoard's or MLflow's folders, Keras Tuner, a run of ours.

Each reader gives the same `Reading`, so the same curves give the same findings whichever way they came. To add one:
a file here and a line in `FILES` or `FOLDERS`.
"""

from collections.abc import Callable
from pathlib import Path

from tuner.symptoms.readers.folders import FOLDERS, read_folder
from tuner.symptoms.readers.history import read_data, read_history
from tuner.symptoms.readers.printed import is_printed, read_printed
from tuner.symptoms.readers.reading import Choice, ReadError, Reading
from tuner.symptoms.readers.runs import of_trial, with_curves
from tuner.symptoms.readers.tables import read_table

__all__ = ["FILES", "FOLDERS", "Choice", "ReadError", "Reading", "of_trial", "read", "read_data", "with_curves"]

FILES: dict[str, Callable[[Path, str, Choice], Reading]] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".json": read_history,
    ".jsonl": read_history,
    ".ndjson": read_history,
}
KINDS = (
    "a CSV file with a header, a Keras history as JSON, a TensorBoard event file, or the folder of TensorBoard logs, "
    "of a Keras Tuner project, of an MLflow run or of a run of ours (with run.db)"
)
LARGEST = 64 * 2**20  # bytes; a longer text is no history of epochs
EVENTS = "tfevents"  # in the name of every event file of TensorBoard
PICKLES = (".pkl", ".pickle", ".npy", ".npz", ".joblib", ".dill")


def read(path: Path, choice: Choice | None = None) -> Reading:
    """The learning curves at `path`. Raises `ReadError` that says what was found and what is wanted."""
    choice = choice or Choice()
    if path.is_dir():
        return read_folder(path, choice, KINDS)
    if not path.exists():
        raise ReadError(f"{path}: no such file; wanted {KINDS}.")
    if EVENTS in path.name:
        from tuner.symptoms.readers.tensorboard import read_events  # a table needs none of it

        return read_events(path, choice)
    text = _text(path)
    suffix = path.suffix.lower()
    if suffix in FILES:
        return FILES[suffix](path, text, choice)
    if text.lstrip()[:1] in ("{", "["):
        return read_history(path, text, choice)
    return read_printed(path, text, choice) if is_printed(text) else read_table(path, text, choice)


def _text(path: Path) -> str:
    if path.suffix.lower() in PICKLES:
        raise ReadError(
            f"{path}: opening a pickle runs whatever is in it, so it is not opened. Save the history as JSON: "
            "json.dump(history.history, file)."
        )
    size = path.stat().st_size
    if size > LARGEST:
        raise ReadError(f"{path}: {size / 2**20:.0f} MiB is no history of epochs; wanted {KINDS}.")
    data = path.read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError(f"{path}: not a text file; wanted {KINDS}.") from None
    if "\0" in text:
        raise ReadError(f"{path}: not a text file (a zero byte at {text.index(chr(0))}); wanted {KINDS}.")
    return text
