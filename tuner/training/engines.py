"""Who trains a trial? The first engine of `ENGINES` that can.

`head` trains the head alone on features that the frozen backbone computed once; `net` trains any model from its images.
Both take the same steps (`loop.train`) and agree on the same trial; they differ in what the first part of the model is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from tuner import models
from tuner.data import Problem, Split
from tuner.records import Trial, TrialSpec, TrialState
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.batches import Examples, balanced_weights, stratified
from tuner.training.checkpoints import Checkpoint
from tuner.training.families import Family, family_of, fresh_weights, trunk_of
from tuner.training.features import Trunk, cached_features, features_file
from tuner.training.loop import Course, train
from tuner.training.optimizers import load_slots
from tuner.training.schedules import SCHEDULES

ROWS_AT_ONCE = 256  # images read at once for the mean image


@dataclass(frozen=True)
class Engine:
    """One way to train: which specs it can serve, and how."""

    name: str  # stands in the trial's record
    can_serve: Callable[[Problem, Store, TrialSpec], bool]
    serve: Callable[[Problem, Store, Sequence[TrialSpec]], list[Trial]]


def serve_head(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train heads on cached features, one after the other."""
    return [_serve("head", problem, run, spec) for spec in specs]


def serve_net(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train whole models on images, one after the other."""
    return [_serve("net", problem, run, spec) for spec in specs]


def can_serve_head(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Nothing below the head trains, here or in the trials that this one starts from, and images are not augmented."""
    line = [spec, *ancestors(run, spec)]
    if any(each.hyperparameters.trainable != "none" for each in line) or spec.hyperparameters.augmentation:
        return False
    return trunk_of(problem, models.structure_of(spec.hyperparameters), line[-1].seed) is not None


def can_serve_net(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Always."""
    return True


ENGINES = (
    Engine("head", can_serve_head, serve_head),
    Engine("net", can_serve_net, serve_net),
)


def ancestors(run: Store, spec: TrialSpec) -> list[TrialSpec]:
    """The specs of the trials that this one starts from: its parent, the parent's parent, and so on."""
    found = []
    while spec.parent is not None:
        spec = trial_of(run, spec.parent).spec
        found.append(spec)
    return found


def trial_of(run: Store, number: int) -> Trial:
    """The recorded trial of that number. Raises `ValueError` if there is none."""
    for trial in run.trials:
        if trial.number == number:
            return trial
    raise ValueError(f"no trial {number} was recorded; there are {len(run.trials)}")


def first_seed(run: Store, spec: TrialSpec) -> int:
    """The seed from which the first weights came: that of the oldest ancestor."""
    return [spec, *ancestors(run, spec)][-1].seed


def begin(family: Family, problem: Problem, run: Store, spec: TrialSpec) -> Checkpoint | None:
    """Put `family` to the start of the trial; its parent's checkpoint if it has one."""
    fresh = fresh_weights(problem, models.structure_of(spec.hyperparameters), first_seed(run, spec))
    family.begin(fresh, spec.hyperparameters)
    if spec.parent is None:
        return None
    checkpoint = checkpoints.read(run.weights_path(trial_of(run, spec.parent)))
    checkpoints.assign(family.parts, checkpoint.last if spec.continued else checkpoint.best)
    family.restart_optimizer(spec.hyperparameters)
    if spec.continued:
        load_slots(family.trainee.optimizer, checkpoint.optimizer)
        family.optimizer.weight_decay.assign(spec.hyperparameters.weight_decay)
    return checkpoint


def inputs_of(engine: str, problem: Problem, run: Store, spec: TrialSpec, split: str) -> np.ndarray:
    """What the trainee sees of the split `train` or `validation`: images (N, H, W, C) uint8, or features (N, D)."""
    images = split_of(problem, split).images
    blank = mean_image(problem.dataset.train.images) if spec.blank_images else None
    if engine == "net":
        return images if blank is None else np.broadcast_to(blank, images.shape)
    trunk = trunk_of(problem, models.structure_of(spec.hyperparameters), first_seed(run, spec))
    assert trunk is not None  # or this engine would not serve
    if blank is None:
        return split_features(problem, run, trunk, split)
    return np.broadcast_to(trunk.features(blank[None]), (len(images), trunk.width))


def split_features(problem: Problem, run: Store, trunk: Trunk, split: str) -> np.ndarray:
    """Features (N, D) of the split `train` or `validation`, computed once and memory-mapped."""
    path = features_file(problem.cache, problem.dataset.fingerprint, split, trunk)
    return cached_features(path, split_of(problem, split).images, trunk, run.progress, run.stop)


def split_of(problem: Problem, name: str) -> Split:
    """The split `train` or `validation`."""
    return problem.dataset.train if name == "train" else problem.dataset.validation


def mean_image(images: np.ndarray) -> np.ndarray:
    """The mean of uint8 images (N, H, W, C), rounded: uint8 (H, W, C)."""
    total = np.zeros(images.shape[1:], np.float64)
    for begin in range(0, len(images), ROWS_AT_ONCE):
        total += images[begin : begin + ROWS_AT_ONCE].sum(axis=0, dtype=np.float64)
    return np.rint(total / len(images)).astype(np.uint8)


def _serve(engine: str, problem: Problem, run: Store, spec: TrialSpec) -> Trial:
    """Train one trial and record it."""
    family = family_of(engine, problem, spec.hyperparameters)
    train_inputs = inputs_of(engine, problem, run, spec, "train")
    validation_inputs = inputs_of(engine, problem, run, spec, "validation") if spec.validate else None
    began = perf_counter()
    parent = begin(family, problem, run, spec)
    course = _course(family, problem, spec, parent, train_inputs, validation_inputs)
    log, checkpoint = train(family, course, run.progress, run.stop)
    return run.record_trial(
        spec,
        state=TrialState.DIVERGED if log.reason else TrialState.COMPLETED,
        curves=log.curves(),
        seconds=perf_counter() - began,
        engine=engine,
        reason=log.reason,
        best_epoch=log.best_epoch,
        weights=None if checkpoint is None else checkpoints.writer(checkpoint),
    )


def _course(
    family: Family,
    problem: Problem,
    spec: TrialSpec,
    parent: Checkpoint | None,
    train_inputs: np.ndarray,
    validation_inputs: np.ndarray | None,
) -> Course:
    data = problem.dataset
    labels = data.train.labels
    rows = np.arange(len(labels)) if spec.examples is None else stratified(labels, spec.examples, spec.seed)
    moved = spec.hyperparameters.trainable != "none" or (parent is not None and len(parent.best) > 1)
    return Course(
        spec,
        Examples(train_inputs, labels, rows),
        None if validation_inputs is None else Examples.all_of(validation_inputs, data.validation.labels),
        balanced_weights(data.class_frequencies) if problem.recipe.data.class_weight == "balanced" else None,
        problem.recipe.data.shuffle,
        parent.epochs if parent is not None and spec.continued else 0,
        tuple(name for name in family.parts if moved or name != "backbone"),
    )


def check(spec: TrialSpec) -> None:
    """Raises `ValueError` for a spec that contradicts itself."""
    if spec.ramp is not None and (spec.max_steps is None or min(spec.ramp) <= 0):
        raise ValueError(f"a range test needs max_steps and rates above 0, not {spec.max_steps} and {spec.ramp}")
    if spec.patience is not None and not spec.validate:
        raise ValueError("patience waits for a better val_loss, so it needs validate=True")
    if spec.continued and spec.parent is None:
        raise ValueError("a continued trial needs a parent")
    if spec.epochs < 1 and spec.max_steps is None:
        raise ValueError(f"a trial takes at least one epoch, not {spec.epochs}")
    if spec.hyperparameters.schedule not in SCHEDULES:
        raise ValueError(f"no schedule {spec.hyperparameters.schedule}; there are {', '.join(SCHEDULES)}")
