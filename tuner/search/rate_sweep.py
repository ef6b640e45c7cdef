"""Which of several fixed rates is the one to train with, and which rates should be tried next?

Every rate gets the same start, the same batches and the same number of iterations. The loss has to *fall*, by more
than the batches' noise; *steadily*, never rising above where it began; and to end as low as any other. Among the
rates that do, the largest is taken: it has the most room left for a decay.

Source: the lecture's step 3 (rates by decades, about 100 iterations); CS231n, neural-networks-3 (coarse to fine).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from tuner.search.rate_rules import finite_head, smoothed

BETA = 0.9  # weight of the past in the shown loss: about ten batches
WINDOW = 0.1  # share of the iterations that makes up a start or an end
LEAST_WINDOW = 3  # batches
FALL = 0.02  # share of the untrained loss; less than that is no improvement (as in step 2)
NOISE = 2.0  # standard errors within which two losses are equal
SURE = 3.0  # standard errors by which a loss has to fall: several rates are asked, so chance gets several tries
JUMP = 1.25  # times the first batch's loss: a start above it is no start (as in step 2)
DECADE = 10.0
EXTENSIONS = 3  # decades beyond the recipe's rates at most, when the best lies at an edge
DIGITS = 2  # of a rate that is not the recipe's own


@dataclass(frozen=True)
class RateRun:
    """A short run at one fixed rate; losses in nats."""

    learning_rate: float
    step_loss: tuple[float, ...]  # smoothed, one a batch
    first: float  # of the first batch, before any update
    last: float  # mean over the last tenth of the batches
    noise: float  # standard error of `last`
    state: str  # completed | diverged
    falls: bool  # by more than noise
    steady: bool  # it falls, and never rose above its start


def read_runs(losses: Mapping[float, Sequence[float]], diverged: Iterable[float] = ()) -> tuple[RateRun, ...]:
    """One `RateRun` a rate, the slowest first. `losses` holds the raw batch losses by rate, from one common start."""
    if not losses:
        return ()
    lost = set(diverged)
    start, spread = untrained(losses)
    return tuple(_read(rate, losses[rate], rate in lost, start, spread) for rate in sorted(losses))


def untrained(losses: Mapping[float, Sequence[float]]) -> tuple[float, float]:
    """The loss before learning and the spread of one batch around it: the slowest rate's first tenth.

    Where even that rate jumps up at once, the first batch has to do, which came before any update.
    """
    slowest = losses[min(losses)]
    head = finite_head(slowest[: window_of(slowest)])
    if not head:
        return math.nan, math.nan
    if fmean(head) > JUMP * head[0]:
        head = head[:1]
    return fmean(head), max(stdev(head) if len(head) > 1 else 0.0, FALL * abs(fmean(head)))


def window_of(losses: Sequence[float]) -> int:
    """How many batches make up a start or an end."""
    return max(LEAST_WINDOW, round(WINDOW * len(losses)))


def _read(rate: float, losses: Sequence[float], lost: bool, start: float, spread: float) -> RateRun:
    head, window = finite_head(losses), window_of(losses)
    lost = lost or len(head) < len(losses) or not head
    tail = head[-window:]
    last = math.nan if lost else fmean(tail)
    noise = stdev(tail) / math.sqrt(len(tail)) if len(tail) > 1 else 0.0
    smooth = tuple(smoothed(head, BETA))
    error = math.hypot(noise, spread / math.sqrt(window))
    falls = not lost and start - last > max(FALL * abs(start), SURE * error)
    return RateRun(
        learning_rate=rate,
        step_loss=smooth,
        first=losses[0] if losses else math.nan,
        last=last,
        noise=noise,
        state="diverged" if lost else "completed",
        falls=falls,
        steady=falls and max(smooth[window:], default=start) <= start + spread,
    )


def choose(runs: Sequence[RateRun]) -> RateRun | None:
    """The largest steady rate that ends within noise of the lowest; failing that, the lowest that falls; else None."""
    steady = [run for run in runs if run.steady]
    best = min(steady or [run for run in runs if run.falls], key=lambda run: run.last, default=None)
    if best is None or not steady:
        return best
    level = best.last + NOISE * best.noise
    return max((run for run in steady if run.last <= level), key=lambda run: run.learning_rate)


def beyond(runs: Sequence[RateRun]) -> tuple[float, ...]:
    """The rate a decade outside those tried, where the best lies at an edge or nothing falls; empty if neither."""
    rates = [run.learning_rate for run in runs]
    best, low, high = choose(runs), min(rates), max(rates)
    if best is None:
        lost = sum(run.state == "diverged" or run.last > JUMP * run.first for run in runs)
        return (rounded(low / DECADE),) if 2 * lost >= len(runs) else (rounded(high * DECADE),)
    if best.learning_rate == high:
        return (rounded(high * DECADE),)
    return (rounded(low / DECADE),) if best.learning_rate == low else ()


def between(runs: Sequence[RateRun]) -> tuple[float, ...]:
    """The half decades to either side of the best rate that were not tried yet; empty if no rate falls."""
    best = choose(runs)
    if best is None:
        return ()
    half = math.sqrt(DECADE)
    near = (rounded(best.learning_rate / half), rounded(best.learning_rate * half))
    return tuple(rate for rate in near if not any(math.isclose(rate, run.learning_rate, rel_tol=0.1) for run in runs))


def rounded(rate: float) -> float:
    """A rate as one would type it."""
    return float(f"{rate:.{DIGITS}g}")
