"""Would another learning rate have done better? Asked by trying: the same steps at a tenth and at ten times the rate.

From the weights before training, and from those of now, copies take the same few steps on the same batches; only the
rate differs. Losses are compared on batches that were not stepped on: learning by heart is faster at any higher rate.
A rate is too high where the loss does not fall at it but falls at a tenth, too low where a poor model gains next to
nothing at it and several times more at ten times. A short race favours neither side by that much.

Source: Smith 2015 (range test: the loss against the rate decides); the Google Tuning Playbook (unstable rates).
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.probes.decayed import decayed
from tuner.probes.fitness import Fitness, fitness
from tuner.probes.passes import Passes, passes
from tuner.probes.probe import Probe
from tuner.probes.shadow import shadow
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

STEPS = 24
SECONDS = 3.0  # of processor time for one racer: what else the machine does must not decide
FACTORS = (1.0, 0.1, 10.0, 0.01, 100.0, 1000.0, 10000.0)  # in the order in which they are tried
HIGHER = (10.0, 100.0, 1000.0, 10000.0)
MOST_HELD = 4  # batches on which losses are compared
LEAST_STEPS = 8  # fewer tell nothing
STUCK, STUCK_UNTRAINED = 0.97, 1.0  # loss after over before, at the rate itself: it did not fall, or it rose
FELL, FELL_UNTRAINED = 0.9, 0.6  # the same at a lower rate: it fell
FELL_A_LITTLE = 0.95  # enough where the loss rises at the rate itself, and the whole run gained nothing
NOTHING = 0.05  # of the first loss
LOWER = 0.8  # loss at the other rate over that at the rate itself
HOLDS = 0.9  # loss after over before at the rate itself, from the weights of now: it goes on no more
MEDIOCRE = 0.7  # of the way to a perfect answer: a race is firm enough to be asked in this case too
SETTLED = 0.6  # the same from the weights of now: the steps were too coarse to go on
LITTLE = 0.05  # share of the loss that is gained at the rate itself, at most, where it is too low
ON_ITS_WAY = 0.2  # of the first loss is gone: a rate that gets there needs more epochs, and is no fault
TIMES = 4.0  # so many times more is gained at a higher rate
GAIN, GAIN_FIRM = 0.03, 0.1  # share of the loss that is gained at the higher rate, at least


@dataclass(frozen=True)
class Heat:
    """Losses after the same steps at several rates, from the same weights."""

    before: float
    after: tuple[tuple[float, float], ...]  # factor of the rate, loss after the steps
    steps: int

    def at(self, factor: float) -> float:
        """Loss after the steps; infinity where it was lost on the way, NaN where it was not tried."""
        found = dict(self.after).get(factor, math.nan)
        return math.inf if factor in dict(self.after) and not math.isfinite(found) else found

    def best(self, factors: Sequence[float]) -> tuple[float, float]:
        """The factor with the lowest loss among `factors`, and that loss."""
        tried = [(self.at(f), f) for f in factors if math.isfinite(self.at(f))]
        loss, factor = min(tried, default=(math.inf, math.nan))
        return factor, loss


@dataclass(frozen=True)
class Race:
    """The race from fresh weights, and from those of now; None where there are none or nobody knows them."""

    fresh: Heat | None
    now: Heat | None
    learning_rate: float | None
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Race | None:
    """Race copies of a subject's model; None where it has no loss or optimizer, or its rate is zero."""
    found = passes(subject)
    if found is None or subject.optimizer is None or not subject.learning_rate or not found.model.trainable_variables:
        return None
    fit = fitness(found)
    if not (fit.open or fit.below(MEDIOCRE)):
        return Race(None, None, subject.learning_rate, fit)
    fresh = None
    if subject.initial is not None and len(subject.initial) == len(found.model.weights):
        ours = {v.path: w for v, w in zip(found.model.weights, subject.initial, strict=True)}
        fresh = _heat(found, [ours[v.path] for v in found.model.trainable_variables])
    elif subject.trained is False:
        fresh = _heat(found, None)
    now = _heat(found, None, slots=True) if subject.trained is not False else None
    return Race(fresh, now, subject.learning_rate, fit)


def judge(evidence: Race, context: Context) -> Iterator[Verdict]:
    """`lr_too_high` or `lr_too_low`, as the race went."""
    if not (evidence.fitness.open or evidence.fitness.below(MEDIOCRE)) or evidence.learning_rate is None:
        return
    yield from _high(evidence) or ([] if decayed(evidence.learning_rate, context) else _low(evidence))


def _high(evidence: Race) -> list[Verdict]:
    fresh, now, untrained = evidence.fresh, evidence.now, evidence.fitness.trained is False
    if fresh is not None and fresh.steps >= LEAST_STEPS:
        same, (factor, lower) = fresh.at(1.0), fresh.best((0.1, 0.01))
        stuck = same > (STUCK_UNTRAINED if untrained else STUCK) * fresh.before
        if stuck and lower < (FELL_UNTRAINED if untrained else FELL) * fresh.before and lower < LOWER * same:
            return [_verdict("lr_too_high", evidence, fresh, factor, 0.75 if untrained else 0.9)]
        nothing = not untrained and evidence.fitness.progress < NOTHING
        if nothing and same > fresh.before and lower < FELL_A_LITTLE * fresh.before:
            return [_verdict("lr_too_high", evidence, fresh, factor, 0.75)]
    if now is None or now.steps < LEAST_STEPS or not evidence.fitness.below(MEDIOCRE):
        return []
    if fresh is not None and fresh.best((0.1, 0.01))[1] < SETTLED * min(now.before, fresh.at(1.0)):
        return [_verdict("lr_too_high", evidence, fresh, fresh.best((0.1, 0.01))[0], 0.85)]  # it beats the whole run
    same, (factor, lower) = now.at(1.0), now.best((0.1, 0.01))
    if same > HOLDS * now.before and lower < SETTLED * min(same, now.before):
        return [_verdict("lr_too_high", evidence, now, factor, 0.75)]
    return []


def _low(evidence: Race) -> list[Verdict]:
    heat, fresh = evidence.now, evidence.fresh
    if heat is None or heat.steps < LEAST_STEPS or not evidence.fitness.poor or not math.isfinite(heat.before):
        return []
    if fresh is not None and fresh.best(HIGHER)[1] < SETTLED * min(heat.before, fresh.at(1.0)):
        return [_verdict("lr_too_low", evidence, fresh, fresh.best(HIGHER)[0], 0.9)]  # it beats the whole run
    factor, lower = heat.best(HIGHER)
    gained, more = heat.before - heat.at(1.0), heat.before - lower
    if (
        evidence.fitness.progress > ON_ITS_WAY
        or gained > LITTLE * heat.before
        or more < GAIN * heat.before
        or more < TIMES * max(gained, 0.0)
    ):
        return []
    return [_verdict("lr_too_low", evidence, heat, factor, 0.85 if more > GAIN_FIRM * heat.before else 0.7)]


def _verdict(name: str, evidence: Race, heat: Heat, factor: float, confidence: float) -> Verdict:
    rate = evidence.learning_rate or math.nan
    better = float(f"{rate * factor:.2g}")
    says = "too high" if name == "lr_too_high" else "too low"
    return Verdict(
        name,
        Outcome.WARN,
        f"The learning rate is {says}: over the same {heat.steps} steps the loss went from {heat.before:.3g} to "
        f"{heat.at(1.0):.3g} at {rate:.2g}, and to {heat.at(factor):.3g} at {better:.2g}.",
        {"before": heat.before, "after": [list(pair) for pair in heat.after], "steps": heat.steps},
        (Change("optimizer.learning_rate", better, "on a copy the loss fell faster at it", rate),),
        confidence=confidence,
        check="run `tuner lr-find`, or a few epochs at both rates",
        source="the same steps on copies of the weights; after Smith 2015",
    )


def _heat(found: Passes, start: Sequence[Any] | None, slots: bool = False) -> Heat | None:
    """Race at the rate itself first, which also says how many steps there is time for."""
    steps, before, after = STEPS, math.nan, dict[float, float]()
    held = _held(found)
    for factor in FACTORS:
        if after and not _worth(factor, before, after):
            continue
        racer = shadow(found, factor, start, slots)
        if racer is None:
            return None
        before = _loss(found, racer.values, held) if math.isnan(before) else before
        if not math.isfinite(before):
            return None
        begun = time.process_time()
        stepped = len(found.batches) - len(held)
        for number in range(steps):
            loss = racer.step(found, number % stepped)
            if not math.isfinite(loss.total):
                break
            if factor == 1.0 and time.process_time() - begun > SECONDS:
                steps = number + 1
                break
        after[factor] = _loss(found, racer.values, held)
    return Heat(before, tuple(sorted(after.items())), steps)


def _worth(factor: float, before: float, after: dict[float, float]) -> bool:
    """Whether a rate is still worth its steps, after what the rates before it gave."""
    if factor == 0.01:
        return not after[0.1] < FELL * before
    if factor == 10.0:
        return not after[1.0] < (1 - LITTLE) * before
    return factor < 1 or after.get(factor / 10, math.inf) < min(before, after[1.0])


def _held(found: Passes) -> list[int]:
    """Batches that no racer steps on: what it learns by heart does not count. None of a single batch."""
    count = len(found.batches)
    return list(range(count - max(1, count // 4), count)) if count > 1 else []


def _loss(found: Passes, values: Sequence[Any], held: list[int]) -> float:
    """Mean loss over up to `MOST_HELD` batches of those held back, or over the one that there is."""
    numbers = held[:MOST_HELD] or [0]
    return float(sum(found.gradient_function(values, *found.batch(i))[0].total for i in numbers) / len(numbers))


PROBE = Probe("rate", "Would another learning rate have done better?", Race, measure, judge, trains=True)
