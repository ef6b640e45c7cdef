"""What does Ray Tune with ASHA cost? A worker a core, each kept for trial after trial (`reuse_actors`).

Trials run side by side, so a trial's share of the wall clock is its own time over the number of workers; the first
trial of each worker is cold. Workers map the arrays from the same files.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from benchmarks.rivals.task import Ran, Task
from benchmarks.rivals.workload import RATES


def run(task: Task) -> Ran:
    """So many trials; at each rung the lower three quarters end."""
    cores = len(os.sched_getaffinity(0))
    for name in ("RAY_AIR_NEW_OUTPUT", "RAY_CHDIR_TO_TRIAL_DIR"):
        os.environ[name] = "0"
    root = str(Path(__file__).parents[2])
    known = {"PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": known})
    searcher = tune.Tuner(
        tune.with_parameters(trial, task=task),
        param_space={"learning_rate": tune.loguniform(*RATES)},
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            scheduler=ASHAScheduler(max_t=task.workload.epochs, grace_period=1),
            num_samples=task.trials,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=str(task.folder.resolve()), verbose=0),
    )
    began = perf_counter()
    found = searcher.fit()
    wall = perf_counter() - began
    ray.shutdown()
    return _ran(found, wall, cores, task.trials)


def _ran(found: Any, wall: float, cores: int, trials: int) -> Ran:
    """Cold trials first: the longest ones, as many as workers; what is left of the wall clock belongs to them."""
    if found.errors:
        raise RuntimeError(f"{len(found.errors)} of {trials} trials failed: {found.errors[0]}")
    both = sorted((each.metrics["time_total_s"] / cores, each.metrics["training_iteration"]) for each in found)
    warm, cold = both[: trials - cores], both[trials - cores :]
    first = max(0.0, wall - sum(share for share, _ in warm)), sum(epochs for _, epochs in cold)
    seconds, epochs = zip(first, *warm, strict=True)
    best = found.get_best_result()
    return Ran(seconds, epochs, best.config["learning_rate"], best.metrics["val_accuracy"])


def trial(config: Mapping[str, float], task: Task) -> None:
    """One trial, in a worker."""
    import keras

    from benchmarks.rivals.network import compiled, fit, network

    def report(epoch: int, logs: dict[str, float]) -> None:
        tune.report({"val_accuracy": logs["val_accuracy"]})

    keras.utils.clear_session()
    fit(task, compiled(network(task), config["learning_rate"]), (keras.callbacks.LambdaCallback(on_epoch_end=report),))
