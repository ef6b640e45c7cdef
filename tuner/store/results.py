"""What does a training engine hand to the store, and when are two trials the same?"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.records import LearningCurves, Trial, TrialSpec, TrialState, trial_from_json
from tuner.store.files import sync_folder
from tuner.store.schema import encoded
from tuner.store.weights import WEIGHTS, Kept, keep_weights


@dataclass(frozen=True)
class Result:
    """How one trial went, before it has a number."""

    spec: TrialSpec
    state: TrialState
    curves: LearningCurves
    seconds: float
    engine: str
    reason: str = ""
    best_epoch: int | None = None
    weights: Callable[[Path], None] | None = None  # writes the weights to keep to exactly the path it is given

    def numbered(self, number: int, weights: str | None) -> Trial:
        """This result as trial `number`, with its weights in the file `weights` of the run's folder."""
        return Trial(
            number=number,
            spec=self.spec,
            state=self.state,
            curves=self.curves,
            seconds=self.seconds,
            engine=self.engine,
            reason=self.reason,
            best_epoch=self.best_epoch,
            weights=weights,
        )


@dataclass(frozen=True)
class Recorded:
    """A trial as it stands in the database."""

    key: str
    trial: Trial
    text: str  # the trial in JSON
    kept: Kept | None

    @property
    def row(self) -> tuple[int, str, str, int | None, str | None]:
        """Its row of the table `trials`."""
        size, digest = (self.kept.size, self.kept.sha256) if self.kept else (None, None)
        return self.trial.number, self.key, self.text, size, digest


def recorded_from_row(row: tuple[int, str, str, int | None, str | None]) -> Recorded:
    """The inverse of `Recorded.row`."""
    _, key, text, size, digest = row
    trial = trial_from_json(json.loads(text))
    kept = Kept(trial.weights, size, digest) if trial.weights and size is not None and digest else None
    return Recorded(key, trial, text, kept)


def record(folder: Path, first: int, results: Mapping[str, Result]) -> list[Recorded]:
    """Number these results from `first` on and put their weights on the disk; their rows are still to be committed.

    The trials come back as a resume would read them: what the disk does not hold, the live run does not see either.
    """
    recorded = []
    for number, (key, result) in enumerate(results.items(), start=first):
        kept = keep_weights(folder, number, result.weights) if result.weights else None
        text = encoded(result.numbered(number, kept.name if kept else None))
        recorded.append(Recorded(key, trial_from_json(json.loads(text)), text, kept))
    if any(one.kept for one in recorded):
        sync_folder(folder / WEIGHTS)
    return recorded


def key_of(spec: TrialSpec) -> str:
    """The name of a spec: SHA-256 of its canonical JSON. Equal specs have equal keys, 1 and 1.0 included."""
    canonical = _canonical(json.loads(encoded(spec)))
    text = json.dumps(canonical, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
