"""A run from beginning to end with a trainer that only pretends, in a process that can be killed at any instant.

    pretended_run.py REPORTS LOG

Resumes the run of that name under REPORTS, or begins one. Before a trial it writes "start KEY" to LOG, after it was
acknowledged "done NUMBER KEY". Exits 74 with the error's sentence when the disk refuses a write.
"""

import os
import sys
import time
from pathlib import Path

from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Change, Finding, LearningCurves, TrialSpec, TrialState, warned
from tuner.store import Result, RunFinished, Store, WriteFailed, key_of, list_runs

ROUNDS = 4
TRIALS = 10  # a round
FUSED = 2  # the round whose trials are trained together
RECIPE = {"name": "pretended", "seed": 0}


def main(reports: Path, log: Path) -> None:
    """The whole run, or what is left of it."""
    begun = [Path(run.folder) for run in list_runs(reports) if not run.problem]
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    print("ready", flush=True)
    if begun:
        store = Store.resume(begun[-1], RECIPE, Silent(), StopFlag())
    else:
        store = Store.create(reports, "pretended", RECIPE, "name: pretended\n", {}, Silent(), StopFlag())
    with store:
        for round_ in range(1, ROUNDS + 1):
            specs = [spec_of(round_, index) for index in range(TRIALS)]
            if round_ == FUSED:
                train(store, [spec for spec in specs if store.remembered(spec) is None], descriptor)
            else:
                for spec in specs:
                    if store.remembered(spec) is None:
                        train(store, [spec], descriptor)
            conclude(store, round_)
        if store.finding("repeat", ROUNDS) is None:
            store.open_test(TRIALS)
            store.record_finding(Finding("repeat", ROUNDS, "", "Again?", {"test_accuracy": 0.5}, ()))
        store.finish("finished", {"outcome": "no_target", "val_accuracy": 0.5})


def spec_of(round_: int, index: int) -> TrialSpec:
    """What to pretend: the same in every process."""
    point = Hyperparameters(learning_rate=10 ** -(1 + index / 10), l2=1e-4 * round_)
    return TrialSpec(point, epochs=2, seed=index, step="short_runs", round=round_, keep=index % 2 == 0)


def train(store: Store, specs: list[TrialSpec], log: int) -> None:
    """Pretend to train these together, and record them."""
    for spec in specs:
        os.write(log, f"start {key_of(spec)}\n".encode())
    time.sleep(0.001)
    for trial in store.record_trials([result_of(spec) for spec in specs]):
        os.write(log, f"done {trial.number} {key_of(trial.spec)}\n".encode())


def result_of(spec: TrialSpec) -> Result:
    """Curves and weights that follow from the spec alone; every seventh diverges."""
    diverged = spec.seed % 7 == 6
    loss = (2.0, float("nan")) if diverged else (2.0, 1.0 + spec.seed / 10)
    return Result(
        spec=spec,
        state=TrialState.DIVERGED if diverged else TrialState.COMPLETED,
        curves=LearningCurves(loss=loss, val_loss=loss, val_accuracy=(0.25, 0.5)),
        seconds=0.25,
        engine="pretended",
        best_epoch=2,
        weights=(lambda path: write(path, spec)) if spec.keep else None,
    )


def write(path: Path, spec: TrialSpec) -> None:
    """The weights of a trial: its key, many times over, in several writes."""
    with path.open("wb") as file:
        for _ in range(8):
            file.write(key_of(spec).encode() * 32)
            file.flush()


def conclude(store: Store, round_: int) -> None:
    """The finding of a round and a picture for the report; the weights of the round before are let go."""
    if store.finding("change", round_) is None:
        trials = tuple(trial.number for trial in store.trials if trial.spec.round == round_)
        change = Change("regularization.l2", 1e-4 * round_, "it was less")
        verdict = warned("overfitting", "It overfits.", change)
        store.put_artifact(f"round {round_}", b"picture" * round_, "text/plain")
        store.record_finding(Finding("change", round_, "", "Better?", {}, (verdict,), (change,), trials))
    store.drop_weights({trial.number for trial in store.trials if trial.spec.round >= round_})


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except RunFinished:  # killed after its last commit
        sys.exit(0)
    except WriteFailed as error:
        print(error, file=sys.stderr)
        sys.exit(74)
