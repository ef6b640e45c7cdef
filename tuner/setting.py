"""What is the current setting, and why? The recipe's start with every applied change, in order.

Steps never write to each other. Whatever a run has decided so far is derived here from its findings, so the report
can answer "why is the learning rate 3e-3?" for every number, and a resumed run stands where the stopped one stood.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.hyperparameters import PATHS, Hyperparameters, frozen, thawed
from tuner.records import Change, Finding, Verdict

STAGE = "transfer.stage"  # path of the change that moves on to another transfer stage; its value is the stage's name
BACKBONE = "model.backbone"  # path of the change that ends a ranking; no point of the search space, the recipe holds it
SPACE = "search.space."  # prefix of the changes that narrow, shift or widen one axis of the search space

APPLYING_STEPS = frozenset({"initial_loss", "overfit_small_sample", "learning_rate", "short_runs", "change", "repeat"})
"""Steps whose changes take effect. What step 5 proposes is tried by step 6, and applied by it if it wins."""


@dataclass(frozen=True)
class Setting:
    """Where a run stands: the hyperparameters, the transfer stage's name, and axes of the search space that changed."""

    hyperparameters: Hyperparameters
    stage: str
    space: Mapping[str, Mapping[str, Any]]


def current(start: Hyperparameters, first_stage: str, findings: Iterable[Finding]) -> Setting:
    """The start with all applied changes of `findings`, in order."""
    point, stage = start, first_stage
    space: dict[str, Mapping[str, Any]] = {}
    for finding in findings:
        for change in finding.applied:
            if change.path == STAGE:
                stage = str(change.value)
                space.clear()
            elif change.path == BACKBONE:
                continue
            elif change.path.startswith(SPACE):
                space[change.path.removeprefix(SPACE)] = dict(change.value)
            else:
                point = point.replace(change.path, change.value)
    return Setting(point, stage, space)


def applicable(verdicts: Sequence[Verdict], setting: Setting) -> tuple[Change, ...]:
    """The changes of `verdicts` that alter `setting`, each with its `before`; the first of two for one path wins."""
    changes: dict[str, Change] = {}
    for change in (change for verdict in verdicts for change in verdict.changes):
        if change.path in changes:
            continue
        before = value_at(setting, change.path)
        if frozen(before) != frozen(change.value):
            changes[change.path] = Change(change.path, thawed(change.value), change.because, thawed(before))
    return tuple(changes.values())


def value_at(setting: Setting, path: str) -> Any:
    """What stands at a change's path now; None for an axis of the space that is still the recipe's."""
    if path == STAGE:
        return setting.stage
    if path.startswith(SPACE):
        return setting.space.get(path.removeprefix(SPACE))
    return setting.hyperparameters.get(path)


def difference(before: Hyperparameters, after: Hyperparameters, because: str) -> tuple[Change, ...]:
    """The changes that lead from one point to the other, all for the same reason."""
    return tuple(
        Change(path, thawed(after.get(path)), because, thawed(before.get(path)))
        for path in PATHS
        if before.get(path) != after.get(path)
    )


def round_of(findings: Iterable[Finding]) -> int:
    """The round under way, counted from 1: each finding of step 7 ended one."""
    return 1 + sum(finding.step == "repeat" for finding in findings)
