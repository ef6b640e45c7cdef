"""Does cross-validation choose better than a single split where images are few, and does it say more nearly how good?

`python -m benchmarks.folds`: scikit-learn's digits, drawn anew for each of the runs: so many images to work with, all
others for the test, which the choice never sees. Eight finalists, linear heads on a frozen net, are trained on the one
split and on the folds; each way takes its best, and both are asked of the test images. Two minutes on two cores.

Source: Kohavi (IJCAI 1995), the question; the standard error of a paired difference for the intervals.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from tuner import recipe as recipes
from tuner.data import Dataset, Problem, Split
from tuner.data.split import sample
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import TrialSpec
from tuner.search.ranking import ranked
from tuner.steps.folds import by_folds, cross_validated, scored
from tuner.store import Store
from tuner.training import fit_many, predict

NET = """
import keras
from keras import layers

def net(input_shape):
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Flatten()(layers.Rescaling(1 / 255.0)(images)))
"""
VALIDATION = 0.15  # share of the images to work with
RATES = (3e-3, 1e-2, 3e-2, 1e-1)
REGULARISED = ((1e-2, 1.0, 0.0), (3e-2, 1.0, 0.3), (1e-2, 1e-4, 0.5), (3e-2, 1e-4, 0.5))
FINALISTS = [  # (rate, decay, dropout) as they come out of short runs: near each other
    Hyperparameters(batch_size=16, learning_rate=rate, weight_decay=decay, dropout=dropout)
    for rate, decay, dropout in [*((rate, 1e-4, 0.0) for rate in RATES), *REGULARISED]
]
EPOCHS = 12


def one_draw(folder: Path, seed: int, images: int, folds: int) -> dict[str, float]:
    """What each way takes and says, and what the test images say of both."""
    problem = drawn(folder, seed, images, folds)
    with Store.create(folder / "reports", "folds", {}, "", {}, Silent(), StopFlag()) as run:
        trials = fit_many(problem, run, [TrialSpec(point, EPOCHS, 0, "change", keep=True) for point in FINALISTS])
        cross_validated(problem, run, trials)
        test = problem.dataset.sealed_test
        right = {
            t.number: float((predict(problem, run, t, test.images).argmax(1) == test.labels).mean()) for t in trials
        }
        single, mean = ranked(trials)[0], by_folds(run, trials)[0]
        score = scored(run, mean)
        assert score is not None
        return {
            "single_says": single.val_accuracy,
            "single_test": right[single.number],
            "folds_says": score.mean,
            "folds_test": right[mean.number],
            "best_test": max(right.values()),
        }


def drawn(folder: Path, seed: int, images: int, folds: int) -> Problem:
    """So many digits to work with, drawn by `seed`, stratified; all others are the test set."""
    digits = load_digits()
    pixels = np.rint(digits.images[..., None] * 255 / 16).astype(np.uint8)
    labels = digits.target.astype(np.int64)
    chosen = np.random.default_rng(seed).permutation(sample(labels.tolist(), images, seed))
    held_out = set(sample(labels[chosen].tolist(), round(VALIDATION * images), seed).tolist())
    validation = chosen[[row in held_out for row in range(images)]]
    train = chosen[[row not in held_out for row in range(images)]]
    test = np.setdiff1d(np.arange(len(labels)), chosen)
    parts = [Split(pixels[rows], labels[rows], rows) for rows in (train, validation, test)]
    (folder / "net.py").write_text(NET)
    data = {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale", "folds": folds}
    text = {"version": 1, "name": "folds", "data": data, "model": {"backbone": "python:net:net"}}
    (folder / "folds.yaml").write_text(json.dumps(text))
    name = f"digits-{seed}-{images}"
    dataset = Dataset("digits", name, parts[0], parts[1], tuple("0123456789"), {}, parts[2])
    return Problem(recipes.load(folder / "folds.yaml"), dataset, folder / "cache")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--images", type=int, nargs="+", default=[80, 160, 320])
    asked = parser.parse_args()
    for images in asked.images:
        with tempfile.TemporaryDirectory() as folder:
            found = [one_draw(Path(folder), seed, images, asked.folds) for seed in range(asked.draws)]
        column = {key: np.array([one[key] for one in found]) for key in found[0]}
        gain = column["folds_test"] - column["single_test"]
        error = gain.std(ddof=1) / len(gain) ** 0.5
        print(
            f"{images} images ({round(VALIDATION * images)} for validation), {asked.draws} draws: the test accuracy of "
            f"what is taken: single split {column['single_test'].mean():.3f}, folds {column['folds_test'].mean():.3f} "
            f"({gain.mean():+.4f} ± {1.96 * error:.4f}), the best there is {column['best_test'].mean():.3f}"
        )
        for way in ("single", "folds"):
            off = column[f"{way}_says"] - column[f"{way}_test"]
            rms = np.sqrt(np.mean(off**2))
            print(f"    {way:<7} says {off.mean():+.3f} too much on the average, is off by {rms:.3f} (RMS)", flush=True)


if __name__ == "__main__":
    main()
