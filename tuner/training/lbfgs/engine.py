"""Which trials does L-BFGS train, and how does one of them run? Those that name it, one after the other.

A linear head on frozen features is minimized in NumPy, without Keras; any other head on features, and a small whole
model, through Keras. What a trial asks for and L-BFGS cannot do (augmentation, dropout, an average of the weights, a
model too large) is refused, never left out.

A trial that goes on from another begins at its weights; the curvature that was seen before is forgotten, because
SciPy does not hand it out.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from tuner.data import Problem
from tuner.heads.logistic import Weights
from tuner.models.drawing import DRAWN, first_head
from tuner.models.errors import ModelError
from tuner.recipe.candidates import backbone_of
from tuner.recipe.names import FULL_BATCH, PYTHON, UNHEEDED
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.asked import ancestors, first_seed, trial_of
from tuner.training.checkpoints import Checkpoint
from tuner.training.course import course_of
from tuner.training.heads.stream import inputs_of
from tuner.training.lbfgs.linear import linear
from tuner.training.lbfgs.way import Way
from tuner.training.outcome import result_of

NAME = "lbfgs"
MOST_NUMBERS = 1 << 28  # of the features of all images, held in memory without their mean: 1 GiB


def can_serve(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Whether the trial asks for L-BFGS; what it cannot do is told when it begins."""
    return spec.hyperparameters.optimizer in FULL_BATCH


def group(problem: Problem, run: Store, spec: TrialSpec) -> Hashable:
    """All of them: they are served one after the other."""
    return NAME


def serve(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train one after the other. Raises `ModelError` for what L-BFGS cannot do."""
    return [_serve_one(problem, run, spec) for spec in specs]


def body_of(problem: Problem, run: Store, spec: TrialSpec) -> str:
    """Which engine's model the trial has: `heads` (linear, in NumPy), `head` (on features), or `net` (on images)."""
    line = [spec, *ancestors(run, spec)]
    if any(each.hyperparameters.trainable != "none" for each in line):
        return "net"
    if backbone_of(problem.recipe).startswith(PYTHON):
        from tuner.training import single

        if not single.has_trunk(problem, spec.hyperparameters, line[-1].seed):
            return "net"
    recipe, point = problem.recipe, spec.hyperparameters
    plain = recipe.runtime.precision in ("auto", "float32") and recipe.loss.from_logits in ("auto", True)
    return "heads" if plain and not point.head_units and point.head_initializer in DRAWN else "head"


def _serve_one(problem: Problem, run: Store, spec: TrialSpec) -> Trial:
    refuse(problem, spec)
    began = perf_counter()
    parent = None if spec.parent is None else checkpoints.read(run.weights_path(trial_of(run, spec.parent)))
    body = body_of(problem, run, spec)
    way = _linear(problem, run, spec, parent) if body == "heads" else _net(body, problem, run, spec, parent)
    log, checkpoint = way.go()
    (trial,) = run.record_trials([result_of(spec, NAME, log, checkpoint, perf_counter() - began)])
    return trial


def refuse(problem: Problem, spec: TrialSpec) -> None:
    """Raises `ModelError` for a trial that asks for what L-BFGS cannot do."""
    for path, nothing in UNHEEDED.items():
        if (value := spec.hyperparameters.get(path)) != nothing:
            raise ModelError(
                f"L-BFGS has no use for {path}, here {value}: leave it out, or write optimizer.name: AdamW."
            )
    if problem.recipe.runtime.precision not in ("auto", "float32"):
        raise ModelError(
            f"the line search of L-BFGS compares losses that differ by little: runtime.precision has to be float32, "
            f"not {problem.recipe.runtime.precision}."
        )


def _before(spec: TrialSpec, parent: Checkpoint | None) -> int:
    return parent.epochs if parent is not None and spec.continued else 0


def _linear(problem: Problem, run: Store, spec: TrialSpec, parent: Checkpoint | None) -> Way:
    """A linear head in NumPy."""
    inputs = inputs_of(problem, run, spec, "train")
    validation = inputs_of(problem, run, spec, "validation") if spec.validate else None
    course = course_of(problem, spec, inputs, validation, _before(spec, parent), ("head",))
    if len(course.train) * inputs.shape[1] > MOST_NUMBERS:
        raise ModelError(
            f"L-BFGS holds the features of all images in memory, at most {MOST_NUMBERS:,} numbers; here are "
            f"{len(course.train):,} images of {inputs.shape[1]:,} features. Write optimizer.name: AdamW."
        )
    rows = course.train.rows
    features = np.asarray(inputs if len(rows) == len(inputs) else inputs[rows])
    labels = course.train.labels[rows]
    importance = np.ones(len(labels)) if course.class_weights is None else course.class_weights[labels]
    objective = linear(
        features, labels, importance, validation, spec.hyperparameters, _first(problem, run, spec, features, parent)
    )
    return Way(objective, course, True, run.progress, run.stop)


def _first(problem: Problem, run: Store, spec: TrialSpec, features: np.ndarray, parent: Checkpoint | None) -> Weights:
    """The head that the trial begins with. Raises `ModelError` where the parent's is another."""
    point, width = spec.hyperparameters, features.shape[1]
    fresh = first_head(width, problem.dataset.num_classes, (), point.head_initializer, 0.0, first_seed(run, spec))
    if parent is None:
        return Weights(*fresh[-2:])
    kept = (parent.last if spec.continued else parent.best).get("head", ())
    here, there = [value.shape for value in fresh], [value.shape for value in kept]
    if here != there:
        raise ModelError(f"the kept weights of the head do not fit: they have the shapes {there}, {here} are needed")
    return Weights(*kept[-2:])


def _net(body: str, problem: Problem, run: Store, spec: TrialSpec, parent: Checkpoint | None) -> Way:
    """Any other head, or a whole model, through Keras."""
    from tuner.training import single
    from tuner.training.families import family_of
    from tuner.training.lbfgs import net

    family = family_of(body, problem, spec.hyperparameters)
    inputs = single.inputs_of(body, problem, run, spec, "train")
    validation = single.inputs_of(body, problem, run, spec, "validation") if spec.validate else None
    moved = spec.hyperparameters.trainable != "none" or (parent is not None and len(parent.best) > 1)
    keep = tuple(name for name in family.parts if moved or name != "backbone")
    course = course_of(problem, spec, inputs, validation, _before(spec, parent), keep)
    net.refuse(family, course.train)
    single.begin(family, problem, run, replace(spec, continued=False))
    if parent is not None and spec.continued:
        checkpoints.assign(family.parts, parent.last)
    for layer in family.dropouts:  # the rate is among the weights of the parent
        layer.set_rate(0.0)
    family.trainee.l1.assign(0.0)  # its slope has a jump at 0, around which the search goes
    return Way(net.Net(family, course, run.stop), course, family.trainee.from_logits, run.progress, run.stop)
