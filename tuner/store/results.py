"""What does a training engine hand to the store, and what comes of it?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.records import LearningCurves, Trial, TrialSpec, TrialState
from tuner.store.files import sync_folder
from tuner.store.rows import Recorded, recorded
from tuner.store.weights import WEIGHTS, keep_weights


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


def record(folder: Path, first: int, results: Mapping[str, Result]) -> list[Recorded]:
    """Number these results, by key, from `first` on and put their weights on the disk; their rows are not there yet."""
    done = []
    for number, (key, result) in enumerate(results.items(), start=first):
        kept = keep_weights(folder, number, result.weights) if result.weights else None
        done.append(recorded(key, result.numbered(number, kept.name if kept else None), kept))
    if any(one.kept for one in done):
        sync_folder(folder / WEIGHTS)
    return done
