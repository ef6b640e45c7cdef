"""What do trials look like to a store that does not care how they were trained? Made up, thousands in a second.

Learning rates and decays are drawn as a search draws them; one trial in 25 diverges; accuracies peak at one rate.
"""

import math
import random
from collections.abc import Iterator
from pathlib import Path

from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Change, Finding, LearningCurves, Trial, TrialSpec, TrialState, passed, warned
from tuner.store import Result, Store

ROUND = 256  # trials that a fused round commits together
EPOCHS = 5
STEPS = 24  # batches in all, each with its loss
LOST = 25  # one trial in so many diverges
BEST_RATE = 3e-3
SEED = 0


def results(count: int, steps: int = STEPS) -> Iterator[Result]:
    """So many trials, all different, the same at every call."""
    chance = random.Random(SEED)
    for index in range(count):
        rate, decay = 10 ** chance.uniform(-4.5, -0.5), 10 ** chance.uniform(-6, -2)
        point = Hyperparameters(learning_rate=rate, weight_decay=decay, dropout=chance.choice((0.0, 0.2, 0.5)))
        spec = TrialSpec(point, EPOCHS, seed=0, step="short_runs", round=1, stage="head")
        lost = index % LOST == LOST - 1
        yield Result(
            spec=spec,
            state=TrialState.DIVERGED if lost else TrialState.COMPLETED,
            curves=curves(chance, rate, steps, lost),
            seconds=0.01,
            engine="pretended",
            reason="the loss was nan in epoch 3" if lost else "",
            best_epoch=EPOCHS,
        )


def curves(chance: random.Random, rate: float, steps: int, lost: bool) -> LearningCurves:
    """Curves that fall fastest at `BEST_RATE`; those of a lost trial end in NaN."""
    speed = math.exp(-((math.log10(rate / BEST_RATE)) ** 2))
    loss = tuple(0.3 + 2.0 * math.exp(-speed * epoch) + chance.gauss(0, 0.03) for epoch in range(1, EPOCHS + 1))
    accuracy = tuple(min(1.0, max(0.05, 1.02 - 0.4 * value + chance.gauss(0, 0.01))) for value in loss)
    batches = tuple(2.3 * math.exp(-speed * step / steps) + chance.gauss(0, 0.1) for step in range(steps))
    if lost:
        loss = (*loss[:2], math.nan)
        accuracy = (*accuracy[:2], 0.1)
    epochs = len(loss)
    return LearningCurves(loss, loss, accuracy, accuracy, (rate,) * epochs, batches, (rate,) * steps)


def recorded_run(reports: Path, count: int) -> Path:
    """The folder of a finished run of so many trials, with the findings of a first round."""
    recipe = {"name": "pretended", "seed": SEED, "model": {"backbone": "EfficientNetLite0"}}
    with Store.create(reports, "pretended", recipe, "name: pretended\n", {"python": "3"}, Silent(), StopFlag()) as run:
        waiting = list(results(count))
        for begin in range(0, count, ROUND):
            run.record_trials(waiting[begin : begin + ROUND])
        best = max((trial for trial in run.trials if trial.state is TrialState.COMPLETED), key=by_accuracy)
        for finding in findings(run.trials, best):
            run.record_finding(finding)
        run.finish("finished", conclusion(best))
    return run.folder


def by_accuracy(trial: Trial) -> float:
    """What trials are ranked by."""
    return trial.val_accuracy


def findings(trials: tuple[Trial, ...], best: Trial) -> Iterator[Finding]:
    """Step 4 with all trials, step 5 with the best eight."""
    numbers = tuple(trial.number for trial in trials)
    space = {
        "optimizer.learning_rate": {"min_value": 3e-5, "max_value": 0.3, "sampling": "log"},
        "optimizer.weight_decay": {"min_value": 1e-6, "max_value": 1e-2, "sampling": "log"},
        "model.dropout": {"values": [0.0, 0.2, 0.5]},
    }
    found = {"stage": "head", "algorithm": "random", "epochs": EPOCHS, "space": space, "trials": list(numbers)}
    change = Change("optimizer.learning_rate", best.hyperparameters.learning_rate, "it was best", 1e-3)
    verdict = passed("short_runs_done", f"Of {len(trials):,} short runs trial {best.number} is best.", change)
    evidence = {**found, "best": best.number, "noise": 0.008}
    yield Finding("short_runs", 1, "head", "Which region is good?", evidence, (verdict,), (change,), numbers, 4.0)
    leading = sorted((t for t in trials if t.state is TrialState.COMPLETED), key=by_accuracy, reverse=True)[:8]
    said = {"symptom": "underfitting", "outcome": "warn", "sentence": "Both losses still fall.", "onset": None}
    readings = [{"trial": trial.number, **said} for trial in leading]
    warning = warned("underfitting", "The leading trials still learn: let them run for longer.")
    yield Finding("learning_curves", 1, "head", "What do the curves say?", {"readings": readings}, (warning,))


def conclusion(best: Trial) -> dict[str, object]:
    """How such a run ends."""
    point = {"optimizer.name": "AdamW", "optimizer.learning_rate": best.hyperparameters.learning_rate}
    score = best.val_accuracy
    ends = {"outcome": "no_target", "title": f"Validation accuracy {score:.3f}", "val_accuracy": score}
    return {**ends, "best_trial": best.number, "hyperparameters": point}
