"""A complete, made-up run on the digits: two rounds, two stages, thirty trials, one of them diverged.

The curves come from simple formulas with seeded noise, so that the page that is drawn from them looks like a real one
and is the same on every machine.
"""

import base64
import io
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image

from tuner.hyperparameters import Hyperparameters
from tuner.records import (
    Change,
    Finding,
    LearningCurves,
    Run,
    Trial,
    TrialSpec,
    TrialState,
    failed,
    passed,
    to_json,
    warned,
)

CLASSES = tuple(str(digit) for digit in range(10))
VALIDATION = 270
LN_10 = math.log(10)
START = Hyperparameters(learning_rate=1e-3, weight_decay=1e-4, head_initializer="glorot_uniform")


def curves(rng: random.Random, epochs: int, rate: float, best: float, gap: float, best_rate: float) -> LearningCurves:
    """Curves that fall fastest at `best_rate`, end near accuracy `best`, with a train/validation `gap`."""
    off = math.log10(rate / best_rate)
    speed = 0.95 * math.exp(-(off**2) / 0.9)
    loss, val_loss, accuracy, val_accuracy = [], [], [], []
    for epoch in range(1, epochs + 1):
        learned = 1 - math.exp(-speed * (epoch + 0.4))
        wobble = rng.gauss(0, 0.004)
        accuracy.append(min(1.0, 0.1 + (best + gap - 0.1) * learned + wobble))
        val_accuracy.append(round(min(0.996, 0.1 + (best - 0.1) * learned + wobble) * VALIDATION) / VALIDATION)
        loss.append(max(0.004, LN_10 * (1 - learned) + 0.16 * (1 - best) + rng.gauss(0, 0.006)))
        rise = gap * 0.9 * max(0, epoch - 4) / 3
        val_loss.append(max(0.03, LN_10 * (1 - learned) * 1.02 + 1.5 * (1 - best) + rise + rng.gauss(0, 0.008)))
    return LearningCurves(tuple(loss), tuple(val_loss), tuple(accuracy), tuple(val_accuracy), (rate,) * epochs)


class Book:
    """Numbers trials as they are recorded."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.rng = random.Random(7)

    def add(self, spec: TrialSpec, made: LearningCurves, seconds: float, engine: str, reason: str = "") -> Trial:
        losses = [value if math.isfinite(value) else math.inf for value in made.val_loss]
        best = losses.index(min(losses)) + 1 if losses else made.epochs or None
        state = TrialState.DIVERGED if reason else TrialState.COMPLETED
        trial = Trial(len(self.trials) + 1, spec, state, made, seconds, engine, reason, best)
        self.trials.append(trial)
        return trial


def data_finding() -> Finding:
    counts = {
        "train": [125, 127, 124, 128, 127, 127, 127, 125, 122, 126],
        "validation": [27, 27, 27, 27, 27, 27, 27, 27, 26, 28],
        "test": [26, 28, 26, 28, 27, 28, 27, 27, 26, 26],
    }
    evidence = {
        "source": "digits (scikit-learn)",
        "fingerprint": "9f3c51d2a07be6c4",
        "image_size": [64, 64],
        "channels": 3,
        "class_names": list(CLASSES),
        "counts": counts,
        "skipped": [["extra/scan_0031.webp", "not a format that is read: .webp"], ["3/cut.png", "truncated file"]],
        "duplicates": [["index 412", "index 1530", "train/test"]],
        "limit": None,
        "given": [],
        "groups": {
            "by": "column writer",
            "count": 43,
            "parts": {"train": 30, "validation": 6, "test": 7},
            "largest": "writer 12",
            "largest_images": 44,
        },
        "folds": {"count": 3, "because": "as the recipe says"},
        "seconds": 1.9,
        "cached": False,
    }
    verdicts = (
        passed(
            "balanced_classes",
            "Every class is in every split; the largest has 1.05 times as many images as the smallest.",
        ),
        warned(
            "duplicate_across_splits",
            "1 image is in both the training and the test set: the test accuracy is a little too kind.",
        ),
    )
    return Finding("data", 0, "", "Are the data what they seem?", evidence, verdicts, seconds=1.9)


def initial_loss_finding() -> Finding:
    evidence = {
        "expected": LN_10,
        "num_classes": 10,
        "balanced": True,
        "measured": [2.7312, 2.6458, 2.8104],
        "regularization": 0.1,
        "regularized": [3.9021, 3.8110, 4.0022],
        "examples": 256,
        "trainable_weights": 12810,
        "from_logits": True,
        "declared_from_logits": True,
        "output_sums_to_one": False,
        "tolerance": 0.25,
    }
    change = Change(
        "model.head_initializer",
        "zeros",
        "the untrained head is confident before it has learned anything",
        "glorot_uniform",
    )
    verdict = warned(
        "confident_start",
        "Loss starts 0.43 nats above 2.30: the untrained head already prefers some classes.",
        change,
        excess=0.43,
    )
    return Finding(
        "initial_loss", 0, "head", "Does an untrained model know nothing?", evidence, (verdict,), (change,), (), 2.1
    )


def overfit_finding(book: Book) -> Finding:
    rng, attempts, numbers = book.rng, [], []
    for rate, speed in ((1e-3, 0.012), (1e-2, 0.16), (1e-2, 0.004)):
        blank = len(attempts) == 2
        epochs = 60 if speed != 0.16 else 34
        floor = 1.9 if blank else 0.002
        loss = [
            max(floor, 2.31 * math.exp(-speed * e) + rng.gauss(0, 0.012) * math.exp(-speed * e)) for e in range(epochs)
        ]
        accuracy = [
            min(1.0, max(0.08, 1.04 - 0.94 * math.exp(-speed * 1.3 * e) + rng.gauss(0, 0.008))) for e in range(epochs)
        ]
        if blank:
            accuracy = [0.1 + 0.03 * rng.random() for _ in range(epochs)]
        spec = TrialSpec(
            replace(START, head_initializer="zeros", learning_rate=rate),
            epochs,
            0,
            "overfit_small_sample",
            stage="head",
            examples=160,
            blank_images=blank,
            validate=False,
        )
        made = LearningCurves(loss=tuple(loss), accuracy=tuple(accuracy))
        numbers.append(book.add(spec, made, 1.1, "features").number)
        attempts.append(
            {
                "optimizer": "AdamW",
                "learning_rate": rate,
                "loss": loss,
                "accuracy": accuracy,
                "state": "completed",
                "reason": "",
                "shape": "fits" if speed == 0.16 else "flat",
            }
        )
    evidence = {
        "examples": 160,
        "batches": 5,
        "target_accuracy": 1.0,
        "attempts": attempts[:2],
        "blank": attempts[2],
        "chosen": 1,
    }
    verdict = passed(
        "fits_small_sample",
        "160 images are learned to accuracy 1.000 in 34 epochs; blank images stay at chance, as they should.",
    )
    return Finding(
        "overfit_small_sample",
        0,
        "head",
        "Can it learn a few examples by heart?",
        evidence,
        (verdict,),
        (),
        tuple(numbers),
        3.6,
    )


def rate_finding(book: Book) -> Finding:
    rng, sweep, numbers = book.rng, [], []
    for rate in (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4):
        losses, level = [], LN_10
        for step in range(100):
            off = math.log10(rate / 3e-3)
            level += -0.03 * math.exp(-(off**2) / 0.8) * max(0.0, level - 0.12) + (
                0.035 * rate / 0.1 if rate > 5e-2 else 0
            )
            losses.append(level + rng.gauss(0, 0.025 + (0.12 if rate > 2e-2 else 0)) * math.exp(-step / 200))
        bad = rate == 1e-1
        if bad:
            losses = [LN_10 * math.exp(step / 14) for step in range(38)] + [math.inf]
        spec = TrialSpec(
            replace(START, head_initializer="zeros", learning_rate=rate, weight_decay=1e-5),
            3,
            0,
            "learning_rate",
            stage="head",
            max_steps=100,
            validate=False,
        )
        made = LearningCurves(loss=(losses[-1],), step_loss=tuple(losses))
        trial = book.add(spec, made, 0.2, "columns", "loss was inf at step 39" if bad else "")
        numbers.append(trial.number)
        sweep.append(
            {
                "learning_rate": rate,
                "step_loss": losses,
                "first": losses[0],
                "last": losses[-1],
                "state": trial.state.value,
                "falls": rate in (1e-2, 3e-3, 1e-3, 3e-2),
            }
        )
    rates = [1e-7 * (10 / 1e-7) ** (i / 99) for i in range(99)]
    smoothed = [
        2.303 - 1.9 / (1 + math.exp(-2.4 * (math.log10(r) + 2.7))) + (max(0.0, math.log10(r) + 1.3) * 2.2) ** 2
        for r in rates
    ]
    smoothed = [value for value in smoothed if value < 5]
    raw = [value + rng.gauss(0, 0.06) for value in smoothed]
    spec = TrialSpec(
        replace(START, head_initializer="zeros", weight_decay=1e-5),
        3,
        0,
        "learning_rate",
        stage="head",
        max_steps=100,
        ramp=(1e-7, 10.0),
        validate=False,
    )
    numbers.append(book.add(spec, LearningCurves(loss=(raw[-1],), step_loss=tuple(raw)), 0.4, "features").number)
    evidence = {
        "iterations": 100,
        "weight_decay": 1e-5,
        "sweep": sweep,
        "range_test": {
            "rates": rates[: len(raw)],
            "losses": raw,
            "smoothed": smoothed,
            "stopped": "the loss passed four times its lowest value",
        },
        "suggestions": {"valley": 4.1e-3, "slide": 9.2e-3, "steep": 2.0e-3, "minimum": 3.6e-2},
        "spread": {"valley": 0.06, "slide": 0.11, "steep": 0.21},
        "chosen": 3e-3,
        "why": "of the rates that fall steadily, 0.003 is lowest after 100 iterations",
    }
    change = Change(
        "optimizer.learning_rate", 3e-3, "of the rates that fall steadily, 0.003 is lowest after 100 iterations", 1e-3
    )
    verdict = passed(
        "rate_found",
        "At 0.003 the loss falls from 2.30 to 0.37 within 100 iterations, lower than at any other rate.",
        change,
    )
    return Finding(
        "learning_rate",
        0,
        "head",
        "At which rate does the loss fall steadily?",
        evidence,
        (verdict,),
        (change,),
        tuple(numbers),
        1.6,
    )


def short_runs_finding(
    book: Book, round_: int, stage: str, base: Hyperparameters, count: int, best: float, epochs: int
) -> Finding:
    rng, numbers = book.rng, []
    middle = base.learning_rate
    for index in range(count):
        rate = middle * 10 ** rng.uniform(-0.8, 0.7)
        decay = 10 ** rng.uniform(-5, -2.3)
        dropout = rng.choice([0.0, 0.1, 0.2, 0.3, 0.5])
        point = replace(base, learning_rate=rate, weight_decay=decay, dropout=dropout)
        diverges = round_ == 1 and index == 7
        if diverges:
            point = replace(point, learning_rate=0.088)
        made = curves(rng, epochs, point.learning_rate, best - 0.02 * rng.random(), 0.035 - 0.05 * dropout, middle)
        if diverges:
            made = LearningCurves(
                (2.61, 14.2, math.nan), (3.9, 41.0, math.nan), (0.21, 0.11, 0.1), (0.19, 0.1, 0.1), (0.088,) * 3
            )
        spec = TrialSpec(point, epochs, index, "short_runs", round_, stage, keep=True)
        numbers.append(
            book.add(
                spec,
                made,
                rng.uniform(0.4, 0.6) if round_ == 1 else rng.uniform(28, 33),
                "columns" if round_ == 1 else "whole_model",
                "loss was nan in epoch 3" if diverges else "",
            ).number
        )
    alive = [t for t in book.trials if t.number in numbers and t.state is TrialState.COMPLETED]
    top = max(alive, key=lambda trial: trial.val_accuracy)
    noise = math.sqrt(top.val_accuracy * (1 - top.val_accuracy) / VALIDATION)
    evidence = {
        "stage": stage,
        "algorithm": "random",
        "epochs": epochs,
        "space": {
            "optimizer.learning_rate": {"min_value": middle / 6, "max_value": middle * 5, "sampling": "log"},
            "optimizer.weight_decay": {"min_value": 1e-5, "max_value": 5e-3, "sampling": "log"},
            "model.dropout": {"values": [0.0, 0.1, 0.2, 0.3, 0.5]},
        },
        "trials": numbers,
        "best": top.number,
        "noise": noise,
        "rungs": []
        if round_ == 1
        else [
            {"epochs": 1, "trials": numbers, "continued": [top.number]},
            {"epochs": epochs, "trials": [top.number], "continued": []},
        ],
    }
    verdict = passed(
        "best_of_short_runs",
        f"{count} short runs of {epochs} epochs: trial {top.number} is best at {top.val_accuracy:.3f} ± {noise:.3f}.",
    )
    return Finding(
        "short_runs",
        round_,
        stage,
        "Which settings near the rate do best in a few epochs?",
        evidence,
        (verdict,),
        (),
        tuple(numbers),
        6.4 if round_ == 1 else 190,
    )


def curves_finding(round_: int, stage: str, short: Finding, book: Book) -> Finding:
    readings = []
    order = sorted(
        short.trials,
        key=lambda n: (
            -(
                book.trials[n - 1].val_accuracy
                if book.trials[n - 1].val_accuracy == book.trials[n - 1].val_accuracy
                else -1
            )
        ),
    )
    for rank, number in enumerate(order):
        trial = book.trials[number - 1]
        if trial.state is TrialState.DIVERGED:
            readings.append(
                {
                    "trial": number,
                    "symptom": "diverged",
                    "outcome": "fail",
                    "sentence": "The loss left the finite numbers in epoch 3: the rate 0.088 is too high.",
                    "onset": 3,
                }
            )
        elif rank < 3 and round_ == 1:
            readings.append(
                {
                    "trial": number,
                    "symptom": "overfitting",
                    "outcome": "warn",
                    "sentence": "Training accuracy is 0.031 above validation and the gap still grows.",
                    "onset": 3,
                }
            )
        elif rank > 6:
            readings.append(
                {
                    "trial": number,
                    "symptom": "rate_too_low",
                    "outcome": "warn",
                    "sentence": "The loss falls in a straight line and is far from level: the rate is low.",
                    "onset": None,
                }
            )
        else:
            readings.append(
                {
                    "trial": number,
                    "symptom": "healthy",
                    "outcome": "pass",
                    "sentence": "Both losses fall and stay close together.",
                    "onset": None,
                }
            )
    if round_ == 1:
        changes = (
            Change("regularization.l2", 1e-3, "the three best trials overfit from epoch 3", 0.0),
            Change("loss.label_smoothing", 0.1, "the gap between training and validation grows", 0.0),
        )
        verdict = warned(
            "overfitting", "The three best trials overfit: training accuracy runs 0.031 ahead of validation.", *changes
        )
    else:
        verdict = passed("healthy", "The best trials are healthy: both losses fall and stay close together.")
    return Finding(
        "learning_curves",
        round_,
        stage,
        "What do the curves say?",
        {"stage": stage, "readings": readings, "leading": verdict.name},
        (verdict,),
        (),
        (),
        0.0,
    )


def change_finding(book: Book, round_: int, stage: str, curve: Finding, best: float) -> Finding:
    rng, candidates, numbers = book.rng, [], []
    parents = [reading["trial"] for reading in curve.evidence["readings"][:2]]
    for rank, parent_number in enumerate(parents):
        parent = book.trials[parent_number - 1]
        proposed = curve.verdicts[0].changes or (
            Change("schedule.name", "CosineDecay", "the loss is level at the end and still noisy", "none"),
        )
        changes = proposed[rank : rank + 1] or proposed
        point = parent.hyperparameters
        for change in changes:
            point = point.replace(change.path, change.value)
        made = parent.curves.joined(curves(rng, 7, point.learning_rate, best - 0.006 * rank, 0.01, point.learning_rate))
        made = replace(
            made,
            val_accuracy=tuple(
                min(0.996, max(v, parent.val_accuracy - 0.006 + 0.0022 * i)) for i, v in enumerate(made.val_accuracy)
            ),
            val_loss=tuple(0.9 * math.exp(-0.3 * i) + 0.09 + rng.gauss(0, 0.006) for i in range(made.epochs)),
            loss=tuple(0.95 * math.exp(-0.36 * i) + 0.03 for i in range(made.epochs)),
        )
        spec = TrialSpec(
            point, 10, parent.spec.seed, "change", round_, stage, parent=parent_number, continued=True, keep=True
        )
        trial = book.add(spec, made, 2.2 if round_ == 1 else 74, "columns" if round_ == 1 else "whole_model")
        numbers.append(trial.number)
        candidates.append(
            {
                "trial": trial.number,
                "parent": parent_number,
                "changes": to_json(changes),
                "before": parent.val_accuracy,
                "after": trial.val_accuracy,
                "epochs": 10,
            }
        )
    taken = max(candidates, key=lambda c: c["after"])
    noise = math.sqrt(taken["after"] * (1 - taken["after"]) / VALIDATION)
    parent = book.trials[taken["parent"] - 1]
    point = book.trials[taken["trial"] - 1].hyperparameters
    applied = tuple(
        Change(path, point.get(path), f"trial {taken['trial']} with it is the best of the round", START.get(path))
        for path in ("optimizer.weight_decay", "model.dropout")
        if round_ == 1
    ) + tuple(Change(c["path"], c["value"], c["because"], c["before"]) for c in taken["changes"])
    if round_ == 2:
        applied += (
            Change(
                "optimizer.learning_rate",
                point.learning_rate,
                "the best fine-tuning trial used it; whole-network rates are about a tenth of the head's",
                3e-3,
            ),
        )
    what = f"{taken['changes'][0]['path']} = {taken['changes'][0]['value']}"
    verdict = passed(
        "change_helps",
        f"Trial {taken['trial']} rises from {taken['before']:.3f} to {taken['after']:.3f} with {what}.",
        *applied,
    )
    return Finding(
        "change",
        round_,
        stage,
        "Does what the verdict proposes help?",
        {"stage": stage, "candidates": candidates, "noise": noise, "taken": taken["trial"], "folds": folds(candidates)},
        (verdict,),
        applied,
        tuple(numbers),
        4.4 if round_ == 1 else 148,
    )


def folds(candidates: list[dict]) -> list[dict]:
    """Each candidate on three folds, around what the one split said."""
    return [
        {
            "trial": one["trial"],
            "accuracies": [one["after"] - 0.02, one["after"] - 0.01, one["after"]],
            "mean": one["after"] - 0.01,
            "sd": 0.01,
            "loss": 0.2,
            "single": one["after"],
        }
        for one in candidates
    ]


def repeat_finding(round_: int, stage: str, change: Finding, previous: float | None, seconds: float) -> Finding:
    taken = next(c for c in change.evidence["candidates"] if c["trial"] == change.evidence["taken"])
    met = taken["after"] >= 0.97
    evidence = {
        "round": round_,
        "best_trial": taken["trial"],
        "best": taken["after"],
        "previous": previous,
        "gain": taken["after"] - previous if previous else None,
        "noise": change.evidence["noise"],
        "target": 0.97,
        "rounds_left": 6 - round_,
        "seconds": seconds,
        "budget": 1800,
        "decision": "stop" if met else "again",
        "reason": "target met" if met else "again",
    }
    if met:
        verdict = passed("target_met", f"{taken['after']:.3f} is at or above the wanted 0.970: stop here.")
        return Finding("repeat", round_, stage, "Is it good enough, or once more?", evidence, (verdict,), (), (), 0.0)
    change_ = Change(
        "transfer.trainable",
        "all",
        "the head gives what it can; next, the whole network at a tenth of the rate",
        "none",
    )
    verdict = warned(
        "again", f"{taken['after']:.3f} is below the wanted 0.970: once more, with the whole network.", change_
    )
    return Finding(
        "repeat", round_, stage, "Is it good enough, or once more?", evidence, (verdict,), (change_,), (), 0.0
    )


RECIPE_TEXT = """\
# tuner run recipes/digits.yaml
version: 1
name: digits
data:
  source: digits
  image_size: [64, 64]
model:
  backbone: EfficientNetLite0
  weights: imagenet
optimizer:
  name: AdamW
  learning_rate: auto
target: {metric: val_accuracy, at_least: 0.97}
budget: {max_time: 30m}
seed: 0
"""


def sample_run() -> Run:
    """The run."""
    book = Book()
    findings = [data_finding(), initial_loss_finding(), overfit_finding(book), rate_finding(book)]
    base, previous = replace(START, head_initializer="zeros", learning_rate=3e-3), None
    for round_, stage, count, best, epochs in ((1, "head", 10, 0.955, 3), (2, "fine_tune", 6, 0.983, 3)):
        short = short_runs_finding(book, round_, stage, base, count, best, epochs)
        seen = curves_finding(round_, stage, short, book)
        change = change_finding(book, round_, stage, seen, best + 0.006)
        repeat = repeat_finding(round_, stage, change, previous, 24.0 if round_ == 1 else 372.0)
        findings += [short, seen, change, repeat]
        previous = repeat.evidence["best"]
        base = replace(
            book.trials[repeat.evidence["best_trial"] - 1].hyperparameters, trainable="all", learning_rate=3e-4
        )
    best_trial = book.trials[findings[-1].evidence["best_trial"] - 1]
    accuracy = best_trial.val_accuracy
    half = 1.96 * math.sqrt(accuracy * (1 - accuracy) / VALIDATION)
    conclusion = {
        "outcome": "target_met",
        "title": f"Target met: validation accuracy {accuracy:.3f} (wanted 0.970)",
        "best_trial": best_trial.number,
        "val_accuracy": accuracy,
        "val_interval": [accuracy - half, min(1, accuracy + half)],
        "val_loss": best_trial.val_loss,
        "test_accuracy": 0.9740,
        "test_interval": [0.9474, 0.9873],
        "test_examples": 269,
        "model": "best.keras",
        "reload_difference": 0.0,
        "stage": "fine_tune",
        "next_actions": [
            {
                "reason": "Digits 8 and 1 are confused most often; a little more variety there is the likeliest gain.",
                "path": "augmentation",
                "value": "[{RandomRotation: {factor: 0.05}}]",
                "command": "tuner run recipes/digits.yaml --set 'augmentation=[{RandomRotation: {factor: 0.05}}]'",
            },
            {
                "reason": "One image is in both the training and the test set; leave it out for an honest accuracy.",
                "path": "data.on_corrupt",
                "value": "fail",
                "command": "tuner run recipes/digits.yaml --set data.on_corrupt=fail",
            },
            {
                "reason": "The gain over the head alone is 8 times the noise; a larger input may bring the rest.",
                "path": "data.image_size",
                "value": [96, 96],
                "command": "tuner run recipes/digits.yaml --set 'data.image_size=[96, 96]'",
            },
        ],
        "hyperparameters": to_json(best_trial.hyperparameters),
        "because": {"optimizer.name": "the recipe says so"},
        "auto": {
            "optimizer.learning_rate": {
                "value": best_trial.hyperparameters.learning_rate,
                "because": "found in step 3, then refined by the short runs",
            },
            "transfer": {
                "value": "head, then the whole network",
                "because": "1258 images unlike those of ImageNet: small and different",
            },
            "loss.from_logits": {"value": True, "because": "the model ends in scores"},
            "runtime.precision": {"value": "float32", "because": "a CPU gains nothing from mixed precision"},
        },
        "gain_over_start": 0.0631,
    }
    environment = {
        "tuner": "0.1.0",
        "python": "3.11.9",
        "packages": {"keras": "3.15.1", "tensorflow-cpu": "2.21.0", "numpy": "2.4.6", "pillow": "13.0.0"},
        "platform": "Linux-6.1-x86_64-with-glibc2.36",
        "cpus": 2,
        "memory": 16 * 2**30,
        "command": "tuner run recipes/digits.yaml",
        "git_commit": "4be1f0c",
        "device": {"backend": "tensorflow", "name": "cpu (2 cores)", "kind": "cpu", "precision": "float32"},
    }
    recipe: dict[str, Any] = {
        "version": 1,
        "name": "digits",
        "seed": 0,
        "data": {"source": "digits", "image_size": [64, 64], "batch_size": 32},
        "model": {"backbone": "EfficientNetLite0", "weights": "imagenet"},
        "transfer": "auto",
        "optimizer": {"name": "AdamW", "learning_rate": "auto"},
        "target": {"metric": "val_accuracy", "at_least": 0.97},
        "steps": {"initial_loss": {"enabled": True}},
        "report": {"embed_images": 24},
    }
    return Run(
        "digits",
        7,
        "/home/ada/digits/reports/digits/0007",
        "2026-11-20T14:03:22+00:00",
        "finished",
        recipe,
        RECIPE_TEXT,
        environment,
        tuple(findings),
        tuple(book.trials),
        conclusion,
        372.4,
    )


def crowded_run(count: int, lost: int = 1) -> Run:
    """A run of one round of so many short runs, of which the worst `lost` diverged."""
    whole, book = sample_run(), Book()
    short = short_runs_finding(book, 2, "head", replace(START, learning_rate=3e-3), count, 0.97, 5)
    worst = {trial.number for trial in sorted(book.trials, key=lambda trial: trial.val_accuracy)[:lost]}
    trials = tuple(
        replace(trial, state=TrialState.DIVERGED, reason="loss was nan in epoch 3") if trial.number in worst else trial
        for trial in book.trials
    )
    seen = curves_finding(2, "head", short, book)
    return replace(whole, findings=(data_finding(), short, seen), trials=trials, conclusion={"title": "Many trials"})


def stopped_run() -> Run:
    """The same run, had step 2 failed."""
    whole = sample_run()
    found = {finding.step: finding for finding in whole.findings if finding.round == 0}
    attempts = [dict(found["overfit_small_sample"].evidence["attempts"][0], shape="flat")]
    evidence = dict(found["overfit_small_sample"].evidence, attempts=attempts, chosen=None)
    verdict = failed(
        "cannot_overfit",
        "160 images are not learned: after 60 epochs the loss is still 1.13. No later step can repair this.",
    )
    overfit = replace(found["overfit_small_sample"], evidence=evidence, verdicts=(verdict,))
    conclusion = {
        "outcome": "stopped_at_check",
        "title": "Stopped at step 2: the model cannot learn 160 examples",
        "next_actions": [
            {
                "reason": "The loss barely falls: try a larger rate first.",
                "path": "optimizer.learning_rate",
                "value": 0.01,
                "command": "tuner run recipes/digits.yaml --set optimizer.learning_rate=0.01",
            }
        ],
    }
    return replace(
        whole,
        findings=(found["data"], found["initial_loss"], overfit),
        trials=whole.trials[:3],
        conclusion=conclusion,
        seconds=7.6,
    )


def picture(label: int, rng: random.Random, size: int = 48) -> str:
    """A blurry seven-segment digit as a small JPEG data URI."""
    segments = {
        "a": (3, 2, 8, 3),
        "b": (8, 2, 9, 7),
        "c": (8, 8, 9, 13),
        "d": (3, 12, 8, 13),
        "e": (2, 8, 3, 13),
        "f": (2, 2, 3, 7),
        "g": (3, 7, 8, 8),
    }
    lit = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abfgcd"][label]
    image = Image.new("L", (12, 16), 12)
    for segment in lit:
        x1, y1, x2, y2 = segments[segment]
        image.paste(rng.randint(190, 250), (x1, y1, x2 + 1, y2 + 1))
    image = image.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=12).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def sample_artifacts() -> dict[str, bytes]:
    """The artifacts of the run, by name."""
    rng = random.Random(3)
    matrix = [[26 - (i % 3 == 1) - 2 * (i == 8) if i == j else 0 for j in range(10)] for i in range(10)]
    for i, j, n in ((8, 1, 2), (1, 8, 1), (4, 7, 1), (7, 9, 1), (3, 5, 1)):
        matrix[i][j] = n
    wrong = [(8, 1, 0.93), (8, 1, 0.81), (1, 8, 0.77), (4, 7, 0.66), (7, 9, 0.58), (3, 5, 0.51)]
    made: dict[str, Any] = {
        "samples.json": [{"image": picture(i % 10, rng), "label": CLASSES[i % 10]} for i in range(20)],
        "augmented.json": [
            {
                "layers": ["RandomCrop", "MixUp"],
                "where": "tried in change, round 1",
                "labels": list(CLASSES[:4]),
                "draws": 7,
                "image": picture(3, rng),
            }
        ],
        "mistakes.json": [
            {"image": picture(t, rng), "true": CLASSES[t], "predicted": CLASSES[p], "probability": q}
            for t, p, q in wrong
        ],
        "confusion.json": {"split": "validation", "classes": list(CLASSES), "matrix": matrix},
    }
    return {name: json.dumps(value).encode() for name, value in made.items()}


def reader(artifacts: dict[str, bytes]) -> Callable[[str], bytes | None]:
    """The function by which the report asks for an artifact."""
    return artifacts.get
