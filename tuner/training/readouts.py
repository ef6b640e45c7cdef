"""What does a model say, before training and after it? Its first loss, its probabilities, its file."""

from pathlib import Path

import keras
import numpy as np

from tuner import models
from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Trial
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.asked import first_seed, split_of
from tuner.training.batches import Examples, epoch_of
from tuner.training.curves import InitialReading
from tuner.training.families import build, family_of, fresh_weights, parts_of, trunk_of
from tuner.training.features import Trunk, cached_features, features_file, opened
from tuner.training.scores import probabilities
from tuner.training.single import split_features


def initial_losses(problem: Problem, hyperparameters: Hyperparameters, seed: int, examples: int) -> InitialReading:
    """See `doors.initial_losses`."""
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
    """See `doors.predict`."""
    checkpoint = checkpoints.read(run.weights_path(trial))
    point, seed = trial.hyperparameters, first_seed(run, trial.spec)
    structure = models.structure_of(point)
    inputs = images if trial.engine == "net" else _features(problem, run, trunk_of(problem, structure, seed), images)
    family = family_of(trial.engine, problem, point)
    family.begin(fresh_weights(problem, structure, seed), point)
    checkpoints.assign(family.parts, checkpoint.best)
    return probabilities(family.scores(inputs, run.stop.check), family.trainee.from_logits)


def export(problem: Problem, run: Store, trial: Trial, path: Path) -> None:
    """See `doors.export`."""
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
