"""Does the ranking of settings on cached features carry over to augmented and to fine-tuned training?

    python benchmarks/carry_over.py [--settings 24] [--seeds 3] [--images 1000] [--folder FOLDER]

EfficientNet-Lite0 with its ImageNet weights on Fashion-MNIST at 64 pixels. Every setting (optimizer, learning rate,
weight decay, label smoothing, dropout) is trained with every seed in three regimes, all through `fit_many`:

    cached      a head on features that were computed once, five epochs
    augmented   the same head on images that are flipped, turned and zoomed, backbone frozen, five epochs
    fine-tuned  the whole network for three epochs of a cosine decay, at a tenth of the setting's rate, from the head
                that ranks first among the cached ones of its seed: what a later transfer stage does with a setting

Every trial is recorded in a run's folder, so that the command, given again, goes on where it was stopped. Writes
benchmarks/results/carry_over.json and prints the table. 24 settings x 3 seeds take 15 to 25 minutes on two cores.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import studies
from rank_agreement import agreement, between_seeds, cost, effects
from studies import finite, opened

from tuner import backend
from tuner.data import Problem
from tuner.environment import environment
from tuner.hyperparameters import Hyperparameters
from tuner.models.stage import FINE_TUNE_FACTOR
from tuner.records import Trial, TrialSpec, TrialState
from tuner.search.ranking import ranked
from tuner.store import Store
from tuner.training import fit_many

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "carry_over.json"
FOLDER = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser() / "carry_over"

SIZE = 64  # pixels
RATES = (1e-4, 1e-1)  # log-uniform: the range that the recipes search
DECAYS = (1e-6, 1e-1)  # log-uniform
SMOOTHINGS = (0.0, 0.05, 0.1, 0.2)
DROPOUTS = (0.0, 0.5)  # uniform
OPTIMIZERS = ("SGD", "AdamW")
HEAD_EPOCHS = 5
FINE_EPOCHS = 3
AUGMENTATION = (
    ("RandomFlip", (("mode", "horizontal"),)),
    ("RandomRotation", (("factor", 0.05),)),
    ("RandomZoom", (("height_factor", 0.1),)),
)
REGIMES = ("cached", "augmented", "fine-tuned")
PAIRS = (("cached", "augmented"), ("cached", "fine-tuned"), ("augmented", "fine-tuned"))
MEASURES = ("accuracy", "loss")


def settings(count: int) -> list[Hyperparameters]:
    """Points of the space, half of them for each optimizer; the same whatever the count."""
    rng = np.random.default_rng(0)
    points = []
    for number in range(count):
        rate, decay = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (RATES, DECAYS))
        points.append(
            Hyperparameters(
                optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
                learning_rate=rate,
                weight_decay=decay,
                label_smoothing=float(rng.choice(SMOOTHINGS)),
                dropout=round(float(rng.uniform(*DROPOUTS)), 2),
            )
        )
    return points


def problem_of(folder: Path, images: int) -> Problem:
    """So many training and as many validation images, and EfficientNet-Lite0 with its weights."""
    about = __doc__.splitlines()[0] if __doc__ else ""
    sections = {"description": about, "model": {"backbone": "EfficientNetLite0", "weights": "imagenet"}}
    return studies.problem_of(folder, f"carry-over-{images}", images, images, {"image_size": [SIZE, SIZE]}, sections)


def train(problem: Problem, run: Store, points: Sequence[Hyperparameters], seeds: int) -> dict[str, list[list[Trial]]]:
    """The trials of each regime, a list a seed, in the order of the points."""
    found: dict[str, list[list[Trial]]] = {regime: [] for regime in REGIMES}
    for seed in range(seeds):
        parent = None
        for regime in REGIMES:
            specs = [spec_of(regime, point, seed, parent) for point in points]
            began, known = time.monotonic(), len(run.trials)
            trials = fit_many(problem, run, specs)
            new, took = len(run.trials) - known, time.monotonic() - began
            lost = sum(trial.state is TrialState.DIVERGED for trial in trials)
            run.progress.say(
                f"seed {seed}, {regime}: {len(trials)} trials, {new} of them new, {took:.0f} s, {lost} diverged"
            )
            found[regime].append(trials)
            if regime == "cached":
                parent = ranked(trials)[0].number
    return found


def spec_of(regime: str, point: Hyperparameters, seed: int, parent: int | None) -> TrialSpec:
    """One setting in one regime. The cached heads are kept: fine-tuning starts from the best of them."""
    if regime == "cached":
        return TrialSpec(point, HEAD_EPOCHS, seed, regime, keep=True)
    if regime == "augmented":
        return TrialSpec(dataclasses.replace(point, augmentation=AUGMENTATION), HEAD_EPOCHS, seed, regime)
    rate = point.learning_rate * FINE_TUNE_FACTOR
    tuned = dataclasses.replace(point, learning_rate=rate, trainable="all", schedule="CosineDecay")
    return TrialSpec(tuned, FINE_EPOCHS, seed, regime, parent=parent)


def scores(trials: list[list[Trial]], measure: str) -> np.ndarray:
    """Validation accuracy, or the loss with its sign turned: (settings, seeds), -inf where a trial diverged."""
    values = [[t.val_accuracy if measure == "accuracy" else -t.val_loss for t in seed] for seed in trials]
    table = np.array(values, np.float64).T
    return np.where(np.isfinite(table), table, -np.inf)


def figures(points: Sequence[Hyperparameters], found: dict[str, list[list[Trial]]]) -> dict[str, Any]:
    """Every number of the study but its raw trials."""
    table = {m: {regime: scores(found[regime], m) for regime in REGIMES} for m in MEASURES}
    searched = {
        **{
            f"learning_rate of {name}": [p.learning_rate if p.optimizer == name else np.nan for p in points]
            for name in OPTIMIZERS
        },
        "weight_decay": [p.weight_decay for p in points],
        "label_smoothing": [p.label_smoothing for p in points],
        "dropout": [p.dropout for p in points],
        "adaptive": [float(p.optimizer == "AdamW") for p in points],
    }
    numbers = {name: np.array(values) for name, values in searched.items()}
    return {
        measure: {
            "between_seeds": {regime: between_seeds(of[regime]) for regime in REGIMES},
            "agreement": {f"{x} -> {y}": agreement(of[x], of[y]) for x, y in PAIRS},
            "cost_of_choosing_on": {f"{x} -> {y}": cost(of[x], of[y]) for x, y in PAIRS},
            "effects": {regime: effects(numbers, of[regime]) for regime in REGIMES},
        }
        for measure, of in table.items()
    }


def raw(points: Sequence[Hyperparameters], found: dict[str, list[list[Trial]]]) -> list[dict[str, Any]]:
    """A row a setting: what it is, and its accuracy and loss by regime and seed."""
    rows = []
    for place, point in enumerate(points):
        row: dict[str, Any] = {
            name: getattr(point, name)
            for name in ("optimizer", "learning_rate", "weight_decay", "label_smoothing", "dropout")
        }
        for regime in REGIMES:
            trials = [seed[place] for seed in found[regime]]
            row[regime] = {
                "val_accuracy": [finite(t.val_accuracy) for t in trials],
                "val_loss": [finite(t.val_loss) for t in trials],
                "seconds": [round(t.seconds, 3) for t in trials],
                "engine": sorted({t.engine for t in trials}),
            }
        rows.append(row)
    return rows


def strict(value: Any) -> Any:
    """JSON data with None in place of NaN and the infinities."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def lines(result: dict[str, Any]) -> list[str]:
    """The table, in Markdown."""
    head = (
        "| measure | ranked on → judged on | Spearman (95 %) | Kendall | ceiling | better half | lost by the choice |"
    )
    out = [head, "|---|---|---|---|---|---|---|"]
    for measure in MEASURES:
        found = result["figures"][measure]
        for pair, one in found["agreement"].items():
            span = one["spearman_interval"]
            around = f" ({span[0]:+.2f} to {span[1]:+.2f})" if span else ""
            lost = found["cost_of_choosing_on"][pair]
            cells = [measure, pair.replace("->", "→"), shown(one["spearman"]) + around, shown(one["kendall"])]
            cells += [shown(one["ceiling"]), shown(one["spearman_of_the_better_half"])]
            price = "?" if lost["lost"] is None else f"{lost['lost']:.3f}"
            out.append(f"| {' | '.join(cells)} | {price}, rank {lost['rank']} of {result['settings']} |")
    out += [
        "",
        "| which way a setting pulls (Spearman with accuracy) | " + " | ".join(REGIMES) + " |",
        "|---|---|---|---|",
    ]
    pulls = result["figures"]["accuracy"]["effects"]
    out += [f"| {name} | " + " | ".join(shown(pulls[r][name]) for r in REGIMES) + " |" for name in pulls["cached"]]
    return out


def shown(value: float | None) -> str:
    """Two digits and a sign, or a question mark."""
    return "?" if value is None else f"{value:+.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--settings", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1000, help="to train, and as many to validate")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the run and its data are")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    backend.prepare("auto", "float32")
    problem = problem_of(asked.folder, asked.images)
    points = settings(asked.settings)
    with opened(asked.folder, problem) as run:
        found = train(problem, run, points, asked.seeds)
        seconds = sum(trial.seconds for regime in found.values() for seed in regime for trial in seed)
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "settings": len(points),
        "seeds": asked.seeds,
        "images": asked.images,
        "seconds_of_training": round(seconds, 1),
        "figures": figures(points, found),
        "trials": raw(points, found),
    }
    result = strict(result)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print("\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
