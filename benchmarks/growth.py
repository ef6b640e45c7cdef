"""How much memory does one more trial cost, when thousands are trained in one process?

    python -m benchmarks.growth [--trials 4000] [--json]

Trials of a linear head on the digits' features go through `fit_many` and a store, 250 at a time. The resident size is
read after each 250; the first two rounds warm up, the slope of a line through the rest is the growth.
Of 2,000 trials one step of the heap decided it: 0.0064 to 0.0147.
"""

import argparse
import gc
import json
import os
import tempfile
from pathlib import Path

import numpy as np

from tuner import recipe as recipes
from tuner.data import Problem, open_dataset
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training import fit_many

ROUND = 250  # trials asked for at once
WARM = 2  # rounds that do not count
RATES = (1e-4, 1e-1)
RECIPE = {
    "version": 1,
    "name": "growth",
    "data": {"source": "digits", "image_size": [32, 32], "limit": 320, "cache_dir": "cache"},
    "model": {"backbone": "EfficientNetLite0"},
    "transfer": [{"name": "head", "trainable": "none"}],
    "optimizer": {"name": "SGD", "learning_rate": 0.01},
}


def growth(trials: int) -> dict[str, float]:
    """MB (10^6 bytes) a trial, and the resident size at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "growth.yaml"
        file.write_text(json.dumps(RECIPE))
        recipe = recipes.load(file)
        problem = Problem(recipe, open_dataset(recipe, Silent()), Path(folder) / "cache")
        rates = np.exp(np.linspace(*np.log(RATES), trials)).tolist()
        sizes = []
        with Store.create(Path(folder), "growth", recipe.to_json(), "", {}, Silent(), StopFlag()) as store:
            for begin in range(0, trials, ROUND):
                points = [
                    problem.start.replace("optimizer.learning_rate", rate) for rate in rates[begin : begin + ROUND]
                ]
                fit_many(problem, store, [TrialSpec(point, 3, 0, "short_runs", keep=True) for point in points])
                gc.collect()
                sizes.append(resident())
    counts = np.arange(1, len(sizes) + 1) * ROUND
    slope = np.polyfit(counts[WARM:], sizes[WARM:], 1)[0]
    return {"mb_a_trial": float(slope), "end_mb": sizes[-1], "trials": float(counts[-1])}


def resident() -> float:
    """Resident size of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--trials", type=int, default=4000)
    asked.add_argument("--json", action="store_true")
    args = asked.parse_args()
    found = growth(args.trials)
    if args.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['trials']:,.0f} trials: {found['mb_a_trial']:.4f} MB a trial, {found['end_mb']:.0f} MB at the end"
        )


if __name__ == "__main__":
    main()
