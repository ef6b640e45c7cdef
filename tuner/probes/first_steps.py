"""Did the first steps throw the first weights away, and did the run never recover from it?

A rate many times too high shows in the first steps: each changes the weights by more than their own size, and the loss
shoots up. Some small models are right all the same, by luck and far too sure; what they answer to new examples costs
more than the untrained model's answers did.

Source: CS231n, neural-networks-3 (a step is about a thousandth of the weights); Smith 2015 (the loss explodes).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.probes import forward
from tuner.probes.passes import Passes, passes
from tuner.probes.probe import Probe
from tuner.probes.shadow import Shadow, shadow
from tuner.probes.stateless import loss, problems
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

STEPS = 5
EXAMPLES = 256  # of the validation data
WHOLE = 1.0  # of a weight, in one step
THROWN = 3.0  # highest loss of the steps over the first
USUAL = 1e-3  # step over weight


@dataclass(frozen=True)
class FirstSteps:
    """The first steps taken again on a copy of the first weights; losses in the loss's own unit."""

    ratio: float  # |step| / |weight| of the first step: median over the kernels
    first: float  # loss before the first step
    highest: float  # of the steps
    now: float  # loss of the model on validation examples, else on training examples
    learning_rate: float


def measure(subject: Subject) -> FirstSteps | None:
    """Five steps from the first weights; None where these are not known or nothing was trained."""
    found, rate = passes(subject), subject.learning_rate
    known = subject.initial is not None and len(subject.initial) == len(subject.model.weights)
    if found is None or not known or subject.trained is not True or not rate:
        return None
    assert subject.initial is not None
    ours = {v.path: w for v, w in zip(found.model.weights, subject.initial, strict=True)}
    copy = shadow(found, start=[ours[v.path] for v in found.model.trainable_variables], slots=False)
    if copy is None:
        return None
    try:
        ratios, seen = _stepped(found, copy)
        now = _now(found)
    except problems():
        return None
    return FirstSteps(median(ratios) if ratios else math.nan, seen[0], max(seen), now, rate)


def _stepped(found: Passes, copy: Shadow) -> tuple[list[float], list[float]]:
    """Ratios of the first step, and the losses before each step and after the last; infinity for none."""
    kernels = {w.path for w in found.weights if w.trainable and not w.table}
    places = [i for i, v in enumerate(found.model.trainable_variables) if v.path in kernels]
    ratios, seen = list[float](), list[float]()
    before = _arrays(copy, places)
    for number in range(STEPS):
        seen.append(_finite(copy.step(found, number).total))
        for old, new in zip(before, _arrays(copy, places), strict=True) if number == 0 else ():
            size, step = float(np.linalg.norm(old)), float(np.linalg.norm(new - old))
            if size > 0 and math.isfinite(step):
                ratios.append(step / size)
    seen.append(_finite(found.gradient_function(copy.values, *found.batch(STEPS))[0].total))
    return ratios, seen


def _arrays(copy: Shadow, places: list[int]) -> list[NDArray[np.float64]]:
    values = copy.values
    return [np.asarray(keras.ops.convert_to_numpy(values[i]), "float64") for i in places]


def _now(found: Passes) -> float:
    subject = found.subject
    if subject.val_x is None or subject.val_y is None or not forward.length(subject.val_x):
        return _finite(found.loss(False).data)
    x, y = forward.rows(subject.val_x, slice(0, EXAMPLES)), forward.rows(subject.val_y, slice(0, EXAMPLES))
    return _finite(loss(found.model, None, x, y, False).data)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def judge(evidence: FirstSteps, context: Context) -> Iterator[Verdict]:
    """`lr_too_high` where all three are there."""
    thrown = evidence.ratio >= WHOLE and evidence.highest >= THROWN * evidence.first
    if not thrown or not evidence.now >= evidence.first:
        return
    now = evidence.learning_rate
    better = float(f"{now * 10.0 ** -math.ceil(math.log10(evidence.ratio / USUAL)):.2g}")
    yield Verdict(
        "lr_too_high",
        Outcome.WARN,
        f"The first step changes the weights by {evidence.ratio:.2g} times their own size, the first few take the loss "
        f"from {evidence.first:.3g} to {evidence.highest:.3g}; in the end it is {evidence.now:.3g} on new examples, "
        "no better than untrained.",
        {"update_ratio": evidence.ratio, "first": evidence.first, "highest": evidence.highest, "now": evidence.now},
        (Change("optimizer.learning_rate", better, "steps about a thousandth of the weights are usual", now),),
        onset=1,
        confidence=0.8,
        check="run `tuner lr-find`, or a few epochs at a thousandth of the rate",
        source="CS231n, neural-networks-3; Smith 2015",
    )


PROBE = Probe("first_steps", "Did the first steps throw the weights away?", FirstSteps, measure, judge)
