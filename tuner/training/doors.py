"""How does the rest of the program train? Through these five functions.

`fit` and `fit_many` leave no trace: a trial depends on its spec, the recipe and the data, never on what ran before it.
Importing this file does not import Keras.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

from tuner.data import Problem
from tuner.data.folds import folded
from tuner.hyperparameters import Hyperparameters
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training.asked import ancestors, check
from tuner.training.curves import InitialReading
from tuner.training.engines import ENGINES, Engine


def fit(problem: Problem, run: Store, spec: TrialSpec) -> Trial:
    """Train one trial and record it, or return it from the record."""
    return fit_many(problem, run, [spec])[0]


def fit_many(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train trials and record them; those that `run` remembers are returned as they were.

    Trials of one group are trained together, groups in the order in which they first come; the result is in the
    order of `specs`. Raises `ValueError` for a spec that contradicts itself, before any is trained, and `Interrupted`
    when a stop was asked for (finished trials are recorded).
    """
    done = {spec: trial for spec in specs if (trial := run.remembered(spec)) is not None}
    groups: dict[Hashable, tuple[Engine, Problem, list[TrialSpec]]] = {}
    new = len(done) < len(set(specs))
    seen = {fold: folded(problem, fold) for fold in dict.fromkeys(spec.fold for spec in specs if new)}
    for spec in dict.fromkeys(specs) if new else ():
        check(spec, ancestors(run, spec))
        own = seen[spec.fold]
        engine = next(engine for engine in ENGINES if engine.can_serve(own, run, spec))
        key = (engine.name, spec.fold, engine.group(own, run, spec))
        groups.setdefault(key, (engine, own, []))[2].append(spec)
    for engine, own, group in groups.values():  # formed of all: a resumed run trains, and numbers, its trials alike
        most = engine.most(own, group[0])
        for begin in range(0, len(group), most):
            rest = [spec for spec in group[begin : begin + most] if spec not in done]
            done |= zip(rest, engine.serve(own, run, rest) if rest else [], strict=True)
    return [done[spec] for spec in specs]


def initial_losses(problem: Problem, hyperparameters: Hyperparameters, seed: int, examples: int) -> InitialReading:
    """The loss of the untrained model in training mode (dropout, batch statistics) on the first `examples` images.

    The steps are taken with learning rate and weight decay 0, so that nothing is learned and nothing new is traced.
    """
    from tuner.training import readouts

    return readouts.initial_losses(problem, hyperparameters, seed, examples)


def predict(problem: Problem, run: Store, trial: Trial, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, num_classes), float32, of uint8 images (N, H, W, C), by the trial's kept (best) weights.

    For a split of the problem (the very array), a head uses cached features. Raises `tuner.store.StoreError` if the
    trial kept no weights.
    """
    from tuner.training import readouts

    return readouts.predict(problem, run, trial, images)


def export(problem: Problem, run: Store, trial: Trial, path: Path) -> None:
    """Write the trial's classifier, with its kept (best) weights, as a `.keras` file from images to probabilities.

    Raises `tuner.store.StoreError` if the trial kept no weights.
    """
    from tuner.training import readouts

    readouts.export(problem, run, trial, path)
