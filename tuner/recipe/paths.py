"""Which paths does a recipe have, and which one was probably meant? The tree of keys, and the nearest name.

The tree comes from the schema itself, so a new field is known here at once.
"""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, get_args

from tuner.hyperparameters import PATHS
from tuner.recipe.document import Keys, dotted
from tuner.recipe.schema import Recipe
from tuner.recipe.sections import Section
from tuner.recipe.space import Axis

SPACE = ("search", "space")
FREE: tuple[Keys, ...] = (("augmentation",), ("data", "splits"))  # maps whose keys are no settings of the schema
NEAR = 0.6  # least similarity of difflib's that is worth a suggestion

ALIASES = {
    "lr": "optimizer.learning_rate",
    "learn_rate": "optimizer.learning_rate",
    "eta": "optimizer.learning_rate",
    "wd": "optimizer.weight_decay",
    "decay": "optimizer.weight_decay",
    "optim": "optimizer.name",
    "opt": "optimizer.name",
    "clipnorm": "optimizer.global_clipnorm",
    "grad_clip": "optimizer.global_clipnorm",
    "gradient_clip": "optimizer.global_clipnorm",
    "bs": "data.batch_size",
    "batch": "data.batch_size",
    "minibatch": "data.batch_size",
    "dataset": "data.name",
    "folder": "data.path",
    "root": "data.path",
    "directory": "data.path",
    "img_size": "data.image_size",
    "imgsz": "data.image_size",
    "input_shape": "data.image_size",
    "resolution": "data.image_size",
    "val_split": "data.validation_split",
    "classes": "data.class_names",
    "labels": "data.class_names",
    "subset": "data.limit",
    "architecture": "model.backbone",
    "arch": "model.backbone",
    "network": "model.backbone",
    "base_model": "model.backbone",
    "pretrained": "model.weights",
    "drop_rate": "model.dropout",
    "dropout_rate": "model.dropout",
    "units": "model.head_units",
    "hidden": "model.head_units",
    "kernel_initializer": "model.head_initializer",
    "init": "model.head_initializer",
    "augment": "augmentation",
    "transforms": "augmentation",
    "scheduler": "schedule.name",
    "lr_schedule": "schedule.name",
    "lr_scheduler": "schedule.name",
    "warmup": "schedule.warmup_epochs",
    "kernel_regularizer": "regularization.l2",
    "reg": "regularization.l2",
    "epochs": "transfer.0.epochs",
    "unfreeze": "transfer.0.trainable",
    "tuner": "search.algorithm",
    "n_trials": "steps.short_runs.trials",
    "timeout": "budget.max_time",
    "goal": "target.at_least",
    "gpu": "runtime.device",
    "gpus": "runtime.device",
    "amp": "runtime.precision",
    "fp16": "runtime.precision",
    "dtype": "runtime.precision",
    "xla": "runtime.jit_compile",
    "random_state": "seed",
    "random_seed": "seed",
    "output_dir": "output.dir",
}
"""What people type -> the path that it has here. For words that no similarity of letters would find."""

CANNOT = {
    "steps.short_runs.enabled": "steps 4 to 7 feed each other; --to learning_rate ends the run before them",
    "steps.learning_curves.enabled": "steps 4 to 7 feed each other; --to short_runs ends the run before it",
    "steps.change.enabled": "steps 4 to 7 feed each other; --to learning_curves ends the run before it",
    "steps.change.patience": "it belongs at regularization.early_stopping.patience",
    "steps.repeat.enabled": "with steps.repeat.max_rounds at 1 the run ends after one round",
}
"""Paths that one would expect to be there -> why they are not, and what to do instead."""

NOT_NEEDED = {
    "num_classes": "it is not needed: classes are counted in the data",
    "rescale": "it is not needed: preprocessing belongs to the backbone, images stay 0 to 255",
    "normalize": "it is not needed: preprocessing belongs to the backbone, images stay 0 to 255",
    "preprocessing": "it is not needed: it belongs to the backbone, images stay 0 to 255",
    "mean": "it is not needed: preprocessing belongs to the backbone, images stay 0 to 255",
    "std": "it is not needed: preprocessing belongs to the backbone, images stay 0 to 255",
    "workers": "it is not needed: images are decoded once and then read from disk",
    "num_workers": "it is not needed: images are decoded once and then read from disk",
    "cache": "it is not needed: images are always decoded once; data.cache_dir says where they are kept",
}


def is_setting(keys: Keys) -> bool:
    """Whether a recipe has a setting at this path. Numbers of list items and contents of free maps are not judged."""
    key = next(
        (depth for depth, key in enumerate(keys) if not isinstance(key, int) and not _has(keys[:depth], key)), None
    )
    return key is None


def _has(above: Keys, key: str) -> bool:
    section = section_at(above)
    if above == SPACE:
        return key in PATHS
    return key in section.model_fields if section else any(above[: len(free)] == free for free in FREE)


def section_at(keys: Keys) -> type[Section] | None:
    """The class of the map at this path; None where a map is free, or where there is none."""
    at: type[Section] | None = Recipe
    for depth, key in enumerate(keys):
        if keys[:depth] == SPACE:
            at = Axis
        elif at is not None and not isinstance(key, int):
            at = section_in(at.model_fields[key].annotation) if key in at.model_fields else None
    return at


def section_in(annotation: Any) -> type[Section] | None:
    """The section class inside an annotation such as `tuple[Stage, ...] | Literal["auto"]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


@cache
def all_paths() -> tuple[str, ...]:
    """Every path of a recipe, sections included, in reading order; a stage's stand below `transfer.0`."""
    return tuple(_paths(Recipe, ""))


def _paths(section: type[Section], prefix: str) -> Iterator[str]:
    for key, info in section.model_fields.items():
        path = prefix + key
        yield path
        inner = section_in(info.annotation)
        if inner is not None and inner is not Axis:
            yield from _paths(inner, f"{path}.0." if path == "transfer" else f"{path}.")


def hint_for_key(keys: Keys) -> str:
    """What to do about an unknown key: its right name here, its right place, or that it is not needed."""
    *above, key = keys
    word, prefix = str(key), "".join(f"{0 if isinstance(key, int) else key}." for key in above)
    section = section_at(tuple(above))
    siblings = list(section.model_fields) if section else []
    if near := nearest(word, siblings, 0.8):
        return f"did you mean '{near}'?"
    if instead := CANNOT.get(f"{prefix}{word}"):
        return instead
    if places := _elsewhere(word):
        return f"it belongs at {places}"
    if alias := ALIASES.get(_plain(word)):
        name = alias.removeprefix(prefix)
        return f"did you mean '{name}'?" if prefix and "." not in name else f"it belongs at {alias}"
    if reason := NOT_NEEDED.get(_plain(word)):
        return reason
    if near := nearest(word, siblings):
        return f"did you mean '{near}'?"
    if near := nearest(word, {path.rpartition(".")[2] for path in all_paths()}, 0.8):
        return f"did you mean {_elsewhere(near)}?"
    return "it can have " + ", ".join(siblings) if siblings and len(siblings) <= 8 else ""


def _elsewhere(word: str) -> str:
    """The paths that end in `word`: settings rather than sections, at most three."""
    found = [path for path in all_paths() if path.rpartition(".")[2] == word]
    found = [path for path in found if not _is_section(path)] or found
    shallow = [path for path in found if not path.startswith(("steps.", "transfer."))] or found
    return ", ".join(shallow[:-1]) + " or " + shallow[-1] if len(shallow) in (2, 3) else shallow[0] if shallow else ""


def _is_section(path: str) -> bool:
    return any(other.startswith(path + ".") for other in all_paths())


def hint_for_path(keys: Keys) -> str:
    """What to do about a path that no recipe has."""
    if instead := CANNOT.get(dotted(keys)):
        return instead
    alias = ALIASES.get(_plain(str(keys[-1]))) if keys else None
    known = [*all_paths(), *(f"search.space.{path}" for path in PATHS)]
    near = alias or nearest(dotted(keys), known, 0.75) or (keys and _elsewhere(str(keys[-1])))
    return f"did you mean '{near}'?" if near else ""


def nearest(word: str, names: Iterable[str], least: float = NEAR) -> str:
    """The name most like `word`, upper and lower case being the same; empty if none is like it."""
    folded = {name.casefold(): name for name in names}
    found = difflib.get_close_matches(word[:100].casefold(), folded, n=1, cutoff=least)
    return folded[found[0]] if found else ""


def _plain(word: str) -> str:
    return word.casefold().replace("-", "_").strip()
