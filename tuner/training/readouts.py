"""What does a model say, before training and after it? Its first loss, its probabilities, its file."""

from collections.abc import Callable
from dataclasses import replace
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
from tuner.training.cut import pays
from tuner.training.families import build, family_of, fresh_weights, trunk_below, trunk_of
from tuner.training.family import parts_of
from tuner.training.features import Trunk, cached_features, features_file, opened
from tuner.training.heads import reading
from tuner.training.heads.engine import suits
from tuner.training.lbfgs import engine as lbfgs
from tuner.training.scores import probabilities
from tuner.training.views import trunk_features

ROWS_AT_ONCE = 1024  # features of one scoring
BYTES_AT_ONCE = 1 << 28  # of the features of images that are seen once


def initial_losses(problem: Problem, hyperparameters: Hyperparameters, seed: int, examples: int) -> InitialReading:
    """See `doors.initial_losses`."""
    point, labels = hyperparameters, problem.dataset.train.labels[:examples]
    structure = models.structure_of(point)
    engine = _engine(problem, point, seed)
    trunk = trunk_below(engine, problem, structure, seed)
    inputs = _first_inputs(problem, trunk, examples)
    plain = replace(point, optimizer="SGD", ema_momentum=None)  # no optimizer has a say yet
    if engine == "head" and suits(problem, [plain], seed):
        return reading.initial_losses(problem, plain, seed, inputs, labels)
    family = family_of(engine, problem, point)
    family.begin(fresh_weights(problem, structure, seed), point)
    family.rekey(seed, 0)
    family.optimizer.learning_rate = 0.0
    family.optimizer.weight_decay.assign(0.0)
    penalty = float(keras.ops.convert_to_numpy(family.trainee.penalty()))
    total = 0.0
    for batch in epoch_of(Examples.all_of(inputs, labels), point.batch_size, None):
        result = family.trainee.train_on_batch(batch.inputs, batch.labels, batch.weights, return_dict=True)
        total += float(result["loss"]) * batch.count
    return InitialReading(total / len(labels), total / len(labels) + penalty)


def predict(problem: Problem, run: Store, trial: Trial, images: np.ndarray) -> np.ndarray:
    """See `doors.predict`."""
    checkpoint = checkpoints.read(run.weights_path(trial))
    point, seed = trial.hyperparameters, first_seed(run, trial.spec)
    structure = models.structure_of(point)
    engine = lbfgs.body_of(problem, run, trial.spec) if trial.engine == lbfgs.NAME else trial.engine
    trunk = trunk_below(engine, problem, structure, seed)
    if engine == "heads":
        assert trunk is not None  # or another engine would have served
        score = reading.scorer(problem, point, checkpoint.best["head"], trunk.width)
        return probabilities(_scores(problem, run, score, ROWS_AT_ONCE, trunk, images), from_logits=True)
    family = family_of(engine, problem, point)
    family.begin(fresh_weights(problem, structure, seed), point)
    checkpoints.assign(family.parts, checkpoint.best)

    def scores(inputs: np.ndarray) -> np.ndarray:
        return family.scores(inputs, run.stop.check)

    return probabilities(_scores(problem, run, scores, family.chunk, trunk, images), family.trainee.from_logits)


def export(problem: Problem, run: Store, trial: Trial, path: Path) -> None:
    """See `doors.export`."""
    checkpoint = checkpoints.read(run.weights_path(trial))
    classifier = build(problem, models.structure_of(trial.hyperparameters), first_seed(run, trial.spec))
    checkpoints.assign(parts_of(classifier), checkpoint.best)
    models.save_for_inference(classifier, path)


def _engine(problem: Problem, point: Hyperparameters, seed: int) -> str:
    """Whose compiled model a fresh trial of `point` runs in, so that nothing is traced for a reading alone."""
    structure = models.structure_of(point)
    if point.augmentation or point.trainable == "all":
        return "net"
    if point.trainable == "none":
        return "net" if trunk_of(problem, structure, seed) is None else "head"
    return "cut" if pays(problem, structure, seed) else "net"


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


def _scores(
    problem: Problem,
    run: Store,
    score: Callable[[np.ndarray], np.ndarray],
    least: int,
    trunk: Trunk | None,
    images: np.ndarray,
) -> np.ndarray:
    """Scores of any images: by cached features for the splits that training reads, else at least `least` at once."""
    if trunk is None:
        return score(images)
    for name in ("train", "validation"):
        if images is split_of(problem, name).images:
            return score(trunk_features(problem, run, trunk, name))
    rows = max(least, BYTES_AT_ONCE // (4 * trunk.width))
    blocks = (trunk.features(images[n : n + rows], lambda count: run.stop.check()) for n in range(0, len(images), rows))
    return np.concatenate([score(block) for block in blocks])
