"""What stands in a recipe after its parents and its `--set`s? Documents laid over one another, places kept.

Maps merge; scalars, lists and the axes of a search space are replaced as a whole (half an axis of values and half of
a range would be no axis).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.recipe.document import Document, Keys, dotted, read_document
from tuner.recipe.paths import SPACE, hint_for_path, is_setting
from tuner.recipe.problems import Place, Problem, RecipeError, Source
from tuner.recipe.space import Axis


def laid_over(low: Document, high: Document) -> Document:
    """The child `high` over its parent `low`."""
    data = _merged(low.data, high.data, ())
    paths = list(walk(data))
    return Document(data, _chosen(paths, high.keys, low.keys), _chosen(paths, high.values, low.values))


def _merged(low: Any, high: Any, path: Keys) -> Any:
    if not (isinstance(low, dict) and isinstance(high, dict)) or path[:-1] == SPACE:
        return high
    both = {key: _merged(low[key], high[key], (*path, key)) for key in low if key in high}
    return {**low, **high, **both}


def _chosen(paths: list[Keys], high: Mapping[Keys, Place], low: Mapping[Keys, Place]) -> dict[Keys, Place]:
    both = {path: high.get(path) or low.get(path) for path in paths}
    return {path: place for path, place in both.items() if place is not None}


def walk(data: Any, path: Keys = ()) -> Iterator[Keys]:
    """The paths of everything in plain data, from the outside in."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


def with_setting(document: Document, setting: str) -> Document:
    """The document with one `path=value` set. Raises `RecipeError`."""
    source = Source(f"--set {setting}")
    path, equals, text = setting.partition("=")
    keys = keys_of(path.strip())
    if not equals or not keys:
        example = "write it as path=value, for example optimizer.learning_rate=3e-4"
        raise RecipeError([Problem(Place(source), example)], source.name)
    if not is_setting(keys):
        raise RecipeError(
            [Problem(Place(source), f"no setting '{path.strip()}'", hint=hint_for_path(keys))], source.name
        )
    value = read_document(text, Source(source.name, tuple(text.splitlines()))).data
    data = _assigned(document.data, keys, value, Place(source), ())
    here = {(*keys, *below): Place(source) for below in walk(value)}
    here |= {keys[:depth]: Place(source) for depth in range(1, len(keys)) if keys[:depth] not in document.values}
    paths = list(walk(data))
    return Document(data, _chosen(paths, here, document.keys), _chosen(paths, here, document.values))


def keys_of(path: str) -> Keys:
    """A dotted path as keys: `transfer.1.epochs`, `search.space.model.dropout.step`."""
    words = path.split(".") if path else []
    if tuple(words[:2]) == SPACE and len(words) > 2:  # the axis itself is named by a dotted path
        end = next((i for i, word in enumerate(words) if word in Axis.model_fields), len(words))
        words[2:end] = [".".join(words[2:end])]
    return tuple(int(word) if word.isascii() and word.isdecimal() else word for word in words)


def _assigned(data: Any, keys: Keys, value: Any, place: Place, above: Keys) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, int):
        if not isinstance(data, list) or key >= len(data):
            have = f"has {len(data)} items, counted from 0" if isinstance(data, list) else "is not written as a list"
            message = f"'{dotted(above)}' {have}: set the whole list"
            raise RecipeError([Problem(place, message)], place.source.name)
        return [_assigned(x, tuple(rest), value, place, (*above, key)) if i == key else x for i, x in enumerate(data)]
    below = data if isinstance(data, dict) else {}
    return {**below, key: _assigned(below.get(key), tuple(rest), value, place, (*above, key))}
