"""Which trial is the best? The wished metric first, validation loss between equals, failures last."""

import math
from collections.abc import Iterable

from tuner.records import Trial, TrialState
from tuner.search.noise import Z95, standard_error


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that finished and were validated, best first: highest accuracy, lowest loss, then the earliest."""
    sound = [t for t in trials if t.state is TrialState.COMPLETED and math.isfinite(t.val_loss)]
    return sorted(sound, key=lambda t: (-t.val_accuracy, t.val_loss, t.number))


def promising(trials: Iterable[Trial], examples: int) -> list[Trial]:
    """The trials in the order in which they deserve longer training, judged on `examples` validation images.

    Accuracies whose 95 % intervals hold the highest cannot be told from it; among those the lower loss leads, which is
    measured in nats over the same images and moves before the accuracy does.
    """
    order = ranked(trials)
    if not order:
        return []
    level = order[0].val_accuracy - Z95 * standard_error(order[0].val_accuracy, examples)
    return sorted(order, key=lambda t: (t.val_accuracy < level, t.val_loss if t.val_accuracy >= level else 0.0))


def score(trial: Trial) -> float:
    """One number for an oracle, higher is better: accuracy, with the loss deciding between equals. NaN if it failed."""
    if trial.state is TrialState.DIVERGED or not math.isfinite(trial.val_loss):
        return math.nan
    return trial.val_accuracy - 1e-3 * min(trial.val_loss, 100.0)
