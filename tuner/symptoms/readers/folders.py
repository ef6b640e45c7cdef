"""What kind of folder is it? A run of ours, of Keras Tuner or of MLflow, or TensorBoard logs; asked in this order."""

from collections.abc import Callable
from pathlib import Path

from tuner.symptoms.readers.reading import Choice, ReadError, Reading
from tuner.symptoms.readers.runs import DATABASE, read_run_folder

SHOWN = 8  # names in a message


def read_folder(folder: Path, choice: Choice, kinds: str) -> Reading:
    """The learning curves in a folder. Raises `ReadError` that lists what lies in it where no reader knows it."""
    for known in FOLDERS:
        reading = known(folder, choice)
        if reading is not None:
            return reading
    inside = ", ".join(sorted(item.name for item in folder.iterdir())[:SHOWN]) or "nothing"
    raise ReadError(f"{folder}: a folder with {inside}; wanted {kinds}.")


def _run_of_ours(folder: Path, choice: Choice) -> Reading | None:
    return read_run_folder(folder) if (folder / DATABASE).exists() else None


def _keras_tuner(folder: Path, choice: Choice) -> Reading | None:
    from tuner.symptoms.readers.keras_tuner import is_project, read_project

    return read_project(folder, choice) if is_project(folder) else None


def _mlflow(folder: Path, choice: Choice) -> Reading | None:
    from tuner.symptoms.readers.mlflow import mlflow_runs, read_mlflow

    runs = mlflow_runs(folder)
    return read_mlflow(folder, runs, choice) if runs else None


def _tensorboard(folder: Path, choice: Choice) -> Reading | None:
    from tuner.symptoms.readers.tensorboard import event_files, read_events

    files = event_files(folder)
    return read_events(folder, choice, files) if files else None


FOLDERS: tuple[Callable[[Path, Choice], Reading | None], ...] = (_run_of_ours, _keras_tuner, _mlflow, _tensorboard)
