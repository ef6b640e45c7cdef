"""What should a curve be held against? Chance, the loss at the start, and the noise of a small validation set.

Published thresholds are absolute and disagree by orders of magnitude. These are not: the loss of a model that knows
only how often each class comes, and the error of an accuracy that was measured on n examples.

Source: CS231n, neural-networks-3 (ln C); Wald's standard error of a proportion; reference thresholds by calibration
on tests/symptoms/real_curves.json.gz.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuner.records import LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.shape import cost, median

AT_CHANCE = 0.02  # a loss within this share of chance is at chance (2 % of ln C)
LARGEST_SET = 5000  # a validation set larger than this cannot be told from its accuracies
POOR_LOSS = 0.6  # share of the loss of guessing above which a settled loss is poor; hard tasks end below it
POOR_UNKNOWN = 0.85  # the same where nothing tells what guessing costs: weak features explain half of a target at best
ONE_ANSWER = 0.02  # spread of the accuracies of a model that always gives the most frequent answer
SURE = 0.03  # how far from a whole number of examples is near enough to tell their number
UNKNOWN_SET = 400  # examples assumed where nothing tells: an accuracy of 0.5 then carries an error of 0.025


@dataclass(frozen=True)
class Chance:
    """What a model that ignores its input reaches at best."""

    loss: float  # nats
    accuracy: float  # of always answering the most frequent class
    told: bool  # from the context, not guessed from the curves


def chance(curves: LearningCurves, context: Context) -> Chance | None:
    """Chance from the class frequencies, else from the number of classes, else None (also for a regression)."""
    if context.class_frequencies is not None and sum(context.class_frequencies) > 0:
        total = float(sum(context.class_frequencies))
        shares = [float(count) / total for count in context.class_frequencies if count > 0]
        entropy = -math.fsum(share * math.log(share) for share in shares)
        return Chance(entropy, max(shares), True) if len(shares) > 1 else None
    if context.num_classes is not None and context.num_classes > 1:
        return Chance(math.log(context.num_classes), 1 / context.num_classes, True)
    return None


def guessed_chance(losses: Sequence[float], accuracies: Sequence[float], within: float = AT_CHANCE) -> Chance | None:
    """The chance that losses and accuracies sit on, if they sit on one: ln C with 1/C, or two uneven classes."""
    if not losses or not accuracies:
        return None
    loss, accuracy = median(losses), median(accuracies)
    if 0 < loss < math.log(100_000):
        classes = max(2, round(math.exp(loss)))
        near = abs(loss - math.log(classes)) <= within * math.log(classes)
        if near and 0.6 / classes <= accuracy <= 1.4 / classes:
            return Chance(math.log(classes), 1 / classes, False)
        steady = max(accuracies) - min(accuracies) <= ONE_ANSWER
        if steady and 0.5 <= accuracy < 0.98:  # two classes, one more frequent: the loss is the entropy of the accuracy
            entropy = -accuracy * math.log(accuracy) - (1 - accuracy) * math.log(1 - accuracy)
            if abs(loss - entropy) <= within * entropy:
                return Chance(entropy, accuracy, False)
    return None


def doubtful_loss(accuracy: float, classes: int) -> float:
    """Cross-entropy, in nats, of a model that is right with `accuracy` in [0, 1] and knows it.

    What is left is spread evenly over the other classes. Whoever trains the scale of the last layer alone gets there,
    so a training loss far above it is no matter of accuracy.
    """
    p = min(max(accuracy, 1e-6), 1 - 1e-6)
    return -p * math.log(p) - (1 - p) * math.log((1 - p) / max(classes - 1, 1))


def start(curves: LearningCurves, context: Context) -> float:
    """The loss before anything was learned: chance, the constant answer, the first batch, or else the first epoch."""
    known = chance(curves, context)
    if known and curves.loss:
        return known.loss
    if context.baseline_loss is not None and curves.loss:
        return context.baseline_loss
    batches = curves.step_loss[: max(1, min(5, len(curves.step_loss) // 20))]
    values = cost(curves)
    candidates = [*values[:1], *([median(batches)] if batches and curves.loss else [])]
    return max(candidates) if candidates else 0.0


def examples_behind(accuracies: Sequence[float]) -> int | None:
    """How many examples accuracies were measured on, by their common step 1/n; None if nothing up to 5,000 fits.

    Any multiple of the true number fits as well; the smallest is returned, which overstates the noise if anything.
    """
    distinct = tuple(sorted({value for value in accuracies if 0 < value < 1}))
    return _common_step(distinct) if len(distinct) >= 3 else None


@lru_cache(maxsize=128)  # several symptoms ask for the same accuracies
def _common_step(values: tuple[float, ...]) -> int | None:
    first, *others = values
    precision = _precision(values)
    for n in range(2, min(LARGEST_SET, int(SURE / precision)) + 1):
        within, place = precision * n, first * n
        if abs(place - round(place)) <= within and all(abs(v * n - round(v * n)) <= within for v in others):
            return n
    return None


def _precision(values: tuple[float, ...]) -> float:
    """What accuracies are written to: four or five digits where somebody rounded them, else those of a 32-bit float."""
    for digits in (4, 5):
        if all(abs(round(value, digits) - value) < 1e-9 for value in values):
            return float(0.6 * 10**-digits)
    return 2e-6


def accuracy_noise(accuracies: Sequence[float], examples: int | None) -> float:
    """Standard error of the last accuracies, sqrt(p(1-p)/n); n from the context, else from their step, else 400.

    p is pulled toward one half as by one success and one failure more, so that a perfect score is not noise-free.
    """
    n = examples or examples_behind(accuracies) or UNKNOWN_SET
    p = (median(accuracies[-5:]) * n + 1) / (n + 2)
    return math.sqrt(p * (1 - p) / n)


def scheduled(curves: LearningCurves, context: Context) -> bool:
    """Whether the learning rate changes over the run, as far as is known or recorded."""
    if context.rate_is_scheduled is not None:
        return context.rate_is_scheduled
    rates = [rate for rate in curves.learning_rate if rate > 0]
    return bool(rates) and max(rates) > 1.05 * min(rates)


def rate(curves: LearningCurves, context: Context) -> float | None:
    """The largest rate of the run where it is known: what a change of the rate multiplies."""
    if context.learning_rate is not None:
        return context.learning_rate
    rates = [value for value in curves.learning_rate if math.isfinite(value) and value > 0]
    return max(rates) if rates else None
