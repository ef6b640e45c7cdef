"""Who proposes the next points? keras-tuner's oracles, by ask and tell.

Training stays with us; an oracle only proposes values and is told scores. Its traps are closed here: a seed of 0
counts (it would be replaced by a random one), the grid's values are ours, sorted and with both ends (its own come out
of a set), and a trial that failed is told as the worst score, because otherwise Hyperband promotes nobody. It writes no
files: a resume asks anew and tells it what is on record, and its five writes a trial cost 20 times what all else does.

Source: keras-tuner 1.4.8; Li et al., Hyperband, JMLR 18 (2018).
"""

import itertools
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.search.space import Axis, Space

GRID_POINTS = 4  # values a ranged axis contributes to a grid when it names no step
ASK_AT_ONCE = {"random": 4096, "bayesian": 4, "hyperband": 4096}  # proposals taken before their scores are told
NOTES = ".oracle-"  # how the folder's name begins that an oracle of an earlier tuner wrote to


@dataclass(frozen=True)
class Proposal:
    """One point to train: values by recipe path, and for Hyperband the epochs and the trial to go on from."""

    ticket: str  # the oracle's own id of it
    values: Mapping[str, Any]
    epochs: int | None = None  # in all, from the start
    goes_on_from: str | None = None  # the ticket of the proposal to continue


Evaluate = Callable[[Sequence[Proposal]], Sequence[float]]
"""Trains a batch of proposals and returns a score each; higher is better, NaN means that it failed."""


def search(
    algorithm: str,
    space: Space,
    trials: int,
    max_epochs: int,
    seed: int,
    evaluate: Evaluate,
    folder: Path | None = None,
) -> None:
    """Ask for points and tell their scores until `trials` were proposed or the space is exhausted.

    `algorithm` is grid, random, bayesian or hyperband. For hyperband `max_epochs` is its largest budget, and
    `trials` its limit on proposals. Proposals arrive in batches as large as the algorithm allows. `folder` is the
    run's: what an oracle of an earlier tuner left in it when it was killed is cleared away.
    """
    for left in folder.glob(f"{NOTES}*") if folder else ():
        shutil.rmtree(left)
    if algorithm == "grid":
        points = itertools.islice(grid(space), trials)
        evaluate([Proposal(str(n), values) for n, values in enumerate(points)])
        return
    oracle, told = _oracle(algorithm, space, trials, max_epochs, seed), 0
    while told < trials:
        batch = _ask(oracle, space, min(ASK_AT_ONCE[algorithm], trials - told))
        if not batch:
            return
        _tell(oracle, batch, evaluate([proposal for proposal, _ in batch]))
        told += len(batch)


def grid(space: Space) -> Iterator[dict[str, Any]]:
    """All combinations of the axes' values, the last axis fastest, each axis in ascending order."""
    paths = list(space)
    for values in itertools.product(*(axis_values(space[path]) for path in paths)):
        yield dict(zip(paths, values, strict=True))


def axis_values(axis: Axis, points: int = GRID_POINTS) -> list[Any]:
    """The values of an axis on a grid, both ends included; a log axis is stepped by factors."""
    if "values" in axis:
        return list(axis["values"])
    low, high, step = axis["min_value"], axis["max_value"], axis.get("step")
    log = axis.get("sampling") == "log"
    if step is None:
        shares = [i / (points - 1) for i in range(points)]
        values = [low * (high / low) ** s if log else low + s * (high - low) for s in shares]
    elif log:
        values = [low * step**i for i in range(1 + math.floor(math.log(high / low) / math.log(step) + 1e-9))]
    else:
        values = [low + i * step for i in range(1 + math.floor((high - low) / step + 1e-9))]
    return sorted({round(v) for v in values}) if isinstance(low, int) and isinstance(high, int) else values


def _oracle(algorithm: str, space: Space, trials: int, max_epochs: int, seed: int) -> Any:
    import keras_tuner

    objective = keras_tuner.Objective("score", "max")
    parameters = _as_hyperparameters(space)
    seed += 1  # 0 would be taken for "none"
    oracles = keras_tuner.oracles
    if algorithm == "random":
        oracle = oracles.RandomSearchOracle(objective, trials, seed=seed, hyperparameters=parameters)
    elif algorithm == "bayesian":
        oracle = oracles.BayesianOptimizationOracle(objective, trials, seed=seed, hyperparameters=parameters)
    else:
        oracle = oracles.HyperbandOracle(objective, max_epochs, seed=seed, hyperparameters=parameters)
    oracle.verbose = 0
    oracle.save = _nothing  # what it would do after each call, whether asked or not
    oracle._save_trial = _nothing
    return oracle


def _nothing(*_: Any) -> None:
    """In the place of a method that writes a file."""


def _as_hyperparameters(space: Space) -> Any:
    import keras_tuner

    parameters = keras_tuner.HyperParameters()
    for path, axis in space.items():
        if "values" in axis:  # by index, since its choices may only be numbers, strings and booleans
            parameters.Int(path, 0, len(axis["values"]) - 1)
            continue
        kind = parameters.Int if isinstance(axis["min_value"], int) and isinstance(axis["max_value"], int) else None
        kind = kind or parameters.Float
        kind(path, axis["min_value"], axis["max_value"], axis.get("step"), axis.get("sampling", "linear"))
    return parameters


def _ask(oracle: Any, space: Space, most: int) -> list[tuple[Proposal, Any]]:
    batch: list[tuple[Proposal, Any]] = []
    while len(batch) < most:
        trial = oracle.create_trial(f"slot-{len(batch)}")
        if trial.status != "RUNNING":  # exhausted, or waiting for scores before it can promote
            break
        values = trial.hyperparameters.values
        point = {path: _value(axis, values[path]) for path, axis in space.items()}
        epochs, start = values.get("tuner/epochs"), values.get("tuner/trial_id")
        batch.append((Proposal(trial.trial_id, point, epochs, start), trial))
    return batch


def _value(axis: Axis, proposed: Any) -> Any:
    return axis["values"][proposed] if "values" in axis else proposed


def _tell(oracle: Any, batch: Sequence[tuple[Proposal, Any]], scores: Sequence[float]) -> None:
    finite = [score for score in scores if math.isfinite(score)]
    worst = min(finite, default=0.0) - 1.0
    for (_, trial), score in zip(batch, scores, strict=True):
        oracle.update_trial(trial.trial_id, {"score": score if math.isfinite(score) else worst})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
