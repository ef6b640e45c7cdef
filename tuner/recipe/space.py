"""Which settings may a trial change, and in which range? `search:`, keyed by the recipe paths of `Hyperparameters`.

The words of an axis are keras-tuner's. A value that a trial may take is checked by the very class that checks it in
its own section: `search.space` cannot allow what the recipe would refuse.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from tuner.recipe.augmentation import Augmentation
from tuner.recipe.kinds import Length, ListOf, section, setting
from tuner.recipe.sections import Data, Loss, Model, Optimizer, Regularization, Schedule, Section, Stage

AUGMENTATION = "augmentation"

_AUGMENTATION: TypeAdapter[Any] = TypeAdapter(Augmentation, config=ConfigDict(defer_build=True))
_OWNERS: Mapping[str, tuple[type[Section], Mapping[str, Any]]] = {
    "data": (Data, {"source": "digits"}),
    "model": (Model, {"backbone": "LeNet5"}),
    "transfer": (Stage, {"name": "any", "trainable": "none"}),
    "loss": (Loss, {}),
    "optimizer": (Optimizer, {}),
    "schedule": (Schedule, {}),
    "regularization": (Regularization, {}),
}
"""Section -> its class, and the least that makes one."""


def point_value(path: str, value: Any) -> Any:
    """What `value`, as a recipe writes it, is in a `Hyperparameters` at `path`. Raises pydantic's `ValidationError`."""
    if path == AUGMENTATION:
        return layers(_AUGMENTATION.validate_python(value))
    section, key = path.split(".")
    owner, least = _OWNERS[section]
    return getattr(owner.model_validate({**least, key: value}), key)


def layers(augmentation: tuple[Mapping[str, Mapping[str, Any]], ...]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """The augmentation of a recipe in the form of `Hyperparameters`: ((layer, ((argument, value), ...)), ...)."""
    return tuple((name, tuple(given.items())) for item in augmentation for name, given in item.items())


class Axis(Section):
    """Either `values` to choose from, or a range from `min_value` to `max_value`."""

    values: Annotated[ListOf[Any], Length(1, 1000)] | None = setting(None, "Values to try.")
    min_value: int | float | None = setting(None, "Lower end of the range.")
    max_value: int | float | None = setting(None, "Upper end of the range.")
    step: Annotated[int | float, Field(gt=0)] | None = setting(
        None, "Distance between values; none makes it continuous."
    )
    sampling: Literal["linear", "log", "reverse_log"] = setting("linear", "How the range is covered.")

    def to_json(self) -> dict[str, Any]:
        """Only what belongs to its kind: `{values}` or `{min_value, max_value, step, sampling}`."""
        if self.values is not None:
            return {"values": list(self.values)}
        return self.model_dump(exclude={"values"}, exclude_none=True)


class Search(Section):
    """What steps 4 and 7 may change, and how they choose."""

    algorithm: Literal["grid", "random", "bayesian", "hyperband", "halving"] = setting(
        "random",
        "How points are chosen; halving: at random, and after a third of the epochs the best third goes on. So do the "
        "points of grid and random where layers of the backbone train.",
    )
    objective: Literal["val_accuracy"] = setting(
        "val_accuracy", "What makes a trial the best; validation loss decides between equals."
    )
    space: Mapping[str, Axis] = section(
        dict, "Recipe path -> {values: [...]} or {min_value, max_value, step, sampling}."
    )
