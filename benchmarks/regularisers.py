"""What does each regulariser do to the gap between training and validation, on a task that overfits?

    python benchmarks/regularisers.py [--images 400] [--epochs 60] [--seeds 3] [--folder FOLDER]

LeNet-5 learns a few hundred Fashion-MNIST images at 28 x 28 by heart, from random weights: with nothing against it, and
with one regulariser at a time, each written as a recipe writes it. Every seed is another first draw and another order;
settings of one seed are compared in pairs. Accuracy and loss are measured in inference mode, on the plain training
images and on 2,000 others, with the weights of the last epoch (early stopping: of the best). All trials go through
`fit_many`.

A setting that this version of the recipe refuses is left out, and said. The trials are recorded in a run's folder, so
that the command, given again, goes on where it was stopped. Writes benchmarks/results/regularisers.json and prints the
table; about six minutes on two cores.
"""

import argparse
import dataclasses
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import studies
from studies import finite, opened

from tuner import backend
from tuner import recipe as recipes
from tuner.data import Problem
from tuner.environment import environment
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import fit_many, predict

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "regularisers.json"
FOLDER = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser() / "regularisers"

VALIDATION = 2000  # images: one standard error of an accuracy of 0.8 is 0.009
RATE, BATCH = 1e-3, 32
PLAIN = "nothing"
EARLY = "early stopping"
TINY = 1e-7  # of a probability

SETTINGS: Mapping[str, Sequence[str]] = {
    PLAIN: (),
    "L1": ("regularization.l1=3e-3",),
    "L2": ("regularization.l2=3e-2",),
    "elastic net": ("regularization.l1=1.5e-3", "regularization.l2=1.5e-2"),
    "weight decay, 0.1": ("optimizer.weight_decay=0.1",),
    "weight decay, 1": ("optimizer.weight_decay=1.0",),
    "dropout, 0.5": ("model.dropout=0.5",),
    "label smoothing, 0.1": ("loss.label_smoothing=0.1",),
    "mixup": ("augmentation=[{MixUp: {alpha: 0.2}}]",),
    "CutMix": ("augmentation=[{CutMix: {alpha: 1.0}}]",),
    "RandAugment": ("augmentation=[{RandAugment: {}}]",),
    "flips and crops": ("augmentation=[{RandomFlip: {mode: horizontal}}, {RandomCrop: {padding: 3}}]",),
    "random erasing": ("augmentation=[{RandomErasing: {}}]",),
    "auxiliary head, 0.3": ("model.auxiliary_head=0.3",),
    "average of weights (EMA), 0.99": ("optimizer.ema_momentum=0.99",),
    EARLY: (),
}
"""Name -> what it sets, beside a start without any."""


@dataclass(frozen=True)
class Measured:
    """One model on one set of plain images, in inference mode."""

    accuracy: float
    loss: float  # nats


@dataclass(frozen=True)
class Outcome:
    """One setting with one seed."""

    train: Measured
    validation: Measured
    epochs: int
    seconds: float
    engine: str


def problem_of(folder: Path, images: int) -> Problem:
    """So many training images in equal parts a class, and LeNet-5."""
    data = {"image_size": [28, 28], "color_mode": "grayscale", "batch_size": BATCH}
    sections = {
        "model": {"backbone": "LeNet5", "weights": "none"},
        "transfer": [{"name": "all", "trainable": "all", "freeze_batch_norm": False}],
        "optimizer": {"learning_rate": RATE, "weight_decay": 0.0},
    }
    return studies.problem_of(folder, f"regularisers-{images}", images, VALIDATION, data, sections)


def specs_of(problem: Problem, epochs: int, seeds: int) -> tuple[dict[str, list[TrialSpec]], dict[str, str]]:
    """The trials of each setting, one a seed; and, of each setting that the recipe refuses, what it says."""
    specs, refused = {}, {}
    for name, changes in SETTINGS.items():
        try:
            recipe = recipes.load(problem.recipe.path, changes)
        except recipes.RecipeError as error:
            refused[name] = "; ".join(one.message for one in error.problems)
            continue
        plain = TrialSpec(recipe.start(), epochs, 0, "regularisers", validate=False, keep=True)
        if name == EARLY:
            plain = dataclasses.replace(plain, validate=True, patience=recipe.regularization.early_stopping.patience)
        specs[name] = [dataclasses.replace(plain, seed=seed) for seed in range(seeds)]
    return specs, refused


def measured(problem: Problem, run: Store, trial: Trial) -> Outcome:
    """The trial's kept weights on both sets of images."""
    splits = (problem.dataset.train, problem.dataset.validation)
    train, validation = (_figures(predict(problem, run, trial, s.images), s.labels) for s in splits)
    return Outcome(train, validation, trial.best_epoch or trial.curves.epochs, trial.seconds, trial.engine)


def _figures(probabilities: np.ndarray, labels: np.ndarray) -> Measured:
    right = probabilities[np.arange(len(labels)), labels]
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return Measured(accuracy, float(-np.log(np.maximum(right, TINY)).mean()))


def row(name: str, outcomes: Sequence[Outcome], plain: Sequence[Outcome]) -> dict[str, Any]:
    """Means and deviations over the seeds, and by how much the gap is smaller than with nothing, seed by seed."""
    gaps, without = _gaps(outcomes), _gaps(plain)
    shrinks = [before - after for before, after in zip(without, gaps, strict=True)]
    gained = [one.validation.accuracy - other.validation.accuracy for one, other in zip(outcomes, plain, strict=True)]
    return {
        "setting": name,
        "sets": list(SETTINGS[name]),
        "train_accuracy": _spread([one.train.accuracy for one in outcomes]),
        "val_accuracy": _spread([one.validation.accuracy for one in outcomes]),
        "gap": _spread(gaps),
        "gap_shrinks": _spread(shrinks),
        "val_gains": _spread(gained),
        "train_loss": _spread([one.train.loss for one in outcomes]),
        "val_loss": _spread([one.validation.loss for one in outcomes]),
        "val_loss_falls": _spread(
            [other.validation.loss - one.validation.loss for one, other in zip(outcomes, plain, strict=True)]
        ),
        "epochs": [one.epochs for one in outcomes],
        "seconds": [round(one.seconds, 2) for one in outcomes],
        "engine": sorted({one.engine for one in outcomes}),
        "outcomes": [dataclasses.asdict(one) for one in outcomes],
    }


def _gaps(outcomes: Sequence[Outcome]) -> list[float]:
    return [one.train.accuracy - one.validation.accuracy for one in outcomes]


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, standard deviation, and the standard error of the mean."""
    deviation = stdev(values) if len(values) > 1 else math.nan
    error = deviation / math.sqrt(len(values))
    return {"mean": finite(fmean(values)), "deviation": finite(deviation), "error": finite(error)}


def shrinks(found: Mapping[str, Any], what: str = "gap_shrinks") -> str:
    """Whether the gap (or the loss) is smaller beyond what the seeds differ by: two standard errors, paired."""
    mean, error = found[what]["mean"], found[what]["error"]
    if error is None:
        return "?"
    return "yes" if mean > 2 * error else "no, larger" if mean < -2 * error else "not beyond chance"


def lines(result: Mapping[str, Any]) -> list[str]:
    """The table, in Markdown."""
    out = [
        "| against overfitting | training | validation | gap | smaller by | smaller? | loss on validation | lower? |"
    ]
    out.append("|---|---|---|---|---|---|---|---|")
    for one in result["settings"]:
        cells = [one["setting"], *(_shown(one[key]) for key in ("train_accuracy", "val_accuracy", "gap"))]
        rest = ["", ""] if one["setting"] == PLAIN else [_shown(one["gap_shrinks"], sign=True), shrinks(one)]
        lower = "" if one["setting"] == PLAIN else shrinks(one, "val_loss_falls")
        out.append("| " + " | ".join([*cells, *rest, _shown(one["val_loss"], digits=2), lower]) + " |")
    out += [f"Left out, {name}: {why}" for name, why in result["refused"].items()]
    return out


def _shown(value: Mapping[str, float | None], digits: int = 3, sign: bool = False) -> str:
    mean, deviation = value["mean"], value["deviation"]
    around = "" if deviation is None else f" ± {deviation:.{digits}f}"
    return f"{mean:{'+' if sign else ''}.{digits}f}{around}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the run and its data are")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    backend.prepare("auto", "float32")
    problem = problem_of(asked.folder, asked.images)
    specs, refused = specs_of(problem, asked.epochs, asked.seeds)
    found: dict[str, list[Outcome]] = {}
    with opened(asked.folder, problem) as run:
        for name, asked_for in specs.items():
            found[name] = [measured(problem, run, trial) for trial in fit_many(problem, run, asked_for)]
            run.progress.say(f"{name}: {sum(one.seconds for one in found[name]):.0f} s of training")
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "images": asked.images,
        "validation_images": VALIDATION,
        "epochs": asked.epochs,
        "seeds": asked.seeds,
        "rate": RATE,
        "settings": [row(name, outcomes, found[PLAIN]) for name, outcomes in found.items()],
        "refused": refused,
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print("\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
