"""What does a panel see of a run? The run, its artifacts, and a few questions that several panels ask."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

from tuner.records import Finding, LearningCurves, Run, Trial
from tuner.report import read

STEP_ORDER = (
    "initial_loss", "overfit_small_sample", "learning_rate", "short_runs", "learning_curves", "change", "repeat",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """A run and its artifacts, read only."""

    run: Run
    artifact: Callable[[str], bytes | None]

    @cached_property
    def trials(self) -> dict[int, Trial]:
        """The trials by number."""
        return {trial.number: trial for trial in self.run.trials}

    @cached_property
    def evaluated(self) -> tuple[Trial, ...]:
        """The trials whose validation accuracy is known: highest first, then lowest loss, then the earliest.

        Those on folds are left out: each was validated on other images.
        """
        known = [trial for trial in self.run.trials if math.isfinite(trial.val_accuracy) and trial.spec.fold is None]
        return tuple(sorted(known, key=lambda t: (-t.val_accuracy, read.or_last(t.val_loss), t.number)))

    def json(self, name: str) -> Any:
        """The JSON value of an artifact; None if it is absent or broken."""
        return read.parsed(self.artifact(name))

    def findings(self, step: str) -> tuple[Finding, ...]:
        """All findings of a step, in order of the rounds."""
        return tuple(finding for finding in self.run.findings if finding.step == step)

    def way(self, trial: Trial) -> list[Trial]:
        """The trial and those that it continues, the oldest first."""
        found = [trial]
        while found[0].spec.continued and found[0].spec.parent is not None:
            before = self.trials.get(found[0].spec.parent)
            if before is None or before in found:
                break
            found.insert(0, before)
        return found

    def whole(self, trial: Trial) -> Trial:
        """The trial with its curves, and its best epoch, counted from the first epoch of those that it continues."""
        *before, own = (one.curves for one in self.way(trial))
        best = trial.best_epoch
        shifted = None if best is None else best + sum(one.epochs for one in before)
        return replace(trial, curves=reduce(LearningCurves.joined, (*before, own)), best_epoch=shifted)

    def trial(self, data: Any, key: str) -> Trial | None:
        """The trial whose number stands at `key` of some evidence; None if there is no such trial."""
        number = read.whole(data, key)
        return None if number is None else self.trials.get(number)
