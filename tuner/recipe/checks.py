"""Do the settings of a recipe fit together? The laws that concern more than one setting.

They are judged in the same pass as the single settings, on a recipe in which every broken setting stands at its
default, and only where none of the settings they speak of is broken: so nobody has to correct a file twice.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.recipe import names
from tuner.recipe.batch_norm import OWN, ever_trains, has_batch_norm, stages_train
from tuner.recipe.candidates import candidates
from tuner.recipe.gradual import GRADUAL, expanded
from tuner.recipe.schema import Recipe
from tuner.recipe.sections import IMAGENET, Data


@dataclass(frozen=True)
class Complaint:
    """A broken law: the setting to look at, what is wrong, what to do, and which other settings it depends on."""

    path: str
    message: str
    hint: str = ""
    depends: tuple[str, ...] = ()
    at_key: bool = False  # the caret stands under the key instead of the value


_FILES = ("directory", "npz", "csv", "python")
NEEDED = {**dict.fromkeys(_FILES, "path"), "tfds": "name"}
"""Source -> the key that says where its images are."""
BELONGS_TO = {
    "path": _FILES,
    "name": ("tfds",),
    "splits": ("tfds",),
    "data_dir": ("tfds",),
    "image_column": ("csv",),
    "label_column": ("csv",),
    "split_column": ("csv",),
    "group_column": ("csv",),
}
"""Key of `data` -> the sources that read it; elsewhere it would be silently ignored."""


def source(recipe: Recipe) -> Iterator[Complaint]:
    """Every source has what it needs, and nothing that it would not read."""
    data = recipe.data
    needed = NEEDED.get(data.source)
    if needed and getattr(data, needed) is None:
        message = f"source '{data.source}' needs data.{needed}"
        yield Complaint("data.source", message, EXAMPLES[data.source], (f"data.{needed}",))
    for key, sources in BELONGS_TO.items():
        if data.source not in sources and getattr(data, key) != Data.model_fields[key].default:
            message = f"source '{data.source}' does not read data.{key}"
            yield Complaint(f"data.{key}", message, f"it is for {', '.join(sources)}", ("data.source",), at_key=True)
    if data.source == "python" and data.path and not re.search(r"[\w/.-]+:[A-Za-z_]\w*$", str(data.path)):
        yield Complaint("data.path", "should be FILE.py:FUNCTION for source 'python'", "", ("data.source",))


EXAMPLES = {
    "directory": "path: FOLDER, with one folder a class",
    "npz": "path: FILE.npz",
    "csv": "path: FILE.csv",
    "python": "path: FILE.py:FUNCTION",
    "tfds": "name: fashion_mnist",
}


def splits(recipe: Recipe) -> Iterator[Complaint]:
    """Something is left to train on, and class names are distinct."""
    held_out = recipe.data.validation_split + recipe.data.test_split
    if held_out >= 1:
        message = f"validation_split and test_split are {held_out:g} together: nothing is left to train on"
        yield Complaint("data.test_split", message, "", ("data.validation_split",))
    if recipe.data.group_column is not None and recipe.data.group_pattern is not None:
        hint = "choose one: a column of the table, or a part of the file's name"
        yield Complaint(
            "data.group_pattern", "data.group_column names the groups already", hint, ("data.group_column",)
        )
    given = recipe.data.class_names or ()
    twice = next((name for i, name in enumerate(given) if name in given[:i]), None)
    if twice is not None:
        yield Complaint("data.class_names", f"class '{twice}' is named twice")


def images(recipe: Recipe) -> Iterator[Complaint]:
    """Images are resized in one way, and to a size that every backbone can take."""
    data = recipe.data
    if data.pad_to_aspect_ratio and data.crop_to_aspect_ratio:
        other = "data.pad_to_aspect_ratio"
        yield Complaint("data.crop_to_aspect_ratio", f"{other} is true as well", "choose one", (other,))
    sizes = {name: names.SMALLEST_IMAGE.get(name, names.SMALLEST_IMAGE_OTHERWISE) for name in candidates(recipe)}
    for backbone, smallest in sizes.items():
        if backbone in (*names.APPLICATIONS, *names.SMALLEST_IMAGE) and min(data.image_size) < smallest:
            message = f"{backbone} needs at least {smallest} pixels each way, not {min(data.image_size)}"
            hint = f"image_size: [{smallest}, {smallest}] or more; small images are enlarged"
            yield Complaint("data.image_size", message, hint, ("model.backbone",))


def backbones(recipe: Recipe) -> Iterator[Complaint]:
    """Candidates are told apart by their names, and no file of weights is taken for all of them."""
    several, weights = candidates(recipe), recipe.model.weights
    twice = next((index for index, name in enumerate(several) if name in several[:index]), None)
    if twice is not None:
        yield Complaint(
            f"model.backbone.{twice}", f"backbone '{several[twice]}' is named twice", "", ("model.backbone",)
        )
    if len(several) > 1 and weights not in (None, IMAGENET):
        hint = "weights: imagenet, or one backbone"
        yield Complaint(
            "model.weights", "one file of weights does not fit several backbones", hint, ("model.backbone",)
        )


def weights(recipe: Recipe) -> Iterator[Complaint]:
    """Nobody asks for weights that do not exist, or never trains a backbone that has none."""
    several = candidates(recipe)
    own = all(name.startswith(names.PYTHON) for name in several)
    for backbone in several if recipe.model.weights == IMAGENET else ():
        if backbone.startswith(names.PYTHON) or backbone in names.UNTRAINED_BACKBONES:
            message = f"there are no ImageNet weights for {backbone}"
            yield Complaint("model.weights", message, "weights: none trains from scratch", ("model.backbone",))
    if recipe.model.weights is None and not own and recipe.transfer != "auto":
        frozen = next((i for i, stage in enumerate(recipe.transfer) if stage.trainable == "none"), None)
        if frozen is not None:
            message = "a backbone without weights would never learn anything"
            hint = "trainable: all, or weights: imagenet"
            yield Complaint(
                f"transfer.{frozen}.trainable", message, hint, ("model.weights", "model.backbone", "transfer")
            )


def normalization(recipe: Recipe) -> Iterator[Complaint]:
    """Only a network whose layers are ours can be given another normalization than its own."""
    asked = recipe.model.normalization
    for backbone in candidates(recipe) if asked != OWN else ():
        if backbone not in names.CLASSICS:
            message = f"{backbone} keeps its own normalization, '{asked}' is not for it"
            hint = f"normalization: own, or one of {', '.join(names.CLASSICS)}"
            yield Complaint("model.normalization", message, hint, ("model.backbone",))


def batch_of_one(recipe: Recipe) -> Iterator[Complaint]:
    """Batch normalization that trains sees several images at a time."""
    axis = recipe.search.space.get("data.batch_size")
    searched = axis is not None and (1 in (axis.values or ()) or axis.min_value == 1)
    normalizing = next((name for name in candidates(recipe) if has_batch_norm(recipe, name)), None)
    if normalizing is None or not ever_trains(recipe) or not (searched or recipe.data.batch_size == 1):
        return
    message = f"the batch normalization of {normalizing} would take mean and variance of one image"
    remedy = "transfer stages with freeze_batch_norm: true"
    if not stages_train(recipe):
        remedy = "no search of transfer.trainable and transfer.freeze_batch_norm that lets it train"
    elif normalizing in names.CLASSICS:
        remedy = "model.normalization: group"
    hint = f"batch_size: 2 or more, or {remedy}"
    depends = ("model.backbone", "model.normalization", "model.weights", "transfer", "data.batch_size", "search.space")
    path = "search.space.data.batch_size" if searched else "data.batch_size"
    yield Complaint(path, message, hint, tuple(other for other in depends if other != path))


def auxiliary_head(recipe: Recipe) -> Iterator[Complaint]:
    """An auxiliary head has layers below it that train."""
    frozen = recipe.transfer != "auto" and all(stage.trainable == "none" for stage in recipe.transfer)
    searched = "model.auxiliary_head" in recipe.search.space
    if frozen and (searched or recipe.model.auxiliary_head):
        path = "search.space.model.auxiliary_head" if searched else "model.auxiliary_head"
        message = "no layer of the backbone trains, so there is none that an auxiliary head could help"
        yield Complaint(path, message, "auxiliary_head: 0, or a stage with trainable: half or all", ("transfer",))


def stages(recipe: Recipe) -> Iterator[Complaint]:
    """Stages are told apart by their names, those of a gradual stage too; a single trial cannot be gradual."""
    seen: set[str] = set()
    for index, stage in enumerate(recipe.transfer if recipe.transfer != "auto" else ()):
        own = [part.name for part in expanded([stage])]
        twice = next((name for name in own if name in seen), None)
        if twice is not None:
            yield Complaint(f"transfer.{index}.name", f"a stage before is named '{twice}', too", "", ("transfer",))
        seen.update(own)
    axis = recipe.search.space.get("transfer.trainable")
    if axis is not None and GRADUAL in (axis.values or ()):
        message = "gradual is several stages one after the other, and a trial is in one of them"
        yield Complaint("search.space.transfer.trainable", message, "transfer: [{name: more, trainable: gradual}]")


def optimizer(recipe: Recipe) -> Iterator[Complaint]:
    """Nothing waits for a step that is switched off."""
    given = recipe.optimizer
    if given.learning_rate == "auto" and given.name not in names.FULL_BATCH and not recipe.steps.learning_rate.enabled:
        message = "auto waits for steps.learning_rate, which is switched off"
        yield Complaint(
            "optimizer.learning_rate", message, "write a rate, such as 1e-3", ("steps.learning_rate.enabled",)
        )


def schedule(recipe: Recipe) -> Iterator[Complaint]:
    """The rate drops, and a warm-up ends, before the run does."""
    given = recipe.schedule
    stages_ = recipe.transfer if recipe.transfer != "auto" else ()
    longest = max([recipe.steps.change.epochs, *(stage.epochs or 0 for stage in stages_)])
    if given.warmup_epochs >= longest:
        message = f"the rate would still be warming up when a run ends after {longest} epochs (steps.change.epochs)"
        yield Complaint("schedule.warmup_epochs", message, "", ("steps.change.epochs",))
    if given.drop_every is not None and given.drop_every + given.warmup_epochs >= longest:
        message = f"the rate would never drop: a run ends after {longest} epochs (steps.change.epochs)"
        hint = f"{max(1, longest // 3)}, or none"
        yield Complaint("schedule.drop_every", message, hint, ("steps.change.epochs", "schedule.warmup_epochs"))


def range_test(recipe: Recipe) -> Iterator[Complaint]:
    """A range has a lower and an upper end."""
    step = recipe.steps.learning_rate
    if step.min_lr >= step.max_lr:
        message = f"min_lr {step.min_lr:g} is not below max_lr {step.max_lr:g}"
        yield Complaint("steps.learning_rate.min_lr", message, "", ("steps.learning_rate.max_lr",))


CHECKS: tuple[Callable[[Recipe], Iterator[Complaint]], ...] = (
    source,
    splits,
    images,
    backbones,
    weights,
    normalization,
    batch_of_one,
    auxiliary_head,
    stages,
    optimizer,
    schedule,
    range_test,
)
