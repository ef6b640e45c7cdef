"""Which trials can be heads of one bank, and how do they become one?

Linear heads and heads with one hidden layer, on a frozen backbone with a head of ours, with the optimizers of
`rules.OPTIMIZERS`, in float32. What a group shares decides its batches; everything else is a number of its own.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.models.drawing import DRAWN, first_head
from tuner.recipe.candidates import backbone_of
from tuner.recipe.ladder import mixes
from tuner.recipe.names import PYTHON
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.asked import ancestors, first_seed, losses_before, trial_of
from tuner.training.course import course_of
from tuner.training.heads.bank import Plan, Start
from tuner.training.heads.choice import bank_maker
from tuner.training.heads.driver import train_heads
from tuner.training.heads.rules import OPTIMIZERS, rule_of
from tuner.training.heads.stream import inputs_of, show_of, width_of
from tuner.training.outcome import result_of

NAME = "heads"
MOST = 256  # heads of one bank, and trials of one commit
MOST_NUMBERS = 1 << 24  # of one kernel of a bank: 64 MiB; wide hidden layers come in smaller banks
WIDE = 2048  # features of an image, for that estimate


def can_serve(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Whether the trial, and those that it starts from, are heads that a bank can hold."""
    line = [spec, *ancestors(run, spec)]
    return suits(problem, [each.hyperparameters for each in line], line[-1].seed)


def suits(problem: Problem, points: Sequence[Hyperparameters], seed: int) -> bool:
    """Whether a bank can hold heads of these points, the first of which began from `seed`."""
    recipe = problem.recipe
    plain = recipe.runtime.precision in ("auto", "float32") and recipe.loss.from_logits in ("auto", True)
    if not plain or not all(map(_fits, points)):
        return False
    if not backbone_of(recipe).startswith(PYTHON):
        return True
    from tuner.training import single

    return single.has_trunk(problem, points[0], seed)


def _fits(point: Hyperparameters) -> bool:
    return (
        point.trainable == "none"
        and point.optimizer in OPTIMIZERS
        and point.ema_momentum is None
        and len(point.head_units) <= 1
        and point.head_initializer in DRAWN
        and not mixes(point.augmentation)
    )


def group(problem: Problem, run: Store, spec: TrialSpec) -> Hashable:
    """What the trials of a bank have in common: examples, batches, length, and the shape of their heads."""
    point = spec.hyperparameters
    shape = (point.head_units, point.head_initializer)
    seen = (spec.seed, first_seed(run, spec), spec.examples, spec.blank_images, point.batch_size, point.augmentation)
    length = (spec.epochs, spec.max_steps, spec.validate, _before(run, spec))
    return (*seen, *length, *shape)


def _before(run: Store, spec: TrialSpec) -> tuple[tuple[int, int | None], ...]:
    """How long the trials were that this one continues."""
    if spec.parent is None or not spec.continued:
        return ()
    parent = trial_of(run, spec.parent)
    return ((parent.curves.epochs, parent.spec.max_steps), *_before(run, parent.spec))


def most(problem: Problem, spec: TrialSpec) -> int:
    """How many heads like this fit into one bank."""
    hidden = spec.hyperparameters.head_units
    return MOST if not hidden else max(1, min(MOST, MOST_NUMBERS // (hidden[0] * WIDE)))


def serve(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train the specs of one group as one bank, and record them in one commit."""
    order = sorted(range(len(specs)), key=lambda place: _neighborhood(specs[place]))
    ordered = [specs[place] for place in order]
    first = ordered[0]
    inputs, show = inputs_of(problem, run, first, "train"), show_of(problem, run, first)
    validation = inputs_of(problem, run, first, "validation") if first.validate else None
    began = perf_counter()
    parents = [_parent(run, spec) for spec in ordered]
    before = parents[0].epochs if parents[0] is not None and first.continued else 0  # the same for all of a group
    shared = course_of(problem, first, inputs, validation, before, ("head",))
    courses = [replace(shared, spec=spec, losses_before=losses_before(run, spec)) for spec in ordered]
    plan = _plan(problem, run, ordered, parents, width_of(problem, run, first, inputs))
    found = train_heads(courses, plan, bank_maker(problem), show, run.progress, run.stop)
    share = (perf_counter() - began) / len(specs)
    results = {
        place: result_of(spec, NAME, log, checkpoint, share)
        for place, spec, (log, checkpoint) in zip(order, ordered, found, strict=True)
    }
    return run.record_trials([results[place] for place in range(len(specs))])


def _neighborhood(spec: TrialSpec) -> tuple[float, str]:
    """What makes heads neighbors in a bank."""
    return spec.hyperparameters.dropout, rule_of(spec.hyperparameters).name


def _parent(run: Store, spec: TrialSpec) -> checkpoints.Checkpoint | None:
    """What the parent kept. Raises `ValueError` if its optimizer is to be continued by another one."""
    if spec.parent is None:
        return None
    parent = trial_of(run, spec.parent)
    if spec.continued and rule_of(parent.hyperparameters) != rule_of(spec.hyperparameters):
        raise ValueError(
            f"a continued trial needs the optimizer of its parent, {parent.hyperparameters.optimizer}, not "
            f"{spec.hyperparameters.optimizer}"
        )
    return checkpoints.read(run.weights_path(parent))


def _plan(
    problem: Problem,
    run: Store,
    specs: Sequence[TrialSpec],
    parents: Sequence[checkpoints.Checkpoint | None],
    width: int,
) -> Plan:
    classes, point = problem.dataset.num_classes, specs[0].hyperparameters
    fresh = first_head(width, classes, point.head_units, point.head_initializer, 0.0, first_seed(run, specs[0]))
    starts = tuple(_start(spec, fresh, parent) for spec, parent in zip(specs, parents, strict=True))
    return Plan(tuple(spec.hyperparameters for spec in specs), starts, width, classes)


def _start(spec: TrialSpec, fresh: list[np.ndarray], parent: checkpoints.Checkpoint | None) -> Start:
    """Fresh weights, or a parent's best; the parent's last, and its optimizer's state, where it is continued.

    Raises `ValueError` where the parent's head is another.
    """
    if parent is None:
        return Start(fresh)
    kept = (parent.last if spec.continued else parent.best).get("head", ())
    here, there = [value.shape for value in fresh], [value.shape for value in kept]
    if here != there:
        raise ValueError(f"the kept weights of the head do not fit: they have the shapes {there}, {here} are needed")
    return Start(kept, parent.optimizer if spec.continued else ())
