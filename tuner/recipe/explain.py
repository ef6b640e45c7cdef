"""What does a validation error mean to the person who wrote the recipe? pydantic's errors as problems with a place.

Each sentence says the law and what came: "should be above 0 or auto, not -1".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tuner.recipe.document import Document, Keys, dotted, short
from tuner.recipe.paths import hint_for_key, nearest
from tuner.recipe.problems import Place, Problem
from tuner.recipe.scalars import is_text

Error = Mapping[str, Any]

LAWS: Mapping[str, str] = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "tuple_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "path_type": "a path",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "duration": "a duration such as 2h, 90m or 1h30m",
    "list_length": "a list of {many}",
    "law": "{law}",
}
"""pydantic's error type -> what the value should be; the braces are filled from the error's context."""

MOST_HINTS = 200  # problems of a file for which a name is looked for; each takes about a millisecond
FEW = 15  # names that fit into a hint

SILENT = frozenset({"default_factory_not_called"})  # follows from another error of the same section

BOOLEANS = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}

HINTS: Mapping[str, str] = {
    "version": "this tuner reads recipes of version 1",
    "data.label_mode": "labels are class numbers; two classes are two scores, and need no other mode",
    "target.metric": "the test set is read once, at the end, so nothing aims at it",
    "steps.overfit_small_sample.batches": "the lecture takes 5 to 10 mini-batches",
    "steps.short_runs.epochs": "short runs tell rates apart; steps.change trains the best for longer",
}
"""Path -> why its law is what it is."""

NEVER_ZERO: Mapping[str, str] = {
    "data.validation_split": "what steers cannot be the test set, which is read once; few images? data.folds: auto",
    "data.test_split": "what was chosen on the validation images looks better on them than it is",
}
"""Path -> why its share cannot be 0: train/test alone is the last resort of L4, and the tool has no need of it."""


def problems_of(errors: Iterable[Error], document: Document) -> dict[Keys, Problem]:
    """One problem for each path that has errors."""
    grouped: dict[Keys, list[Error]] = {}
    for error in errors:
        if error["type"] not in SILENT:
            grouped.setdefault(path_of(error, document.data), []).append(error)
    deepest = [keys for keys in grouped if not _is_word_of_union(keys, grouped)]
    return {
        keys: _problem(keys, grouped[keys], document, hinted=count < MOST_HINTS) for count, keys in enumerate(deepest)
    }


def path_of(error: Error, data: Any) -> Keys:
    """The path into the data: an error's own location, without the names of the branches of a union."""
    keys: list[str | int] = []
    at = data
    for part in error["loc"]:
        if (isinstance(at, dict) and part in at) or (isinstance(at, list) and isinstance(part, int) and part < len(at)):
            keys.append(part)
            at = at[part]
        elif error["type"] == "missing" and part == error["loc"][-1]:
            keys.append(part)
    return tuple(keys)


def _is_word_of_union(keys: Keys, grouped: Mapping[Keys, list[Error]]) -> bool:
    """Whether all that is wrong at `keys` is that it is not the word `auto`, while something below it is wrong, too."""
    only_words = all(error["type"] == "literal_error" for error in grouped[keys])
    return only_words and any(other[: len(keys)] == keys and other != keys for other in grouped)


def place_of(keys: Keys, document: Document, of_key: bool = False) -> Place:
    """Where the value (or the key) at a path stands; if it is not written, where what is around it stands."""
    if keys in document.values:
        return document.keys.get(keys, document.values[keys]) if of_key else document.values[keys]
    return place_of(keys[:-1], document, of_key=True) if keys else document.values[()]


def _problem(keys: Keys, errors: list[Error], document: Document, hinted: bool) -> Problem:
    error = errors[0]
    if error["type"] == "missing":
        return _missing(keys, document)
    if error["type"] == "extra_forbidden":
        under = f" under {dotted(keys[:-1])}" if keys[:-1] else ""
        message = f"unknown key '{short(str(keys[-1]))}'{under}"
        hint = hint_for_key(keys) if hinted else ""
        return Problem(place_of(keys, document, of_key=True), message, dotted(keys), hint)
    message, hint = sentence(errors)
    key = (*keys, *error.get("ctx", {}).get("key", ()))
    return Problem(place_of(key, document, of_key=key != keys), message, dotted(keys), hint or _hint(keys, errors))


def sentence(errors: list[Error]) -> tuple[str, str]:
    """What is wrong with one value, and a hint if the names it may have give one."""
    for error in errors:
        if error["type"] in SENTENCES:
            return SENTENCES[error["type"]](error["ctx"])
    laws = list(dict.fromkeys(map(law_of, errors)))
    return f"should be {' or '.join(laws)}, not {shown(errors[0]['input'])}", ""


def law_of(error: Error) -> str:
    """What the value should be, such as `above 0`."""
    if error["type"] == "literal_error":
        return _either(_words(error))
    return LAWS.get(error["type"], error["msg"]).format_map(error.get("ctx", {}))


def _words(error: Error) -> list[str]:
    return [word or number for word, number in re.findall(r"'([^']*)'|(\d+)", error["ctx"]["expected"])]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def shown(value: Any) -> str:
    """A value the way a recipe writes it, cut to a length that a message can bear."""
    return f"'{short(value)}'" if isinstance(value, str) else short(_flow(value))


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _hint(keys: Keys, errors: list[Error]) -> str:
    value, path = errors[0]["input"], dotted(keys)
    words = [word for error in errors if error["type"] == "literal_error" for word in _words(error)]
    if isinstance(value, str) and (near := nearest(value, words, 0.6 if path not in HINTS else 0.8)):
        return f"did you mean '{near}'?"
    if path == "name" and (slug := re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")[:64]):
        return f"did you mean '{slug}'?"
    if path == "target.at_least" and isinstance(value, int | float) and 1 < value <= 100:
        return f"an accuracy is a share: did you mean {value / 100:g}?"
    if path in NEVER_ZERO and value == 0:
        return NEVER_ZERO[path]
    return HINTS.get(path) or _other_way_to_write(errors[0], path)


def _other_way_to_write(error: Error, path: str) -> str:
    """What people of other tools and of YAML 1.1 mean."""
    value, kind = error["input"], error["type"]
    if kind == "bool_type" and str(value).casefold() in BOOLEANS:
        return f"did you mean {BOOLEANS[str(value).casefold()]}?"
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str) and not is_text(value):
        return "remove the quotes"
    if kind == "tuple_type" and isinstance(value, str | int | float):
        item = short(str(value))
        return f"did you mean [{item}, {item}]?" if path == "data.image_size" else f"did you mean [{item}]?"
    return ""


def _missing(keys: Keys, document: Document) -> Problem:
    under = f" under {dotted(keys[:-1])}" if keys[:-1] else ""
    hint = "every recipe has version, name, data and model" if not under else ""
    return Problem(place_of(keys, document), f"missing key '{keys[-1]}'{under}", dotted(keys), hint)


def _unknown_name(context: Mapping[str, Any]) -> tuple[str, str]:
    name, names = context["name"], context["names"]
    near = nearest(name, names)
    hint = f"did you mean '{near}'?" if near else f"known are {', '.join(names)}" if len(names) <= FEW else ""
    return f"unknown {context['what']} '{short(name)}'", hint


def _layer_argument(context: Mapping[str, Any]) -> tuple[str, str]:
    near = nearest(context["argument"], context["names"])
    hint = f"did you mean '{near}'?" if near else f"it takes {', '.join(context['names']) or 'none'}"
    return f"{context['layer']} takes no argument '{short(context['argument'])}'", hint


def _argument_law(context: Mapping[str, Any]) -> tuple[str, str]:
    value = context["is"]
    near = nearest(value, context["names"]) if isinstance(value, str) else ""
    said = f"{context['argument']} of {context['layer']} should be {context['law']}, not {shown(value)}"
    return said, f"did you mean '{near}'?" if near else ""


SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "unknown_name": _unknown_name,
    "layer_argument": _layer_argument,
    "layer_needs": lambda context: (f"{context['layer']} needs {context['missing']}", ""),
    "unrepeatable": lambda context: (
        f"{context['name']} draws its operations once, when it is compiled, and by no seed: no run could be repeated",
        "AutoAugment: {policy: cifar10} draws them for each image",
    ),
    "argument_law": _argument_law,
}
"""Our own error types -> (message, hint). Where the context has `key`, the caret stands under that key."""
