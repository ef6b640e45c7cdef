"""What can a linear head on these features reach at all, and is that enough? One or two sentences. Pure."""

import math
from collections.abc import Sequence

from tuner.heads import Optimum
from tuner.records import Trial
from tuner.search.noise import standard_error
from tuner.training.frozen import ENGINES


def is_linear(trials: Sequence[Trial]) -> bool:
    """Whether it was a linear head that was trained, and nothing below it."""
    return all(trial.engine in ENGINES and not trial.hyperparameters.head_units for trial in trials)


def best_possible(optimum: Optimum | None, lasts: Sequence[float], iterations: int, target: float | None) -> str:
    """The least losses of a head, how near training came, and whether the target is in reach.

    Args:
        optimum: of a linear head on the frozen features; without one, nothing is said.
        lasts: training losses after `iterations` steps, one for each rate, in nats; NaN where it diverged.
        target: validation accuracy that is wanted; None if there is no target, or if more than these features may help.
    """
    if optimum is None:
        return ""
    some = f" (of {optimum.images:,} of the {optimum.all_images:,} training images)" if optimum.sampled else ""
    came = min(filter(math.isfinite, lasts), default=math.nan)
    sweep = f"; the sweep came to {came:.2f} in {iterations} iterations" if math.isfinite(came) else ""
    loss = f"The best linear head on these features{some} has a training loss of {optimum.best.train_loss:.2g}{sweep}."
    reach = f"In validation such heads reach {optimum.highest_val_accuracy:.3f}."
    return " ".join(filter(None, [loss, reach, _too_little(optimum, target)]))


def _too_little(optimum: Optimum, target: float | None) -> str:
    """That the target is out of reach for any such head, by more than noise; empty where that is not certain."""
    noise = standard_error(optimum.highest_val_accuracy, optimum.val_images)
    if target is None or optimum.sampled or target <= optimum.highest_val_accuracy + noise:
        return ""
    return f"The target is {target:.3f}: the frozen features are not enough for it, the backbone itself has to train."
