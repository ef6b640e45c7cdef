"""Under which schedule does a trial run? That of the recipe in the end, and none while settings are compared.

A short run holds its rate, so that it can be trained on without a break; a decay comes with the longer run. Warm-up
comes with the beginning: the short run has it, at most a part of its epochs, and what goes on from there has it behind.
Where the recipe searches the schedule itself, a short run is a whole run in small, under the schedule proposed.
"""

import dataclasses
from collections.abc import Iterable

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.recipe.names import AUTO, SCHEDULE_FREE
from tuner.records import Change, Trial
from tuner.steps.situation import Situation

DECAY = "CosineDecay"  # of the longer runs, where the recipe leaves the schedule to us
STAGE_DECAY = "CosineDecay"  # pretrained layers are judged when they have settled: at a held rate the smallest rate,
# which changes least, always looks best (docs/LOG.md)
WARMUP_SHARE = 1 / 3  # of a short run at most: most of it is at the rate that is compared
PREFIX = "schedule."


def searched(problem: Problem, now: Situation) -> bool:
    """Whether the trials of this stage differ in their schedule."""
    return now.start is None and any(path.startswith(PREFIX) for path in problem.recipe.search.space)


def of_short_run(problem: Problem, now: Situation, point: Hyperparameters, epochs: int) -> Hyperparameters:
    """The point under the schedule of a short run of `epochs`."""
    if searched(problem, now):
        return point
    warmup = min(now.setting.hyperparameters.warmup_epochs, epochs * WARMUP_SHARE)
    held = now.start is None or problem.recipe.schedule.name == "none"
    return dataclasses.replace(point, schedule="none" if held else STAGE_DECAY, warmup_epochs=warmup)


def horizon_of_short_run(problem: Problem, now: Situation, point: Hyperparameters) -> int | None:
    """Epochs over which the schedule of a short run stretches, wherever an oracle stops it; None: over its own."""
    whole = searched(problem, now) and point.schedule != "none"
    return problem.recipe.steps.short_runs.epochs if whole else None


def of_longer_run(problem: Problem, now: Situation, parent: Trial) -> tuple[Hyperparameters, bool]:
    """The parent's point under the schedule of the longer run, and whether it goes on where the parent stopped.

    A parent whose rate has decayed has settled: a new cycle begins from its best weights, with a warm-up of its own.
    """
    point, setting = parent.hyperparameters, now.setting.hyperparameters
    goes_on = point.schedule == "none"
    if searched(problem, now):
        return point, goes_on
    schedule = problem.recipe.schedule.name
    if schedule == AUTO:
        schedule = "none" if point.optimizer in SCHEDULE_FREE else DECAY
    warmup = point.warmup_epochs if goes_on else setting.warmup_epochs
    return dataclasses.replace(point, schedule=schedule, warmup_epochs=warmup), goes_on


def chosen_point(
    problem: Problem, now: Situation, found: Hyperparameters, longer: bool, changes: Iterable[Change] = ()
) -> Hyperparameters:
    """What the setting becomes when `found` is taken: a schedule that was not searched, or changed, stays as asked."""
    setting, changed = now.setting.hyperparameters, {change.path for change in changes}
    if searched(problem, now):
        return found
    if not longer:
        found = dataclasses.replace(found, schedule=setting.schedule)
    kept = found.warmup_epochs if "schedule.warmup_epochs" in changed else setting.warmup_epochs
    return dataclasses.replace(found, warmup_epochs=kept)
