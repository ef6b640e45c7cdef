"""What does a training engine hand to the store, and when are two trials the same?"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.records import LearningCurves, Trial, TrialSpec, TrialState, to_json


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


def key_of(spec: TrialSpec) -> str:
    """The name of a spec: SHA-256 of its canonical JSON. Equal specs have equal keys, 1 and 1.0 included."""
    canonical = _canonical(to_json(to_json(spec)))
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
