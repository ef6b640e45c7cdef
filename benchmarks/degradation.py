"""Does a plain network of 56 layers train worse than one of 20, is it told so, and do skip connections mend it?

    python benchmarks/degradation.py [--images 4000] [--epochs 8] [--seeds 1] [--folder FOLDER]

PlainNet20, PlainNet56, ResNet20 and ResNet56 (He et al. 2015, section 4.2: the same layers, without and with sums
around every two) learn Fashion-MNIST at 28 x 28 from random weights, all with the same settings, through `fit_many`.
What counts is the training error: overfitting cannot explain a higher one. The plain network of 56 layers is then given
to the tool's own diagnosis, which has to name the depth, and to propose the sums.

Every trial is recorded in a run's folder, so that the command, given again, goes on where it was stopped. Writes
benchmarks/results/degradation.json and prints the table.

Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385, figures 1 and 6 (CIFAR-10: 20 against 56 layers).
"""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import studies
from studies import finite, opened

from tuner import backend, training
from tuner.data import Problem
from tuner.environment import environment
from tuner.records import Trial, TrialSpec
from tuner.store import Store

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "degradation.json"
FOLDER = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser() / "degradation"

NETWORKS = ("PlainNet20", "PlainNet56", "ResNet20", "ResNet56")
DEEP = "PlainNet56"  # the one that is diagnosed
SIZE = 28  # pixels
VALIDATION = 1000  # images
RATE = 0.05  # of SGD with momentum 0.9; He et al. take 0.1 for batches of 128
BATCH = 64
LOOKED_AT = 128  # training images that the diagnosis sees


def problem_of(folder: Path, network: str, images: int) -> Problem:
    """So many training images in equal parts a class, for one of the networks."""
    data = {"image_size": [SIZE, SIZE], "color_mode": "grayscale", "batch_size": BATCH}
    sections = {
        "model": {"backbone": network, "weights": None},
        "optimizer": {"name": "SGD", "learning_rate": RATE, "momentum": 0.9, "weight_decay": 1e-4},
        "schedule": {"name": "CosineDecay"},
    }
    return studies.problem_of(folder, f"{network.lower()}-{images}", images, VALIDATION, data, sections)


def trained(problem: Problem, run: Store, epochs: int, seeds: int) -> list[Trial]:
    """One network, a trial a seed, its weights kept."""
    specs = [TrialSpec(problem.start, epochs, seed, "degradation", keep=True) for seed in range(seeds)]
    return training.fit_many(problem, run, specs)


def diagnosed(problem: Problem, run: Store, trial: Trial) -> list[dict[str, Any]]:
    """What `tuner.diagnose` says of a trained network, given a sample of its training images and its curves."""
    import keras

    import tuner

    path = run.folder / "diagnosed.keras"
    training.export(problem, run, trial, path)
    model = keras.models.load_model(path)
    model.compile(keras.optimizers.SGD(RATE, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    data = problem.dataset.train
    curves = trial.curves
    columns = {"loss": curves.loss, "val_loss": curves.val_loss, "accuracy": curves.accuracy}
    sample = np.asarray(data.images[:LOOKED_AT], np.float32), np.asarray(data.labels[:LOOKED_AT])
    found = tuner.diagnose(model, data=sample, history={name: list(values) for name, values in columns.items()})
    return [
        {
            "name": verdict.name,
            "outcome": str(verdict.outcome),
            "sentence": verdict.sentence,
            "changes": [change.path for change in verdict.changes],
        }
        for verdict in found.verdicts
    ]


def row(network: str, trials: Sequence[Trial]) -> dict[str, Any]:
    """The figures of one network: means over the seeds, and each seed's training error in the last epoch."""
    errors = [1 - trial.curves.accuracy[-1] for trial in trials]
    return {
        "network": network,
        "train_error": finite(fmean(errors)),
        "train_errors": [finite(error) for error in errors],
        "train_loss": finite(fmean(trial.curves.loss[-1] for trial in trials)),
        "val_error": finite(fmean(1 - trial.curves.val_accuracy[-1] for trial in trials)),
        "errors_by_epoch": [finite(1 - value) for value in trials[0].curves.accuracy],
        "seconds": round(fmean(trial.seconds for trial in trials), 1),
    }


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The table, in Markdown."""
    out = ["| network | training error | training loss | validation error | s a training |", "|---|---|---|---|---|"]
    for one in rows:
        cells = [one["network"], f"{one['train_error']:.3f}", f"{one['train_loss']:.3f}", f"{one['val_error']:.3f}"]
        out.append(f"| {' | '.join([*cells, str(round(one['seconds']))])} |")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=4000, help="to train")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the runs and their data are")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    backend.choose()
    backend.prepare("auto", "float32")
    rows = []
    for network in NETWORKS:
        problem = problem_of(asked.folder, network, asked.images)
        with opened(asked.folder, problem) as run:
            rows.append(row(network, trained(problem, run, asked.epochs, asked.seeds)))
            print(json.dumps(rows[-1]), flush=True)
    problem = problem_of(asked.folder, DEEP, asked.images)
    with opened(asked.folder, problem) as run:
        verdicts = diagnosed(problem, run, trained(problem, run, asked.epochs, asked.seeds)[0])
    by_name = {one["network"]: one["train_error"] for one in rows}
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "images": asked.images,
        "epochs": asked.epochs,
        "seeds": asked.seeds,
        "settings": dataclasses.asdict(problem.start),
        "networks": rows,
        "degraded": by_name[DEEP] > by_name["PlainNet20"],
        "mended": by_name["ResNet56"] < by_name[DEEP],
        "diagnosis_of_plainnet56": verdicts,
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print("\n".join(lines(rows)))
    print("\n".join(f"{one['name']}: {one['sentence']}" for one in verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
