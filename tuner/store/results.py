"""What does a training engine hand to the store, and what comes of it?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.records import LearningCurves, Trial, TrialSpec, TrialState
from tuner.store.files import sync_folder
from tuner.store.rows import Recorded, recorded
from tuner.store.weights import WEIGHTS, Kept, keep_weights
from tuner.threads import in_threads

FILES_AT_ONCE = 8  # weights written side by side; a write waits for the disk some milliseconds


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
    numbers = range(first, first + len(results))
    kept = _keep(folder, dict(zip(numbers, results.values(), strict=True)))
    done = []
    for number, (key, result) in zip(numbers, results.items(), strict=True):
        own = kept.get(number)
        done.append(recorded(key, result.numbered(number, own.name if own else None), own))
    if any(one.kept for one in done):
        sync_folder(folder / WEIGHTS)
    return done


def _keep(folder: Path, results: Mapping[int, Result]) -> dict[int, Kept]:
    """Put the weights of these results, by number, on the disk; several at once, since most of it is waiting for it."""
    writers = {number: result.weights for number, result in results.items() if result.weights is not None}
    if not writers:
        return {}
    kept = in_threads(lambda one: keep_weights(folder, *one), writers.items(), FILES_AT_ONCE, name="weights")
    return dict(zip(writers, kept, strict=True))
