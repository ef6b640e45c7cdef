"""What does `tuner` cost? What its step 4 does: an oracle proposes, `fit_many` trains, the store keeps every trial.

From images, the folder for features is empty, so the pass of the backbone over the data is in the time; from features,
an earlier command has left them there. Trials of a network that learns are asked for one by one, to time each.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import keras_tuner

from benchmarks.rivals.task import Ran, Task
from benchmarks.rivals.workload import RATES, Workload, write_recipe
from tuner import backend
from tuner import recipe as recipes
from tuner.data import Problem, open_dataset
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Trial, TrialSpec
from tuner.search.oracles import Proposal, search
from tuner.search.ranking import score
from tuner.store import Store
from tuner.training import fit_many

IMPORTED = (backend.prepare(), keras_tuner.__version__)  # before the clock starts, as for everybody
SPACE = {"optimizer.learning_rate": {"min_value": RATES[0], "max_value": RATES[1], "sampling": "log"}}


def run(task: Task) -> Ran:
    """One random search."""
    problem = problem_of(task.workload, task.warm, task.warm if task.regime == "features" else task.folder)
    trained: list[Trial] = []
    seconds: list[float] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        specs = [spec_of(problem, task, proposal) for proposal in proposals]
        for group in [specs] if task.workload.trainable == "none" else [[spec] for spec in specs]:
            began = perf_counter()
            trained.extend(fit_many(problem, store, group))
            seconds.append(perf_counter() - began)
        return [score(trial) for trial in trained[-len(specs) :]]

    began = perf_counter()
    store = Store.create(
        task.folder / "reports", problem.recipe.name, problem.recipe.to_json(), "", {}, Silent(), StopFlag()
    )
    with store:
        search("random", SPACE, task.trials, task.workload.epochs, task.seed, evaluate)
    if task.workload.trainable == "none":
        seconds = [perf_counter() - began]
    best = max((trial for trial in trained if trial.state == "completed"), key=score)
    epochs = [trial.curves.epochs for trial in trained]
    if len(seconds) == 1:
        epochs = [sum(epochs)]
    return Ran(tuple(seconds), tuple(epochs), best.hyperparameters.learning_rate, best.val_accuracy)


def problem_of(workload: Workload, warm: Path, cache: Path) -> Problem:
    """The workload as the steps see it; `warm` holds the images and their decoded form, `cache` what is computed."""
    recipe = recipes.load(write_recipe(workload, warm))
    return Problem(recipe, open_dataset(recipe, Silent()), cache)


def spec_of(problem: Problem, task: Task, proposal: Proposal) -> TrialSpec:
    """A short run as step 4 asks for it: same seed for all, weights kept."""
    point = dataclasses.replace(problem.start, learning_rate=proposal.values["optimizer.learning_rate"])
    return TrialSpec(point, task.workload.epochs, task.seed, "short_runs", 1, "only", keep=True)
