"""What does Optuna with a pruner cost? Its TPE sampler, its MedianPruner, and a callback that reports each epoch."""

from time import perf_counter

import keras
import optuna

from benchmarks.rivals.network import compiled, fit, network
from benchmarks.rivals.task import Ran, Task, between
from benchmarks.rivals.workload import RATES


def run(task: Task) -> Ran:
    """So many trials; hopeless ones end early."""
    began: list[float] = []
    epochs: list[int] = []  # of each trial

    def objective(trial: optuna.Trial) -> float:
        began.append(perf_counter())
        epochs.append(0)

        def report(epoch: int, logs: dict[str, float]) -> None:
            epochs[-1] += 1
            trial.report(logs["val_accuracy"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        keras.utils.clear_session()
        rate = trial.suggest_float("learning_rate", *RATES, log=True)
        return fit(task, compiled(network(task), rate), (keras.callbacks.LambdaCallback(on_epoch_end=report),))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=task.seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.optimize(objective, n_trials=task.trials)
    return Ran(between(began, perf_counter()), tuple(epochs), study.best_params["learning_rate"], study.best_value)
