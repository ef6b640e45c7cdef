"""Curves from a Keras Tuner project: those of its best trial whose epochs were reported, the others beside it.

`oracle.json` and `trial_*/trial.json`. A trial keeps each value with its step; `Tuner.search` on its own reports the
best epoch alone, of which no curve can be made: then TensorBoard's logs of the search are the place to look.

Source: keras-tuner 1.4.8, `engine/trial.py` and `engine/metrics_tracking.py`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.symptoms.readers.cells import of_json
from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, ReadError, Reading, noted
from tuner.symptoms.readers.series import table_of
from tuner.symptoms.readers.tensorboard import event_files, read_events

ORACLE, TRIAL, TRIALS = "oracle.json", "trial.json", "trial_*/trial.json"
LEAST_POINTS = 2
REMEDY = (
    "Keras Tuner keeps the best epoch of a trial only. Give search() the callback keras.callbacks.TensorBoard(FOLDER) "
    "or CSVLogger, and diagnose what it writes"
)


def is_project(folder: Path) -> bool:
    """Whether it is the folder of a Keras Tuner project, or of one of its trials."""
    return (folder / ORACLE).is_file() or (folder / TRIAL).is_file()


def read_project(folder: Path, choice: Choice) -> Reading:
    """The best trial with curves. Raises `ReadError` that says how many trials there are and why none will do."""
    files = [folder / TRIAL] if (folder / TRIAL).is_file() else sorted(folder.glob(TRIALS))
    if not files:
        raise ReadError(f"{folder}: a Keras Tuner project without trials yet; wanted {TRIALS}.")
    states = {path: _state(path) for path in files}
    readings = [
        (_worth(state), reading)
        for path, state in states.items()
        if (reading := _reading(path, state, choice)) is not None
    ]
    if not readings and (files_of_logs := event_files(folder)):  # TensorBoard's callback was given this folder
        return read_events(folder, choice, files_of_logs)
    if not readings:
        count = f"{len(files)} trial{'' if len(files) == 1 else 's'}"
        raise ReadError(f"{folder}: {count} without a value for each epoch. {REMEDY}.")
    ordered = [reading for _, reading in sorted(readings, key=lambda pair: pair[0])]
    best, rest = ordered[0], tuple(ordered[1:])
    said = [f"the best of {len(files)} trials by its score"] if len(files) > 1 else []
    if len(ordered) < len(files):
        said.append(f"{len(files) - len(ordered)} trials without a value for each epoch")
    return replace(noted(best, *said), others=rest)


def _state(path: Path) -> Mapping[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: not JSON ({error}); the trial's file was cut off. Remove its folder.") from None
    if not isinstance(state, Mapping):
        raise ReadError(f"{path}: found a {type(state).__name__}; wanted a trial as Keras Tuner writes it.")
    return state


def _reading(path: Path, state: Mapping[str, Any], choice: Choice) -> Reading | None:
    histories = _dict(_dict(state.get("metrics")).get("metrics"))
    series = {str(name): _points(history) for name, history in histories.items()}
    series = {name: points for name, points in series.items() if len(points) >= LEAST_POINTS}
    if not series:
        return None
    table, said = table_of(series)
    reading = noted(reading_of(table, str(path.parent), choice), *said)
    values = _dict(_dict(state.get("hyperparameters")).get("values"))
    rate = next((values[name] for name in ("learning_rate", "lr") if isinstance(values.get(name), float)), None)
    epochs = values.get("tuner/epochs")  # what Hyperband gave the trial
    planned = epochs if isinstance(epochs, int) and epochs > 0 else None
    return replace(reading, context=replace(reading.context, learning_rate=rate, epochs_planned=planned))


def _points(history: Any) -> list[tuple[float, float]]:
    """(step, mean over the executions) of one metric."""
    found: dict[float, float] = {}
    observations = _dict(history).get("observations")
    for observation in observations if isinstance(observations, list) else ():
        values, step = _dict(observation).get("value"), of_json(_dict(observation).get("step"))
        read = [of_json(value) for value in (values if isinstance(values, list) else [values])]
        numbers = [number for number in read if number is not None]
        if numbers:
            found[len(found) if step is None else step] = sum(numbers) / len(numbers)
    return sorted(found.items())


def _worth(state: Mapping[str, Any]) -> tuple[bool, float]:
    """For sorting, the best first: the score, whichever way the objective points; trials without one last."""
    score = state.get("score")
    if not isinstance(score, int | float) or math.isnan(score):
        return True, 0.0
    return False, -score if _maximized(state, float(score)) else score


def _maximized(state: Mapping[str, Any], score: float) -> bool:
    """The direction of the metric whose best value the score is; the oracle's file does not name its objective."""
    for history in _dict(_dict(state.get("metrics")).get("metrics")).values():
        if any(math.isclose(value, score, rel_tol=1e-9) for _, value in _points(history)):
            return bool(_dict(history).get("direction") == "max")
    return False


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
