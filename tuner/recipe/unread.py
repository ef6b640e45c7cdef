"""Is anything set, or searched, that a run would silently ignore? What optimizer, schedule and head do not read.

What is ignored in a part of a run only, or is none the worse for it, is a note (tuner/recipe/notes.py), no problem.

Source: tuner/training/optimizers.py, tuner/training/schedules.py, tuner/training/lbfgs.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tuner.recipe import names
from tuner.recipe.batch_norm import ever_trains
from tuner.recipe.candidates import candidates
from tuner.recipe.checks import Complaint
from tuner.recipe.schema import Recipe
from tuner.recipe.sections import Optimizer, Schedule

MOMENTUM_OF = {"momentum": ("SGD", "RMSprop"), "nesterov": ("SGD",)}
"""Key of `optimizer` -> the optimizers that read it."""
NORMALIZED = ("model.backbone", "model.weights", "model.normalization", "transfer")
"""What decides whether batch normalization trains."""
FINAL_RATE = "schedule.alpha"
ANY = names.SCHEDULES[1:]  # schedule but "none"
READ_BY = {
    "alpha": ANY,
    "drop_every": ("StepDecay",),
    "drop_factor": ("StepDecay", "PiecewiseConstantDecay", "ReduceLROnPlateau"),
    "power": ("PolynomialDecay",),
    "restarts": ("CosineDecayRestarts",),
}
"""Key of `schedule` -> the schedules that read it; another would silently ignore it."""


def momentum(recipe: Recipe) -> Iterator[Complaint]:
    """No momentum is set, or searched, for optimizers that have none."""
    if set(_searched_optimizers(recipe)) <= set(names.FULL_BATCH):
        return  # `full_batch` says it
    asked = (recipe.optimizer.name, *_searched_optimizers(recipe))
    for key, optimizers in MOMENTUM_OF.items():
        if not set(asked).isdisjoint(optimizers):
            continue
        message, hint = f"{asked[0]} does not read optimizer.{key}", f"it is for {' and '.join(optimizers)}"
        if getattr(recipe.optimizer, key) != Optimizer.model_fields[key].default:
            depends = ("optimizer.name", "search.space")
            yield Complaint(f"optimizer.{key}", message, hint, depends, at_key=True)
        if f"optimizer.{key}" in recipe.search.space:
            yield Complaint(f"search.space.optimizer.{key}", message, hint, ("optimizer.name",), at_key=True)


def _searched_optimizers(recipe: Recipe) -> tuple[str, ...]:
    """Those that the trials of step 4 may have."""
    axis = recipe.search.space.get("optimizer.name")
    return tuple(map(str, axis.values or ())) if axis is not None else (recipe.optimizer.name,)


def full_batch(recipe: Recipe) -> Iterator[Complaint]:
    """Nothing is set, or searched, that an optimizer without batches and rates would ignore."""
    asked = _searched_optimizers(recipe)
    if not set(asked) <= set(names.FULL_BATCH):
        return  # trials with others heed it; in those without, it is left out, and the report says so
    depends = ("optimizer.name", "search.space")
    message, hint = (
        f"{asked[0]} finds the length of each step by a line search: there is no learning rate",
        "leave it out",
    )
    if recipe.optimizer.learning_rate != "auto":
        yield Complaint("optimizer.learning_rate", message, hint, depends)
    if ever_trains(recipe):
        noisy = f"{asked[0]} compares losses, and batch normalization that trains makes each look another network"
        yield Complaint("optimizer.name", noisy, "name: AdamW, or model.normalization: group", (*depends, *NORMALIZED))
    for path, default in {**names.UNHEEDED, FINAL_RATE: 0.0}.items():
        at, value = _value_at(recipe, path)
        if value != default:
            ignored = f"{asked[0]} looks at all images at each step, and has no use for {path}"
            yield Complaint(at, ignored, f"{hint}, or name: AdamW", (*depends, *(("transfer",) if at != path else ())))
    for path in names.UNHEEDED_AXES:
        if path in recipe.search.space:
            yield Complaint(f"search.space.{path}", f"{asked[0]} has no use for {path}", hint, ("optimizer.name",))


def _value_at(recipe: Recipe, path: str) -> tuple[str, Any]:
    """Where the value of a point's path is written, and the value; of stages that of the first.

    A later stage in which the backbone trains has another optimizer; where it is frozen, there is a note.
    """
    section, _, key = path.partition(".")
    if path == "schedule.name":
        return path, recipe.start().schedule  # auto is none for such an optimizer
    value = getattr(recipe, section)
    if section != "transfer":
        return path, getattr(value, key) if key else value
    moves = value != "auto" and value[0].trainable != "none"
    return f"transfer.0.{key}", getattr(value[0], key) if moves else names.UNHEEDED[path]


def schedule(recipe: Recipe) -> Iterator[Complaint]:
    """What is set, or searched, one of the schedules reads."""
    given, space = recipe.schedule, recipe.search.space
    named = (given.name, *((space["schedule.name"].values or ()) if "schedule.name" in space else ()))
    for key, schedules in READ_BY.items():
        path = f"schedule.{key}"
        if not set(named).isdisjoint(schedules):
            continue
        message, others = f"schedule '{given.name}' does not read {path}", schedules == ANY
        hint = f"it is for {f'{schedules[0]} and others' if others else ', '.join(schedules)}"
        if getattr(given, key) != Schedule.model_fields[key].default and not (others and _decays(recipe)):
            yield Complaint(path, message, hint, ("schedule.name", "search.space"), at_key=True)
        if path in space:
            yield Complaint(f"search.space.{path}", message, hint, ("schedule.name",), at_key=True)


def _decays(recipe: Recipe) -> bool:
    """Whether step 6 ends longer runs in a decay of its own, which has a final rate: by `auto`, if none is searched.

    For L-BFGS, which has none, `full_batch` says it.
    """
    searched = any(path.startswith("schedule.") for path in recipe.search.space)
    decays = recipe.schedule.name == names.AUTO and not searched
    return decays or set(_searched_optimizers(recipe)) <= set(names.FULL_BATCH)


def logits(recipe: Recipe) -> Iterator[Complaint]:
    """Only a user's own classifier ends in probabilities: our head ends in logits."""
    ours = next((name for name in candidates(recipe) if not name.startswith(names.PYTHON)), None)
    if recipe.loss.from_logits is False and ours is not None:
        message = f"the head on {ours} ends in logits, without a softmax"
        yield Complaint("loss.from_logits", message, "from_logits: auto", ("model.backbone",))


UNREAD: tuple[Callable[[Recipe], Iterator[Complaint]], ...] = (momentum, full_batch, schedule, logits)
