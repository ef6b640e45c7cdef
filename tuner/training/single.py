"""How is one trial after another trained by Keras? The engines `head` and `net`.

`head` trains the head alone on features that the frozen backbone computed once; `net` trains any model from its images.
Both take the same steps (`loop.train`) and agree on the same trial; they differ in what the first part of the model is.
"""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from tuner import models
from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.asked import first_seed, losses_before, mean_image, split_of, trial_of
from tuner.training.checkpoints import Checkpoint
from tuner.training.course import course_of
from tuner.training.families import family_key, family_of, fresh_weights, trunk_below, trunk_of
from tuner.training.family import Family
from tuner.training.heads import engine as heads
from tuner.training.heads.rules import rule_of
from tuner.training.heads.to_keras import load_state
from tuner.training.loop import train
from tuner.training.optimizers import load_slots, set_numbers
from tuner.training.outcome import result_of
from tuner.training.views import trunk_features

__all__ = ["begin", "family_key", "has_trunk", "inputs_of", "serve_head", "serve_net", "serve_one"]


def serve_head(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train heads on cached features, one after the other."""
    return [serve_one("head", problem, run, spec) for spec in specs]


def serve_net(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train whole models on images, one after the other."""
    return [serve_one("net", problem, run, spec) for spec in specs]


def has_trunk(problem: Problem, point: Hyperparameters, seed: int) -> bool:
    """Whether the model has a backbone with a head of ours on it; a user's whole classifier has none."""
    return trunk_of(problem, models.structure_of(point), seed) is not None


def begin(family: Family, problem: Problem, run: Store, spec: TrialSpec) -> Checkpoint | None:
    """Put `family` to the start of the trial; its parent's checkpoint if it has one."""
    fresh = fresh_weights(problem, models.structure_of(spec.hyperparameters), first_seed(run, spec))
    family.begin(fresh, spec.hyperparameters)
    if spec.parent is None:
        return None
    parent = trial_of(run, spec.parent)
    checkpoint = checkpoints.read(run.weights_path(parent))
    checkpoints.assign(family.parts, checkpoint.last if spec.continued else checkpoint.best)
    for layer in family.dropouts:  # the rate is among the weights of the parent
        layer.set_rate(spec.hyperparameters.dropout)
    family.restart_optimizer(spec.hyperparameters)
    if spec.continued:
        if parent.engine == heads.NAME and parent.hyperparameters.optimizer == spec.hyperparameters.optimizer:
            load_state(family.trainee.optimizer, rule_of(parent.hyperparameters), checkpoint.optimizer)
        else:
            load_slots(family.trainee.optimizer, checkpoint.optimizer)
        set_numbers(family.optimizer, spec.hyperparameters)
    return checkpoint


def inputs_of(engine: str, problem: Problem, run: Store, spec: TrialSpec, split: str) -> np.ndarray:
    """What the trainee sees of the split `train` or `validation`: uint8 images (N, H, W, C), or features (N, D)."""
    images = split_of(problem, split).images
    blank = mean_image(problem.dataset.train.images) if spec.blank_images else None
    trunk = trunk_below(engine, problem, models.structure_of(spec.hyperparameters), first_seed(run, spec))
    if trunk is None:
        return images if blank is None else np.broadcast_to(blank, images.shape)
    if blank is None:
        return trunk_features(problem, run, trunk, split)
    return np.broadcast_to(trunk.features(blank[None]), (len(images), trunk.width))


def serve_one(engine: str, problem: Problem, run: Store, spec: TrialSpec) -> Trial:
    """Train one trial and record it."""
    family = family_of(engine, problem, spec.hyperparameters)
    train_inputs = inputs_of(engine, problem, run, spec, "train")
    validation_inputs = inputs_of(engine, problem, run, spec, "validation") if spec.validate else None
    began = perf_counter()
    parent = begin(family, problem, run, spec)
    before = parent.epochs if parent is not None and spec.continued else 0
    moved = spec.hyperparameters.trainable != "none" or (parent is not None and len(parent.best) > 1)
    keep = tuple(name for name in family.parts if moved or name != "backbone")
    seen = losses_before(run, spec)
    course = course_of(problem, spec, train_inputs, validation_inputs, before, keep, seen)
    log, checkpoint = train(family, course, run.progress, run.stop)
    (trial,) = run.record_trials([result_of(spec, engine, log, checkpoint, perf_counter() - began)])
    return trial
