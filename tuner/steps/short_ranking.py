"""Which of several untrained backbones? Their features are random, so each is trained for a moment instead.

A short sweep finds each one's rate, because networks differ in that most; then it trains for two epochs, or as many
as 200 batches are, on a part of the images, from two seeds. The mean validation loss ranks them, and how far seeds lie
apart is the noise. A short run says how fast a network begins, not how far it comes: large ones are judged too low.

Source: the lecture's steps 3 and 4, in small.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.data import Problem
from tuner.recipe import names
from tuner.records import Trial, TrialSpec
from tuner.search.rate_sweep import choose, read_runs
from tuner.store import Store
from tuner.training import fit_many

EPOCHS = 2
LEAST_STEPS = 200  # batches of a run: before, the moving averages of batch normalization run after the weights
SEEDS = 2
SWEEP_STEPS = 40  # batches at each rate; a third of the lecture's hundred, because only the order has to be right
RATES = (1e-4, 1e-3, 1e-2, 1e-1)  # the lecture's
MOST_EXAMPLES = 5_000  # training images of a run: a run on all of a large data set is step 4's


@dataclass(frozen=True)
class ShortRuns:
    """What the short runs of one backbone reached."""

    learning_rate: float
    val_losses: tuple[float, ...]  # nats, one a seed; infinite where it diverged
    val_accuracy: float  # mean over the seeds, in [0, 1]
    train_loss: float  # mean over the seeds, nats
    images_per_second: float  # in training


def short_runs(problem: Problem, run: Store, step: str, name: str) -> ShortRuns:
    """Sweep, then train. Each spec bears the backbone's name as its stage: two networks never share a record.

    `problem` has the one backbone, whose weights are random, so all of it trains.
    """
    count, epochs = min(len(problem.dataset.train.labels), MOST_EXAMPLES), epochs_of(problem)
    point = dataclasses.replace(problem.start, trainable="all", freeze_batch_norm=False, augmentation=())
    base = TrialSpec(
        point,
        epochs,
        problem.recipe.seed,
        step,
        stage=name,
        examples=count if count < len(problem.dataset.train.labels) else None,
    )
    rate = _rate(problem, run, base)
    point = dataclasses.replace(point, learning_rate=rate)
    seeds = [problem.recipe.seed + index for index in range(SEEDS)]
    trials = fit_many(problem, run, [dataclasses.replace(base, hyperparameters=point, seed=seed) for seed in seeds])
    return read(rate, trials, count * epochs)


def epochs_of(problem: Problem) -> int:
    """How many epochs each run takes."""
    steps = math.ceil(min(len(problem.dataset.train.labels), MOST_EXAMPLES) / problem.start.batch_size)
    return max(EPOCHS, math.ceil(LEAST_STEPS / steps))


def _rate(problem: Problem, run: Store, base: TrialSpec) -> float:
    """The recipe's rate, or that of a short sweep; where no rate makes the loss fall, the one that ended lowest."""
    given = problem.recipe.optimizer.learning_rate
    if given != "auto" or problem.recipe.optimizer.name in names.FULL_BATCH:
        return base.hyperparameters.learning_rate
    epochs = math.ceil(SWEEP_STEPS * base.hyperparameters.batch_size / len(problem.dataset.train.labels))
    swept = dataclasses.replace(base, epochs=max(1, epochs), max_steps=SWEEP_STEPS, validate=False)
    points = [dataclasses.replace(base.hyperparameters, learning_rate=rate, schedule="none") for rate in RATES]
    trials = fit_many(problem, run, [dataclasses.replace(swept, hyperparameters=point) for point in points])
    runs = read_runs({trial.hyperparameters.learning_rate: trial.curves.step_loss for trial in trials})
    best = choose(runs) or min(runs, key=lambda one: one.last if math.isfinite(one.last) else math.inf)
    return best.learning_rate


def read(rate: float, trials: Sequence[Trial], images: int) -> ShortRuns:
    """The runs of one backbone as one. Pure. The last run is timed: the first may have compiled."""
    losses = tuple(trial.val_loss if math.isfinite(trial.val_loss) else math.inf for trial in trials)
    accuracies = [trial.val_accuracy for trial in trials if math.isfinite(trial.val_accuracy)]
    training = [trial.curves.loss[-1] for trial in trials if trial.curves.loss]
    return ShortRuns(
        rate,
        losses,
        fmean(accuracies) if accuracies else 0.0,
        fmean(training) if training else math.inf,
        images / trials[-1].seconds if trials[-1].seconds > 0 else math.inf,
    )


def seed_noise(found: Sequence[ShortRuns]) -> float:
    """Standard error of a backbone's mean loss over seeds, as a share of it: pooled over all, as two seeds say little.

    NaN where no backbone has finite losses for two seeds.
    """
    variances, degrees = 0.0, 0
    for one in found:
        middle = fmean(one.val_losses)
        if len(one.val_losses) > 1 and math.isfinite(middle) and middle > 0:
            variances += sum((loss / middle - 1) ** 2 for loss in one.val_losses)
            degrees += len(one.val_losses) - 1
    return math.sqrt(variances / degrees / SEEDS) if degrees else math.nan
