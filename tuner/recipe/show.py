"""What does a recipe mean, every default filled in? A recipe again, each line with where its value comes from."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.recipe.scalars import is_text
from tuner.recipe.schema import Recipe

COMMENT_COLUMN = 52
PLAIN = re.compile(r"[A-Za-z0-9_./~-][A-Za-z0-9_./~+ -]*(?<! )")
"""Texts that need no quotes, unless they mean something."""
INLINE = ("regularization.early_stopping", "data.splits")
"""Maps that stand on one line."""
AXES = "search.space."
LISTS = ("transfer", "augmentation")
"""Lists that have a line for each item."""

WHEN_AUTO: Mapping[str, str] = {
    "data.folds": "5 where fewer than 625 validation images were cut from the training images, else none",
    "transfer": "decided from the weights, the number of images and their features",
    "loss.name": "sparse_categorical_crossentropy, since labels are class numbers",
    "loss.from_logits": "true unless the model ends in a softmax",
    "optimizer.learning_rate": "step 3 finds it",
    "schedule.name": "held in short runs, CosineDecay in longer ones",
    "steps.repeat.min_gain": "the noise of val_accuracy",
    "runtime.device": "gpu if there is one",
    "runtime.precision": "mixed where the device gains from it",
    "runtime.jit_compile": "Keras decides",
    "runtime.head_engine": "numpy on a CPU, keras on a GPU",
}
"""Path -> what becomes of the word `auto` there."""


def resolved_text(recipe: Recipe) -> str:
    """The recipe as YAML with all settings; loading it gives an equal recipe."""
    lines = [f"# {recipe.path.name} with every default filled in; the comments say where each value comes from."]
    for key, value in recipe.to_json().items():
        gap = [""] if isinstance(value, dict) or key in LISTS else []
        lines += [*gap, *_setting(recipe, key, key, value, "")]
    return "\n".join(lines) + "\n"


def _setting(recipe: Recipe, path: str, key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value and path not in INLINE and not path.startswith(AXES):
        yield f"{indent}{key}:"
        for below, item in value.items():
            yield from _setting(recipe, f"{path}.{below}", below, item, indent + "  ")
    elif path in LISTS and isinstance(value, list) and value:
        yield f"{indent}{key}:"
        for index, item in enumerate(value):
            yield _line(recipe, f"{path}.{index}", f"{indent}  - {flow(_as_written(item))}", item)
    else:
        yield _line(recipe, path, f"{indent}{key}: {_scalar(path, value)}", value)


def _line(recipe: Recipe, path: str, text: str, value: Any) -> str:
    comment = _origin(recipe.provenance.get(path, "default"))
    if value == "auto" and path in WHEN_AUTO:
        comment += f"; {WHEN_AUTO[path]}"
    return f"{text:<{COMMENT_COLUMN}}  # {comment}"


def _origin(place: str) -> str:
    """The place without folders, and a --set without what it sets."""
    return "--set" if place.startswith("--set") else re.split(r"[/\\]", place)[-1]


def _scalar(path: str, value: Any) -> str:
    return duration(value) if path == "budget.max_time" and value is not None else flow(value)


def _as_written(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stage with `trainable` in the words of a recipe."""
    kind, _, rest = str(stage.get("trainable", "")).partition(":")
    if not rest:
        return stage
    return {**stage, "trainable": {"last": int(rest)} if kind == "last" else {"from_layer": rest}}


def flow(value: Any) -> str:
    """A value on one line of YAML 1.2."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None:
        return "none"
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and is_text(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def duration(seconds: float) -> str:
    """Seconds as `1h30m`; a fraction of a second stays a number."""
    if seconds != int(seconds):
        return repr(seconds)
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if n)
