"""Does `transfer: auto` choose a regime that is as good as the best? Eight tasks, two for each field of the table.

    python -m benchmarks.quadrants [--only NAME ...] [--folder FOLDER]

EfficientNet-Lite0 with its ImageNet weights at 32 pixels. For each task auto measures and chooses after the head's
first round, as in a run. Then all four regimes are trained to their end, chosen or not, each from the trained head and
the best of its own short runs: head, upper half then all, all at a small rate, all with batch norm. They are compared
on held-out images that no choice has seen; a regime that has too few steps to be tried counts as the head. Auto is
right where the best regime is not better than the chosen one by more than one standard error of the difference, which
is paired: both answer to the same images.

Each task is a run of its own whose trials are kept, so that the command, given again, goes on where it was stopped.
Writes benchmarks/results/quadrants.json after each task and prints the table. Some 40 minutes on two cores.
"""

import argparse
import dataclasses
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quadrant_tasks import SIDE, TASKS
from tuner import backend, tune
from tuner import recipe as recipes
from tuner.cli.progress import Lines
from tuner.data import Problem, cache_folder, open_dataset
from tuner.environment import environment
from tuner.interrupts import StopFlag
from tuner.models import stages
from tuner.models.stage import HEAD, REGIMES, field_of
from tuner.records import Trial, TrialSpec, number, to_json
from tuner.search.ranking import ranked
from tuner.setting import Setting
from tuner.steps import learning_rate, transfer
from tuner.steps.rungs import finalists, whole
from tuner.steps.situation import TRANSFER, Situation, opened, situation
from tuner.steps.stage_rates import stage_runs
from tuner.steps.transfer import paired
from tuner.store import Store
from tuner.training import fit, predict

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "quadrants.json"
FOLDER = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser() / "quadrants"

FEW, MANY = (300, 150), (2000, 500)  # images to train and to validate
HELD_OUT = 1000
EPOCHS = {False: 6, True: 4}  # few or many images: epochs of a longer run
HELD_OUT_STEP = "compared"  # step of the trials that only this study asks for

Right = NDArray[np.bool_]


def problem_of(folder: Path, name: str) -> Problem:
    """The task's images, drawn once, and the recipe that auto decides for."""
    folder.mkdir(parents=True, exist_ok=True)
    make, many, _ = TASKS[name]
    plain = name.replace(",", "").replace(" ", "-")
    train, validation = MANY if many else FEW
    data = folder / f"{plain}.npz"
    if not data.is_file():
        images, labels = make(train + validation + HELD_OUT, np.random.default_rng(0))
        order = np.random.default_rng(1).permutation(len(labels))
        parts = dict(zip(("train", "val", "test"), np.split(order, [train, train + validation]), strict=True))
        arrays = {f"x_{part}": images[rows] for part, rows in parts.items()}
        np.savez(data, **arrays, **{f"y_{part}": labels[rows] for part, rows in parts.items()})
    described = {
        "version": 1,
        "name": plain,
        "data": {"source": "npz", "path": data.name, "image_size": [SIDE, SIDE], "cache_dir": str(folder / "cache")},
        "model": {"backbone": "EfficientNetLite0", "weights": "imagenet"},
        "steps": {"short_runs": {"trials": 8, "epochs": 3}, "change": {"top_k": 1, "epochs": EPOCHS[many]}},
    }
    path = folder / f"{plain}.yaml"
    path.write_text(json.dumps(described))  # JSON is YAML
    recipe = recipes.load(path)
    return Problem(recipe, open_dataset(recipe, Lines()), cache_folder(recipe))


def opened_run(folder: Path, problem: Problem) -> Store:
    """The run of this task, begun or gone on with."""
    recipe, out = problem.recipe, folder / "reports"
    last = max((out / recipe.name).glob("*/run.db"), default=None)
    if last is not None:
        return Store.resume(last.parent, recipe.to_json(), Lines(), StopFlag())
    return Store.create(out, recipe.name, recipe.to_json(), recipe.text, environment(), Lines(), StopFlag())


def decided(problem: Problem, run: Store) -> dict[str, Any]:
    """What auto finds and chooses: the rate, one round of the head, and the regimes tried. Chosen anew each time."""
    tune.take(learning_rate.STEP, problem, run, 0)
    for name in tune.ROUND[:-1]:
        tune.take(tune.step_of(name), problem, run, 1)
    found: dict[str, Any] = to_json(transfer.measure(problem, run))
    return found


def trained(problem: Problem, run: Store, regime: str, before: Situation, head: Trial) -> Trial:
    """The best trial of a regime that was trained to its end: of each stage the best short run, trained on."""
    best, plan = head, stages(problem.recipe, regime)
    point = before.setting.hyperparameters
    for place, stage in enumerate(plan[1:], start=1):
        now = Situation(place, Setting(point, plan[place - 1].name, {}), plan, best)
        for change in opened(now, stage):
            point = point if change.path == "transfer.stage" else point.replace(change.path, change.value)
        there = Situation(before.round + place, Setting(point, stage.name, {}), plan, best)
        short, _ = stage_runs(problem, run, there, TRANSFER if place == 1 else HELD_OUT_STEP)
        leading = finalists(run, short, len(problem.dataset.validation))
        if not leading:
            break
        longer = longer_of(problem, leading[0], stage.epochs, stage.name)
        candidates = [best, leading[0], fit(problem, run, longer)]
        best = ranked(candidates)[0]
        point = dataclasses.replace(point, learning_rate=leading[0].hyperparameters.learning_rate)
    return best


def longer_of(problem: Problem, parent: Trial, epochs: int, stage: str) -> TrialSpec:
    """What step 6 would train on: a new cycle of cosine decay from the best weights."""
    point = dataclasses.replace(parent.hyperparameters, schedule="CosineDecay")
    patience = problem.recipe.regularization.early_stopping.patience
    ours = {"step": HELD_OUT_STEP, "stage": stage, "parent": parent.number, "patience": patience, "keep": True}
    return TrialSpec(point, epochs, problem.recipe.seed, **ours)  # type: ignore[arg-type]


def held_out(problem: Problem, run: Store, trial: Trial) -> Right:
    """Which held-out images a trial gets right."""
    test = problem.dataset.sealed_test
    found: Right = predict(problem, run, trial, test.images).argmax(axis=1) == test.labels
    return found


def measured(folder: Path, name: str) -> dict[str, Any]:
    """Everything about one task."""
    problem = problem_of(folder, name)
    with opened_run(folder, problem) as run:
        evidence = decided(problem, run)
        head = run.trials[int(evidence["head"]["trial"]) - 1]
        before = situation(problem, run)
        before = dataclasses.replace(before, round=1)
        out = {one["regime"] for one in evidence["left_out"]}
        best = {name: head if name in out else trained(problem, run, name, before, head) for name in REGIMES}
        right = {regime: held_out(problem, run, trial) for regime, trial in best.items()}
        seconds = sum(trial.seconds for trial in run.trials)
        spent = sum(t.seconds for t in run.trials if t.spec.step == TRANSFER)
    accuracy = {regime: float(found.mean()) for regime, found in right.items()}
    winner = max(REGIMES, key=lambda regime: (accuracy[regime], -list(REGIMES).index(regime)))
    chosen = str(evidence["chosen"])
    behind, error = paired(right[winner], right[chosen])
    found = evidence["likeness"]
    similarity = found["similarity"]
    return {
        "task": name,
        "meant": {"many": TASKS[name][1], "similar": TASKS[name][2]},
        "images": int(evidence["images"]),
        "likeness": {key: value if value is None else number(value) for key, value in found.items()},
        "table": field_of(int(evidence["images"]), similarity).regime,
        "tried": {
            one["regime"]: {key: number(one[key]) for key in ("gain", "gain_error", "loss_gain", "loss_error", "rate")}
            for one in evidence["tried"]
        },
        "left_out": {one["regime"]: one["why"] for one in evidence["left_out"]},
        "chosen": chosen,
        "held_out": accuracy,
        "epochs": {regime: whole(run, trial).epochs for regime, trial in best.items()},
        "best": winner,
        "behind": behind,
        "error": error,
        "within_noise": behind <= error,
        "head_behind": paired(right[winner], right[HEAD])[0],
        "table_behind": paired(right[winner], right[field_of(int(evidence["images"]), similarity).regime])[0],
        "seconds": seconds,
        "seconds_of_tries": spent,
    }


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The table, in Markdown."""
    head = "| task | pixels → features | similarity | the table says | " + " | ".join(REGIMES.values())
    out = [f"{head} | auto takes | behind the best | within noise |", "|---" * (7 + len(REGIMES)) + "|"]
    for row in rows:
        likeness = row["likeness"]
        cells = [row["task"], f"{likeness['pixels']:.2f} → {likeness['features']:.2f}"]
        cells += [f"{likeness['similarity']:.2f}", row["table"]]
        cells += [f"{row['held_out'][regime]:.3f}" for regime in REGIMES]
        cells += [row["chosen"], f"{row['behind']:.3f} ± {row['error']:.3f}", "yes" if row["within_noise"] else "no"]
        out.append(f"| {' | '.join(cells)} |")
    good = sum(row["within_noise"] for row in rows)
    out.append("")
    out.append(
        f"Within noise of the best on {good} of {len(rows)}; {sum(r['seconds'] for r in rows):.0f} s of training."
    )
    return out


def main() -> int:
    """Measure every task that was asked for, and keep what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the runs and their data are")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    backend.prepare("auto", "float32")
    rows: list[dict[str, Any]] = []
    for name in asked.only:
        rows.append(measured(asked.folder, name))
        result = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "environment": environment(),
            "images": {"few": FEW, "many": MANY, "held_out": HELD_OUT},
            "epochs": EPOCHS,
            "rows": rows,
        }
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
        print("\n".join(lines(rows)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
