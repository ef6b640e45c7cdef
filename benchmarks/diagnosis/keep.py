"""Does a fault hurt, is a healthy run really sound? Decided by outcomes alone, never by a verdict of ours.

Source: DeepCrime's "killed" mutants (a fault counts where it makes a statistical difference over repeated trainings);
Humbatova et al. on labels that are false because the fault did nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy import stats

SEEDS = range(5)
MARGIN = 0.05  # of the way from a useless answer to the reference: less is no harm
LEAST = 0.02  # of balanced accuracy or R²
SURE = 0.01  # one-sided p of Welch's t
LEFT_BEHIND = 1.15  # last validation loss over the best: what is kept in the end is worse than what was there
MOST_SEEDS = 4  # of five that must show it
END = 1.05  # a sound run ends within 5 % of its best validation loss (diagnosis.md, `healthy`)
TOLERANCE = 0.005  # of the way from the first to the best validation loss, forgiven besides
SMOOTH = 3  # epochs of a mean
STILL = 0.05  # of all its way a sound run may still gain in its last quarter

AT_THE_END = ("overfitted",)  # causes whose harm may be done after the best epoch


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `quality` is the balanced accuracy or R² of validation, an entry an epoch."""

    curves: dict[str, list[float]]
    quality: list[float]
    test_quality: float  # at the end, on examples that nothing has seen
    sizes: tuple[int, int]  # training and validation examples
    counts: tuple[int, ...]  # training examples of each class; empty for a regression


def best(outcome: Outcome) -> float:
    """The best validation quality of a run."""
    return max(outcome.quality)


def worse(values: Sequence[float], reference: Sequence[float], chance: float) -> tuple[bool, float, float]:
    """Whether `values` lie clearly below the reference's; the difference of means; Welch's one-sided p."""
    difference = fmean(reference) - fmean(values)
    if np.ptp(values) == 0 and np.ptp(reference) == 0:
        p = 0.0 if difference > 0 else 1.0
    else:
        p = float(stats.ttest_ind(values, reference, equal_var=False, alternative="less").pvalue)
    margin = max(LEAST, MARGIN * (fmean(reference) - chance))
    return difference >= margin and p < SURE, difference, p


def hurts(
    cause: str, runs: Sequence[Outcome], reference: Sequence[Outcome], chance: float
) -> tuple[bool, float, float]:
    """(kept, size of the harm, p). Harm is a loss of best validation quality, with two exceptions.

    `overfitted`: besides, where the last validation loss lies 15 % above the best in four of five seeds; the harm is
    then their ratio. `leak`: validation promises more than examples that nothing has seen.
    """
    if cause in AT_THE_END:
        left = [fmean(run.curves["val_loss"][-3:]) / min(run.curves["val_loss"]) for run in runs]
        if sum(v > LEFT_BEHIND for v in left) >= MOST_SEEDS:
            return True, fmean(left), 0.0
    if cause == "leak":
        return worse([run.test_quality for run in runs], [run.quality[-1] for run in runs], chance)
    return worse([best(run) for run in runs], [best(run) for run in reference], chance)


def ends_well(curves: Mapping[str, Sequence[float]]) -> bool:
    """Finite, ends near its best validation loss (means of three epochs, for the noise), nothing left to gain."""
    losses = np.array(curves["val_loss"], dtype=float)
    if not (np.isfinite(losses).all() and np.isfinite(np.array(curves["loss"], dtype=float)).all()):
        return False
    smooth = np.convolve(losses, np.ones(SMOOTH) / SMOOTH, mode="valid")
    lowest, way = smooth.min(), losses[0] - smooth.min()
    quarter = max(2, len(losses) // 4)
    gain = losses[-2 * quarter : -quarter].mean() - losses[-quarter:].mean()
    return bool(smooth[-1] <= END * lowest + TOLERANCE * way and gain <= STILL * way)


def is_healthy(run: Outcome, reference: Sequence[Outcome], chance: float) -> bool:
    """Ends well, and is as good as the reference."""
    good = fmean(best(other) for other in reference)
    return ends_well(run.curves) and best(run) >= good - max(LEAST, MARGIN * (good - chance))
