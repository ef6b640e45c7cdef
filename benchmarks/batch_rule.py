"""N times the batch, N times the rate: does it hold, and does it end where the noise scale says?

`python -m benchmarks.batch_rule`: for each batch size the rate at which linear heads on EfficientNet-Lite0's features
of scikit-learn's digits end with the lowest training loss, after the same number of epochs, beside the noise scale of
the gradient at the weights of the best. One and a half minutes on two cores.

Source: Goyal et al. 2017, arXiv 1706.02677; Malladi et al. 2022, arXiv 2205.10287; McCandlish et al., arXiv 1812.06162.
"""

import json
import math
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np

from tuner import recipe as recipes
from tuner.data import Problem
from tuner.data.opening import open_dataset
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Trial, TrialSpec, TrialState
from tuner.search.scaling import batch_ratio
from tuner.store import Store
from tuner.training import fit_many
from tuner.training.gradient_noise import noise_of

RECIPE = """
version: 1
name: batch-rule
data: {source: digits, image_size: [64, 64]}
model: {backbone: EfficientNetLite0}
"""
BATCHES = (8, 16, 32, 64, 128, 256, 512)
RATES = {"SGD": np.geomspace(1e-4, 1.0, 25), "AdamW": np.geomspace(1e-5, 1e-1, 25)}
SEEDS = (0, 1)
EPOCHS = 6


def final_loss(trial: Trial) -> float:
    """Training loss of the last epoch; infinite for what diverged."""
    return trial.curves.loss[-1] if trial.state is TrialState.COMPLETED else math.inf


def best_of(problem: Problem, run: Store, optimizer: str, batch: int) -> dict[str, float]:
    """The rate with the lowest mean loss over the seeds, and the noise scale there."""
    points = [
        Hyperparameters(
            optimizer=optimizer, learning_rate=float(rate), batch_size=batch, weight_decay=0.0, head_initializer="zeros"
        )
        for rate in RATES[optimizer]
    ]
    specs = [TrialSpec(point, EPOCHS, seed, "benchmark", keep=True) for point in points for seed in SEEDS]
    trials = fit_many(problem, run, specs)
    losses = [fmean(map(final_loss, trials[at : at + len(SEEDS)])) for at in range(0, len(trials), len(SEEDS))]
    best = int(np.argmin(losses))
    noise = noise_of(problem, run, trials[best * len(SEEDS)])
    assert noise is not None
    return {"batch": batch, "rate": points[best].learning_rate, "loss": losses[best], "noise_scale": noise.batch}


def main() -> None:
    """Print a row for each batch, and the rows as JSON at the end."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    recipe = recipes.load(path)
    problem = Problem(recipe, open_dataset(recipe, Silent()), folder / "cache")
    run = Store.create(folder, "batch-rule", {}, "", {}, Silent(), StopFlag())
    found = {}
    for optimizer in RATES:
        rows = found[optimizer] = [best_of(problem, run, optimizer, batch) for batch in BATCHES]
        print(f"{optimizer}: batch, best rate (times that of the batch before; the rule), loss, noise scale")
        for before, row in pairwise([rows[0], *rows]):
            ratio, rule = row["rate"] / before["rate"], batch_ratio(optimizer, int(before["batch"]), int(row["batch"]))
            print(
                f"  {row['batch']:4d}  {row['rate']:.2e} (x {ratio:.2f}; x {rule:.2f})  {row['loss']:.4f}  "
                f"{row['noise_scale']:.0f}"
            )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
