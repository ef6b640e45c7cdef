"""What is recorded of a trial that has run? The same, whichever engine served it."""

from tuner.records import TrialSpec, TrialState
from tuner.store import Result
from tuner.training import checkpoints
from tuner.training.checkpoints import Checkpoint
from tuner.training.curves import Log


def result_of(spec: TrialSpec, engine: str, log: Log, checkpoint: Checkpoint | None, seconds: float) -> Result:
    """The record of a trial with this log; `checkpoint` is what it keeps, None for nothing."""
    return Result(
        spec,
        state=TrialState.DIVERGED if log.reason else TrialState.COMPLETED,
        curves=log.curves(),
        seconds=seconds,
        engine=engine,
        reason=log.reason,
        best_epoch=log.best_epoch,
        weights=None if checkpoint is None else checkpoints.writer(checkpoint),
    )
