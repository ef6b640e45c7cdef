"""Does the schedule of the learning rate last as long as the training?

Keras counts a schedule in steps. Who gives it epochs has a rate that is gone within the first of them, and every later
epoch changes nothing: seen from outside, a run that improves for a moment and then stands still.

Source: Keras 3.15.1, `keras.optimizers.schedules` (`decay_steps`, `boundaries` are steps).
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.probes.probe import Probe
from tuner.probes.stateless import problems
from tuner.probes.subject import schedule_of
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

GONE = 0.01  # of the highest rate: who is below it for good takes no step worth the name
EARLY = 0.1  # of all steps, or within the first epoch: no schedule that is meant ends so soon
LATEST = 0.25  # of all steps: a training of two or three epochs may have warmed up and decayed in one
FARTHEST, POINTS = 10_000_000, 400  # steps that are looked ahead, and at how many of them
SETTINGS = ("decay_steps", "first_decay_steps", "boundaries")  # what a schedule of Keras calls its length


@dataclass(frozen=True)
class Schedule:
    """A schedule that the optimizer was given."""

    kind: str  # its class
    gone: int | None  # step from which the rate stays below `GONE` of its highest; None where it never does
    setting: str  # what it calls its length; "" where that is not known
    length: tuple[int, ...]  # its value, one number or several


def measure(subject: Any) -> Schedule | None:
    """Follow the schedule ahead; None where the rate has none."""
    schedule = schedule_of(subject.optimizer)
    if schedule is None:
        return None
    own_trouble: tuple[type[Exception], ...] = (
        *problems(),
        OverflowError,
    )  # somebody's own may want something else, or not say what it is
    try:
        gone, settings = _gone(schedule), schedule.get_config()
    except own_trouble:
        return None
    setting = next((name for name in SETTINGS if settings.get(name) is not None), "")
    length = settings.get(setting, ())
    numbers = tuple(int(one) for one in (length if isinstance(length, list | tuple) else (length,)))
    return Schedule(type(schedule).__name__, gone, setting, numbers)


def _gone(schedule: Any) -> int | None:
    def rate(step: int) -> float:
        return abs(float(np.asarray(keras.ops.convert_to_numpy(schedule(step)))))

    steps = [0, *(int(step) for step in np.unique(np.geomspace(1, FARTHEST, POINTS).round()))]
    rates = [rate(step) for step in steps]
    least = GONE * max(rates)
    alive = [step for step, one in zip(steps, rates, strict=True) if one > least]
    if not alive or alive[-1] == steps[-1] or not math.isfinite(least):
        return None
    between = range(alive[-1], steps[steps.index(alive[-1]) + 1])
    return between[0] + bisect_left(between, True, key=lambda step: rate(step) <= least)


def judge(evidence: Schedule, context: Context) -> Iterator[Verdict]:
    """`lr_too_low` where nothing is left of the rate long before the end."""
    each, epochs, gone = context.steps_per_epoch, context.epochs_planned, evidence.gone
    if not each or not epochs or gone is None:
        return
    total = each * epochs
    if gone > min(max(EARLY * total, each), LATEST * total):
        return
    yield Verdict(
        "lr_too_low",
        Outcome.WARN,
        f"The learning rate is down to {GONE:.0%} of its highest after {gone} steps, in epoch {math.ceil(gone / each)} "
        f"of {epochs} ({each} steps each): {evidence.kind} counts steps, not epochs.",
        {"schedule": evidence.kind, "gone_after_steps": gone, "steps": total, evidence.setting: evidence.length},
        (_longer(evidence, each),),
        onset=math.ceil(gone / each),
        confidence=0.95,
        check="the rate at the end of each epoch: optimizer.learning_rate",
        source="Keras, learning rate schedules: their lengths are steps",
    )


def _longer(evidence: Schedule, each: int) -> Change:
    if not evidence.setting:
        return Change("schedule.length", "look", "its length has to be epochs times steps per epoch")
    steps = [each * one for one in evidence.length]
    one = len(steps) == 1 and evidence.setting != "boundaries"
    return Change(
        "schedule.length",
        steps[0] if one else steps,
        f"{evidence.setting} times the {each} steps of an epoch, as it was probably meant",
        evidence.length[0] if one else list(evidence.length),
    )


PROBE = Probe("schedule", "Does the schedule of the rate last as long as the training?", Schedule, measure, judge)
