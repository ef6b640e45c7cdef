"""Which trials are worth more epochs? Successive halving: all get a few, the best third of them three times as many.

A trial that goes on is continued (weights, optimizer slots, iterations, random state), under the schedule of the full
length: it is the trial that was never stopped. What may stop one is another matter, and there are two rules.

`best_third` compares settings trained alike: the third with the best score goes on, and so does whatever cannot be
told from its last, up to a half of all. It may misjudge slow starters, as every early comparison does.

`rising_rates` compares learning rates before their decay has come, and there the order of the scores is wrong in one
direction: a high rate unsettles a pretrained network first and gains most from the decay, while the smallest changes
nothing and looks best. On digits the rate that ended highest (0.992) stood last after one of three epochs (0.894, six
standard errors behind); in seven sweeps the best third held the winner once. So a rate that is ahead stops the lower
ones only, never a higher one: that held all seven winners.

What diverged stops first; among rates, so does what has forgotten nearly everything: it has fallen to chance.

Source: Jamieson and Talwalkar, arXiv 1502.07943; Li et al., Hyperband, JMLR 18 (2018), for eta = 3; docs/LOG.md.
"""

import math
from collections.abc import Callable, Sequence

from tuner.records import Trial
from tuner.search.noise import standard_error
from tuner.search.ranking import promising

ETA = 3  # epochs grow by it from rung to rung, and one trial in so many goes on; Hyperband's choice
MOST = 2  # one trial in so many goes on at most, however near to each other they are
HOPELESS = 0.5  # of what the best knows above chance; rates that recovered had 0.9 of it, those at chance 0.06 (LOG.md)

GoesOn = Callable[[Sequence[Trial], int, float], list[Trial]]
"""(trials of a rung, validation images, accuracy of guessing) -> those that go on, the most promising first."""


def rungs(epochs: int) -> tuple[int, ...]:
    """After how many epochs in all each rung ends: 1, 3 of 3; 2, 5 of 5; 1, 3, 9 of 9; 2 are not worth a rung."""
    count = 1
    while ETA**count <= epochs:
        count += 1
    return tuple(math.ceil(epochs / ETA ** (count - 1 - place)) for place in range(count))


def best_third(trials: Sequence[Trial], examples: int, chance: float) -> list[Trial]:
    """The best third, and whatever lies within one standard error of its last, up to a half.

    All trials are scored on the same `examples` images, so that two accuracies differ by less than two independent
    ones would: one standard error of a single accuracy is about one and a half of their difference.
    """
    order = promising(trials, examples)
    fewest, most = _share(len(trials), ETA), _share(len(trials), MOST)
    if len(order) <= fewest:
        return order
    last = order[fewest - 1].val_accuracy
    level = last - standard_error(last, examples)
    return order[:fewest] + [trial for trial in order[fewest:] if trial.val_accuracy >= level][: most - fewest]


def rising_rates(trials: Sequence[Trial], examples: int, chance: float) -> list[Trial]:
    """Those whose learning rate is higher than that of every trial which looks better."""
    kept: list[Trial] = []
    for trial in hopeful(trials, examples, chance):
        if all(trial.hyperparameters.learning_rate > other.hyperparameters.learning_rate for other in kept):
            kept.append(trial)
    return kept


def hopeful(trials: Sequence[Trial], examples: int, chance: float) -> list[Trial]:
    """The trials in the order of `promising`, without those that diverged or know less than half of what the best does.

    Where nobody knows anything beyond chance (two standard errors), nobody is hopeless.
    """
    order = promising(trials, examples)
    known = max((trial.val_accuracy for trial in order), default=math.nan) - chance
    if not known > 2 * standard_error(chance, examples):
        return order
    return [trial for trial in order if trial.val_accuracy - chance >= HOPELESS * known]


def settings_within(trials: int, epochs: int) -> int:
    """How many settings may begin so that all rungs together take at most `trials` trials; at least one."""
    later = len(rungs(epochs)) - 1
    settings = 1
    while _most_trials(settings + 1, later) <= trials:
        settings += 1
    return settings


def _most_trials(settings: int, later: int) -> int:
    total = settings
    for _ in range(later):
        settings = _share(settings, MOST)
        total += settings
    return total


def _share(count: int, parts: int) -> int:
    return math.ceil(count / parts)
