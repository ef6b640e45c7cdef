"""Do two ways of training rank the same settings alike, and could they agree any better than they do?

Rank correlations (Spearman, Kendall's tau-b) of the means over seeds, with a bootstrap over settings. Their ceiling is
noise: with reliabilities r (Spearman-Brown, from the correlations between single seeds), two means that measure the
same thing correlate sqrt(r1 r2) on average, not 1. Over all settings the worst ones alone can carry a correlation, so
that it is given for the better half too, and with it what a wrong choice costs.

Source: C. Spearman, Am. J. Psychol. 15 (1904), correction for attenuation; B. Efron and R. Tibshirani (1993), ch. 13.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

Scores = NDArray[np.float64]  # (settings, seeds), higher is better; -inf where a trial diverged

DRAWS = 2000  # of the bootstrap
LEAST = 3  # settings below which no correlation is given


def agreement(one: Scores, other: Scores, seed: int = 0) -> dict[str, Any]:
    """How far the means of two regimes rank the settings alike; None where there are too few to say."""
    x, y = one.mean(axis=1), other.mean(axis=1)
    better = x >= np.median(x)
    return {
        "spearman": spearman(x, y),
        "spearman_interval": interval(x, y, seed),
        "kendall": kendall(x, y),
        "ceiling": ceiling(one, other),
        "spearman_of_the_better_half": spearman(x[better], y[better]),
        "better_half": int(better.sum()),
    }


def cost(chosen_by: Scores, judged_by: Scores) -> dict[str, Any]:
    """What is lost under `judged_by` when the setting is the best of `chosen_by`, in the unit of the scores."""
    x, y = chosen_by.mean(axis=1), judged_by.mean(axis=1)
    chosen, best = int(x.argmax()), int(y.argmax())
    return {"chosen": chosen, "best": best, "lost": float(y[best] - y[chosen]), "rank": int((y > y[chosen]).sum()) + 1}


def spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    """The correlation of the ranks; None for fewer than three settings, or where one side ranks nothing."""
    if len(x) < LEAST or np.ptp(rankdata(x)) == 0 or np.ptp(rankdata(y)) == 0:
        return None
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def kendall(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    """Kendall's tau-b; None where `spearman` gives none."""
    return None if spearman(x, y) is None else float(kendalltau(rankdata(x), rankdata(y)).statistic)


def interval(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> tuple[float, float] | None:
    """The 95 % interval of `spearman`, from settings drawn with replacement."""
    if spearman(x, y) is None:
        return None
    rng = np.random.default_rng(seed)
    rows = (rng.integers(0, len(x), len(x)) for _ in range(DRAWS))
    found = [value for chosen in rows if (value := spearman(x[chosen], y[chosen])) is not None]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def between_seeds(scores: Scores) -> float | None:
    """The mean correlation of two single seeds of one regime; None for one seed."""
    found = [spearman(scores[:, i], scores[:, j]) for i, j in combinations(range(scores.shape[1]), 2)]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None


def reliability(scores: Scores) -> float | None:
    """The correlation that the mean over the seeds would have with that over as many others."""
    single, seeds = between_seeds(scores), scores.shape[1]
    return None if single is None else max(0.0, seeds * single / (1 + (seeds - 1) * single))


def ceiling(one: Scores, other: Scores) -> float | None:
    """The highest correlation that noise allows between the means of two regimes; None for one seed."""
    first, second = reliability(one), reliability(other)
    return None if first is None or second is None else float(np.sqrt(first * second))


def effects(settings: Mapping[str, NDArray[np.float64]], scores: Scores) -> dict[str, float | None]:
    """The rank correlation of each searched number with the score: which way, and how strongly, it pulls.

    A setting that does not have the number (NaN) is left out.
    """
    means = scores.mean(axis=1)
    return {name: spearman(values[(has := np.isfinite(values))], means[has]) for name, values in settings.items()}
