"""What becomes of a point of the search space where L-BFGS, which sees all images at each step, is its optimizer?

It is asked for nothing that L-BFGS cannot do: no augmentation, no dropout, no schedule. And no axis of a search leads
nowhere: what no optimizer of a space heeds is not searched.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from tuner.hyperparameters import Hyperparameters, field_of
from tuner.recipe.names import FULL_BATCH, UNHEEDED, UNHEEDED_AXES
from tuner.records import Change
from tuner.search.usual_rates import USUAL

NAME = "optimizer.name"
RATE = "optimizer.learning_rate"
SMALL_STEPS = "AdamW"  # what takes over where the layers of a backbone train
SENTENCE = (
    "L-BFGS sees all images at each step and finds its length itself: rate, schedule, dropout and augmentation were "
    "left out of its trials, and weight decay became a penalty."
)


def adapted(point: Hyperparameters) -> Hyperparameters:
    """The point without what L-BFGS does not heed; the point itself where another optimizer trains."""
    if point.optimizer not in FULL_BATCH:
        return point
    plain: dict[str, Any] = {field_of(path): value for path, value in UNHEEDED.items()}
    return dataclasses.replace(point, **plain, learning_rate=USUAL[point.optimizer])


def has_effect(point: Hyperparameters, path: str, value: Any) -> bool:
    """Whether the change makes another trial of `point`."""
    return adapted(point.replace(path, value)) != adapted(point)


def heeded(space: Mapping[str, Any], optimizer: str) -> dict[str, Any]:
    """The axes that matter to `optimizer`, or to any that the space has in its place."""
    if not set(optimizers_of(space, optimizer)) <= set(FULL_BATCH):
        return dict(space)
    return {path: axis for path, axis in space.items() if path not in UNHEEDED_AXES}


def optimizers_of(space: Mapping[str, Any], optimizer: str) -> tuple[str, ...]:
    """The optimizers that trials of a space may have: those of its axis, else that of the setting."""
    axis = space.get(NAME)
    return tuple(dict.fromkeys(axis["values"])) if axis else (optimizer,)


def small_steps(point: Hyperparameters, trainable: str) -> tuple[Change, ...]:
    """The change of optimizer with which layers of a backbone begin to train after L-BFGS; none for others."""
    if point.optimizer not in FULL_BATCH or trainable == "none":
        return ()
    why = "L-BFGS trained the head; a whole backbone is trained batch by batch, at a rate of its own"
    return (Change(NAME, SMALL_STEPS, why), Change(RATE, USUAL[SMALL_STEPS], f"{SMALL_STEPS} begins there as a rule"))


def any_full_batch(optimizers: Collection[str]) -> bool:
    """Whether L-BFGS is among them."""
    return not set(optimizers).isdisjoint(FULL_BATCH)
