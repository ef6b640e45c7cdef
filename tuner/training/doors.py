"""How does the rest of the program train? Through these five functions.

`fit` and `fit_many` leave no trace: a trial depends on its spec, the recipe and the data, never on what ran before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tuner import models
from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.batches import Examples, epoch_of
from tuner.training.engines import ENGINES, check, first_seed, split_features, split_of
from tuner.training.families import (
    FamilyKey,
    build,
    family_key,
    family_of,
    fresh_weights,
    parts_of,
    trunk_of,
)
from tuner.training.features import Trunk, cached_features, features_file, opened
from tuner.training.scores import probabilities


@dataclass(frozen=True)
class InitialReading:
    """The loss of an untrained model, in nats."""

    data_loss: float  # plain cross-entropy
    total_loss: float  # with the l1 and l2 penalties of the head


def fit(problem: Problem, run: Store, spec: TrialSpec) -> Trial:
    """Train one trial and record it, or return it from the record."""
    return fit_many(problem, run, [spec])[0]


def fit_many(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train trials and record them; those that `run` remembers are returned as they were.

    Trials of one family are trained together, families in the order in which they first come; the result is in the
    order of `specs`. Raises `ValueError` for a spec that contradicts itself, before any is trained, and `Interrupted`
    when a stop was asked for (finished trials are recorded).
    """
    done = {spec: trial for spec in specs if (trial := run.remembered(spec)) is not None}
    groups: dict[FamilyKey, list[TrialSpec]] = {}
    engines = {engine.name: engine for engine in ENGINES}
    for spec in dict.fromkeys(specs) if len(done) < len(set(specs)) else ():
        check(spec)
        engine = next(engine for engine in ENGINES if engine.can_serve(problem, run, spec))
        groups.setdefault(family_key(engine.name, problem, spec.hyperparameters), []).append(spec)
    for key, group in groups.items():  # in the order of all of them: a resumed run numbers its trials alike
        rest = [spec for spec in group if spec not in done]
        done |= zip(rest, engines[key.engine].serve(problem, run, rest), strict=True)
    return [done[spec] for spec in specs]


def initial_losses(problem: Problem, hyperparameters: Hyperparameters, seed: int, examples: int) -> InitialReading:
    """The loss of the untrained model in training mode (dropout, batch statistics) on the first `examples` images.

    The steps are taken with learning rate and weight decay 0, so that nothing is learned and nothing new is traced.
    """
    point, labels = hyperparameters, problem.dataset.train.labels[:examples]
    structure = models.structure_of(point)
    trunk = None if point.trainable != "none" or point.augmentation else trunk_of(problem, structure, seed)
    family = family_of("net" if trunk is None else "head", problem, point)
    family.begin(fresh_weights(problem, structure, seed), point)
    family.rekey(seed, 0)
    family.optimizer.learning_rate = 0.0
    family.optimizer.weight_decay.assign(0.0)
    penalty = float(keras.ops.convert_to_numpy(family.trainee.penalty()))
    total = 0.0
    for batch in epoch_of(Examples.all_of(_first_inputs(problem, trunk, examples), labels), point.batch_size, None):
        result = family.trainee.train_on_batch(batch.inputs, batch.labels, batch.weights, return_dict=True)
        total += float(result["loss"]) * batch.count
    return InitialReading(total / len(labels), total / len(labels) + penalty)


def predict(problem: Problem, run: Store, trial: Trial, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, num_classes), float32, of uint8 images (N, H, W, C), by the trial's kept (best) weights.

    For a split of the problem (the very array), a head uses cached features. Raises `tuner.store.StoreError` if the
    trial kept no weights.
    """
    checkpoint = checkpoints.read(run.weights_path(trial))
    point, seed = trial.hyperparameters, first_seed(run, trial.spec)
    structure = models.structure_of(point)
    inputs = images if trial.engine == "net" else _features(problem, run, trunk_of(problem, structure, seed), images)
    family = family_of(trial.engine, problem, point)
    family.begin(fresh_weights(problem, structure, seed), point)
    checkpoints.assign(family.parts, checkpoint.best)
    return probabilities(family.scores(inputs, run.stop.check), family.trainee.from_logits)


def export(problem: Problem, run: Store, trial: Trial, path: Path) -> None:
    """Write the trial's classifier, with its kept (best) weights, as a `.keras` file from images to probabilities.

    Raises `tuner.store.StoreError` if the trial kept no weights.
    """
    checkpoint = checkpoints.read(run.weights_path(trial))
    classifier = build(problem, models.structure_of(trial.hyperparameters), first_seed(run, trial.spec))
    checkpoints.assign(parts_of(classifier), checkpoint.best)
    models.save_for_inference(classifier, path)


def _first_inputs(problem: Problem, trunk: Trunk | None, examples: int) -> np.ndarray:
    """The first training images, or their features: the whole split's if they are there, else a file of their own."""
    images = problem.dataset.train.images
    if trunk is None:
        return images[:examples]
    whole = opened(features_file(problem.cache, problem.dataset.fingerprint, "train", trunk), len(images), trunk)
    if whole is not None:
        return whole[:examples]
    path = features_file(problem.cache, problem.dataset.fingerprint, f"train-first-{examples}", trunk)
    return cached_features(path, images[:examples], trunk, Silent(), StopFlag())


def _features(problem: Problem, run: Store, trunk: Trunk | None, images: np.ndarray) -> np.ndarray:
    """Features of any images; cached ones for the splits that training reads."""
    assert trunk is not None  # a head was trained on it
    for name in ("train", "validation"):
        if images is split_of(problem, name).images:
            return split_features(problem, run, trunk, name)
    return trunk.features(images, lambda count: run.stop.check())
