"""Curves from TensorBoard logs: an event file, the folder of a run, or a folder of runs, of which the newest is read.

`keras.callbacks.TensorBoard` writes a folder `train` and a folder `validation` with the tags `epoch_loss`,
`epoch_accuracy`, `epoch_learning_rate`; others write `loss/train` and `loss/val` into one file. Either way the name of
a curve is the split of its folder and its tag.
"""

from collections.abc import Iterable
from pathlib import Path

from tuner.symptoms.readers import names
from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, ReadError, Reading, noted
from tuner.symptoms.readers.series import continued, table_of
from tuner.symptoms.readers.wire import DamagedError, scalars, started

MARK = "tfevents"  # in the name of every event file
MOST_FILES = 10_000  # event files under one folder; more is no log folder but a disk


def event_files(folder: Path) -> list[Path]:
    """The event files under a folder. Raises `ReadError` if they are too many to be one."""
    found = []
    for path in folder.rglob(f"*{MARK}*"):
        if path.is_file():
            found.append(path)
        if len(found) > MOST_FILES:
            raise ReadError(f"{folder}: more than {MOST_FILES:,} event files; wanted the folder of one run.")
    return sorted(found)


def read_events(path: Path, choice: Choice, files: Iterable[Path] = ()) -> Reading:
    """The curves of an event file, or of the newest run among `files` under a folder. Raises `ReadError`."""
    runs: dict[Path, list[Path]] = {}
    for file in files or (path,):
        inside = names.split_in(file.parent.name)
        runs.setdefault(file.parent.parent if inside else file.parent, []).append(file)
    newest_first = sorted(runs, key=lambda run: max(map(_started, runs[run])), reverse=True)
    refused: ReadError | None = None
    for run in newest_first:
        source = str(path if path.is_file() else run if run.is_relative_to(path) else path)
        try:
            reading = _read_run(runs[run], source, choice)
        except ReadError as error:
            refused = refused or error
            continue
        others = len(runs) - 1
        return noted(reading, f"the newest of {others + 1} runs under {path}") if others else reading
    raise refused or ReadError(f"{path}: no TensorBoard event files.")


def _started(file: Path) -> float:
    try:
        return started(file)
    except DamagedError:
        return float("-inf")


def _read_run(files: list[Path], source: str, choice: Choice) -> Reading:
    series: dict[str, list[tuple[float, float]]] = {}
    damage: list[str] = []
    for file in sorted(files, key=lambda one: (_started(one), one.name)):
        split = names.split_in(file.parent.name)
        try:
            for scalar in scalars(file):
                series.setdefault(_name(split, scalar.tag), []).append((scalar.step, scalar.value))
        except DamagedError as error:
            damage.append(str(error))
    if not series and damage:
        raise ReadError(f"{damage[0]}; wanted an event file as TensorBoard writes it. Copy it again.")
    if not series:
        raise ReadError(f"{source}: event files without scalars yet; wanted tags such as epoch_loss or loss/train.")
    whole = {name: continued(points) for name, points in _of_epochs(series).items()}
    table, said = table_of(whole)
    again = sum(len(series[name]) - len(whole[name]) for name in whole)
    restarted = (f"{again} values from before a restart in the same folder were left out",) if again else ()
    return noted(
        reading_of(table, source, choice), *said, *restarted, *(f"{error}; read up to there" for error in damage)
    )


def _of_epochs(series: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    """Without Keras's `batch_loss` beside `epoch_loss`: it is the mean since the epoch began, not of one batch."""
    if not any("epoch_" in name for name in series):
        return series
    return {name: points for name, points in series.items() if "batch_" not in name}


def _name(split: str | None, tag: str) -> str:
    """`train/epoch_loss`; a tag that tells its split itself stays as it is."""
    return tag if split is None or names.split_in(tag) else f"{split}/{tag}"
