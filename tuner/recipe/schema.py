"""What is a recipe? All sections together, frozen, and the first point of the search space that it describes.

`load` makes one from a file; `Recipe.from_json` makes the same one again from what a run stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from tuner.hyperparameters import PATHS, Hyperparameters
from tuner.recipe import names
from tuner.recipe.augmentation import Augmentation
from tuner.recipe.gradual import Listed, expanded
from tuner.recipe.kinds import Form, Length, ListOf, OrAuto, OrNone, Seed, section, setting
from tuner.recipe.plan import Budget, Output, Report, Runtime, Steps, Target
from tuner.recipe.sections import Data, Loss, Model, Optimizer, Regularization, Schedule, Section, Stage
from tuner.recipe.space import AUGMENTATION, Search, layers

VERSION = 1
PLACEHOLDER_RATE = 1e-3
"""Learning rate of the start while `auto` waits for step 3."""

NAME_FORM = r"[a-z0-9][a-z0-9-]{0,63}"

Stages = OrAuto[Annotated[ListOf[Stage], Length(1, 20)]]


@dataclass(frozen=True)
class Origin:
    """Where a recipe came from. It does not count when two recipes are compared."""

    path: Path = field(default=Path("recipe.yaml"), compare=False)
    text: str = field(default="", compare=False)
    provenance: Mapping[str, str] = field(default_factory=dict, compare=False)


class Recipe(Section):
    """Everything that a user asks of a run."""

    version: Literal[1] = Field(description="Version of the recipe format, not of the tool.")
    name: Annotated[str, Form(NAME_FORM, "lower-case letters, digits and -")] = Field(
        description="Lower-case letters, digits and -; runs go to reports/NAME/0001."
    )
    description: str = setting("", "One sentence for the report.")
    seed: Seed = setting(42, "All random numbers derive from it.")
    data: Data = Field(description="Where the images are and how they are split.")
    model: Model = Field(description="The backbone and the head.")
    transfer: Stages = setting("auto", "Stages of transfer learning, in order; auto decides from the data.")
    loss: Loss = section(Loss, "What is made small.")
    optimizer: Optimizer = section(Optimizer, "How the weights move.")
    schedule: Schedule = section(Schedule, "How the learning rate changes over the epochs.")
    regularization: Regularization = section(Regularization, "What keeps the head from memorizing.")
    augmentation: Augmentation = setting(
        (), "keras.layers, or AutoAugment, CutMix, MixUp, RandAugment, RandomCrop of ours, in order, in training only."
    )
    search: Search = section(Search, "What steps 4 and 7 may change.")
    steps: Steps = section(Steps, "The seven steps.")
    target: OrNone[Target] = setting(None, "When the model is good enough; none: as good as it gets.")
    budget: Budget = section(Budget, "When the run ends in any case.")
    runtime: Runtime = section(Runtime, "What it runs on.")
    output: Output = section(Output, "What is kept, and where.")
    report: Report = section(Report, "What the report is made of.")

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], origin: Origin | None = None) -> "Recipe":
        """The inverse of `to_json`. Raises pydantic's `ValidationError`."""
        recipe = cls.model_validate(dict(data))
        recipe._origin = origin or Origin()
        return recipe

    @property
    def path(self) -> Path:
        """The file it was loaded from, absolute."""
        return self._origin.path

    @property
    def text(self) -> str:
        """The file as its author wrote it, parents and --set left out."""
        return self._origin.text

    @property
    def provenance(self) -> Mapping[str, str]:
        """Recipe path -> where its value was written, such as `digits.yaml:12`; defaults are left out."""
        return self._origin.provenance

    def to_json(self) -> dict[str, Any]:
        """Every setting, defaults included, as plain JSON data in a fixed order: what a resume compares."""
        data = self.model_dump(mode="json")
        data["search"]["space"] = {path: axis.to_json() for path, axis in self.search.space.items()}
        return data

    def start(self) -> Hyperparameters:
        """The point of the search space that the recipe describes, in the first stage of transfer."""
        return Hyperparameters.from_json({path: self._setting(path) for path in PATHS})

    def _setting(self, path: str) -> Any:
        match path:
            case "optimizer.learning_rate" if self.optimizer.learning_rate == "auto":
                return PLACEHOLDER_RATE
            case "schedule.name" if self.schedule.name == names.AUTO:
                return "none"
            case "transfer.trainable":
                return self._first_stage().trainable
            case "transfer.freeze_batch_norm":
                return self._first_stage().freeze_batch_norm
            case "transfer.layer_decay":
                return self._first_stage().layer_decay
            case _ if path == AUGMENTATION:
                return layers(self.augmentation)
        section, key = path.split(".")
        return getattr(getattr(self, section), key)

    def _first_stage(self) -> Stage | Listed:
        if self.transfer != "auto":
            return expanded(self.transfer)[0]
        pretrained = self.model.weights is not None
        trainable = "none" if pretrained else "all"
        return Stage(name="head", trainable=trainable, freeze_batch_norm=pretrained)
