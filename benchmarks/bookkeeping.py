"""What does remembering a trial cost, when training it costs nothing? Ours beside Keras Tuner's and Optuna's.

    python -m benchmarks.bookkeeping [--trials 10000] [--json]

Nothing is trained: every trial has settings, five epochs of curves and a score. Ours are recorded in fused rounds of
256, each one durable commit; Optuna's SQLite storage is the fair comparison, because it is durable too (a commit for
each call). Keras Tuner writes JSON files without syncing them, Optuna's journal syncs each line. The rivals are as
their documentation shows, with random search, and few trials stand for all of them: see the functions.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, median

from benchmarks.pretended import EPOCHS, ROUND, results

TRIALS = 10_000
KERAS_TUNER_TRIALS, LAST, BLOCK = 1_000, 200, 100
OPTUNA_TRIALS = 300
GOAL = 100  # times less than the durable rival
SCORES = tuple(0.5 + 0.05 * epoch for epoch in range(EPOCHS))


def ours(count: int = TRIALS) -> float:
    """Seconds to look up and record so many trials, all of them measured, from a new run to the last commit."""
    from tuner.interrupts import StopFlag
    from tuner.progress import Silent
    from tuner.store import Store

    waiting = list(results(count))  # what training would have handed over
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Store.create(Path(folder), "pretended", {"name": "pretended"}, "", {}, Silent(), StopFlag()) as run:
            for begin in range(0, count, ROUND):
                fused = waiting[begin : begin + ROUND]
                run.record_trials([result for result in fused if run.remembered(result.spec) is None])
        return time.perf_counter() - began


def keras_tuner(count: int = TRIALS, growing: bool = False) -> float:
    """Seconds for so many trials of its random search.

    At most 1,000 are measured. It rewrites the list of all trials at each, so that a trial costs more and more. The
    rest are taken to cost what the last 200 of these cost each, which flatters it; or, if `growing`, to go on costing
    more at the pace of these 1,000.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras_tuner as kt

    space = kt.HyperParameters()
    space.Float("learning_rate", 1e-5, 0.3, sampling="log")
    space.Float("weight_decay", 1e-6, 1e-2, sampling="log")
    space.Float("dropout", 0.0, 0.5)
    measured = min(count, KERAS_TUNER_TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        objective = kt.Objective("val_accuracy", "max")
        oracle = kt.oracles.RandomSearchOracle(objective, max_trials=measured + 1, seed=1, hyperparameters=space)
        oracle._set_project_dir(folder, "pretended")
        oracle.verbose = 0
        ends = [time.perf_counter()]
        for _ in range(measured):
            trial = oracle.create_trial("tuner0")
            for epoch, score in enumerate(SCORES):
                oracle.update_trial(trial.trial_id, {"val_accuracy": score}, epoch)
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            ends.append(time.perf_counter())
    if growing and measured < count:
        start, pace = _line([after - before for before, after in pairwise(ends)])
        return ends[-1] - ends[0] + sum(max(start + pace * index, 0.0) for index in range(measured, count))
    last = min(LAST, measured)
    return ends[-1] - ends[0] + (count - measured) * (ends[-1] - ends[-1 - last]) / last


def _line(seconds: list[float]) -> tuple[float, float]:
    """Start and slope of the straight line through the medians of blocks of trials: a busy moment counts for little."""
    middles = [median(seconds[begin : begin + BLOCK]) for begin in range(0, len(seconds), BLOCK)]
    fit = linear_regression([(block + 0.5) * BLOCK for block in range(len(middles))], middles)
    return fit.intercept, fit.slope


def optuna_sqlite(count: int = TRIALS) -> float:
    """Seconds for so many trials in its SQLite storage; 300 are measured, and stand for all."""
    return _optuna(count, lambda folder: f"sqlite:///{folder}/study.db")


def optuna_journal(count: int = TRIALS) -> float:
    """Seconds for so many trials in its journal file; 300 are measured, and stand for all."""

    def storage(folder: Path) -> object:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return JournalStorage(JournalFileBackend(str(folder / "journal.log")))

    return _optuna(count, storage)


def _optuna(count: int, storage: Callable[[Path], object]) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    measured = min(count, OPTUNA_TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        sampler = optuna.samplers.RandomSampler(seed=0)  # the others think longer
        study = optuna.create_study(storage=storage(Path(folder)), sampler=sampler, direction="maximize")
        began = time.perf_counter()
        for _ in range(measured):
            trial = study.ask()
            trial.suggest_float("learning_rate", 1e-5, 0.3, log=True)
            trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True)
            trial.suggest_float("dropout", 0.0, 0.5)
            for epoch, score in enumerate(SCORES):
                trial.report(score, epoch)
            study.tell(trial, SCORES[-1])
        seconds = time.perf_counter() - began
    return seconds * count / measured


CONTENDERS: dict[str, tuple[str, Callable[[int], float]]] = {
    "tuner": ("tuner, SQLite, a synced commit a round of 256", ours),
    "optuna_sqlite": (f"Optuna, SQLite, synced ({OPTUNA_TRIALS} measured)", optuna_sqlite),
    "optuna_journal": (f"Optuna, journal file, synced ({OPTUNA_TRIALS} measured)", optuna_journal),
    "keras_tuner": (f"Keras Tuner, JSON files, not synced (the last {LAST} of {KERAS_TUNER_TRIALS:,})", keras_tuner),
    "keras_tuner_growing": ("the same, its cost growing on as it did", partial(keras_tuner, growing=True)),
}


def main() -> None:
    """Measure those that are installed, ours first and last, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    seconds: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, (_, measure) in CONTENDERS.items():
        try:
            seconds[name] = measure(asked.trials)
        except ModuleNotFoundError as error:
            missing[name] = f"not installed: {error.name}"
    seconds["tuner"] = max(seconds["tuner"], ours(asked.trials))  # the slower one counts
    if asked.json:
        print(json.dumps({"trials": asked.trials, "seconds": seconds, "missing": missing}, indent=1))
        return
    for name, (title, _) in CONTENDERS.items():
        if name in missing:
            print(f"{title:60} {missing[name]}")
            continue
        ratio = f"{seconds[name] / seconds['tuner']:8.0f} times ours" if name != "tuner" else ""
        print(f"{title:60} {seconds[name]:9.2f} s {1e3 * seconds[name] / asked.trials:9.3f} ms a trial {ratio}")
    if "optuna_sqlite" in seconds:
        ratio = seconds["optuna_sqlite"] / seconds["tuner"]
        print(f"\nDurable against durable: {ratio:.0f} times less; goal {GOAL}  {'ok' if ratio >= GOAL else 'short'}")


if __name__ == "__main__":
    main()
