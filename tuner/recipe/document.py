"""What is written where? One YAML text as plain data, with the place of every key and value.

The text is read event by event, because that keeps every place, finds all duplicate keys instead of the first, and
lets hostile files end early: nesting, size and aliases are counted before anything is built from them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from tuner.recipe.problems import Place, Problem, RecipeError, Source
from tuner.recipe.scalars import resolve

DEEPEST = 20  # levels of nesting; a recipe needs 6
MOST_VALUES = 20_000  # after aliases are written out; class_names of a large data set need some thousands
LONGEST_SHOWN = 60  # characters of a key or value in a message
SURROGATE = re.compile(r"[\ud800-\udfff]")  # cannot be written anywhere
UNFINISHED: Final = object()  # stands for an anchored value that is still being read

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and, for each path into it, where key and value stand."""

    data: Any
    keys: Mapping[Keys, Place] = field(default_factory=dict)
    values: Mapping[Keys, Place] = field(default_factory=dict)


def read_document(text: str, source: Source) -> Document:
    """The one document in `text`; an empty text is None. Raises `RecipeError`."""
    reading = _Reading(source, _events(text, source))
    data = reading.document()
    if reading.problems:
        raise RecipeError(reading.problems, source.name)
    return Document(data, reading.keys, reading.values)


def _events(text: str, source: Source) -> Iterator[Any]:
    """ruamel.yaml's events. Raises `RecipeError` for what is not YAML."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        raise RecipeError([_syntax_problem(error, source)], source.name) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        message = f"character {error.character!r} cannot stand in a text file"
        raise RecipeError([Problem(Place(source, line, column), message)], source.name) from None
    except (YAMLError, ValueError, OverflowError) as error:  # such as an escape beyond Unicode
        raise RecipeError([Problem(Place(source), f"this is not YAML: {error}")], source.name) from None


ENDLESS = "found unexpected end of stream"
SYNTAX_HINTS = (
    ("'\\t'", "a tab cannot indent", "use spaces"),
    (
        "mapping values are not allowed",
        "a second ': ' in one line",
        "quote a text that holds ': ', or begin a new line",
    ),
    ("could not find expected ':'", "a key without a colon", "write key: value"),
    ("expected <block end>", "this does not line up with what is above it", "keys of one map begin in one column"),
    ("expected ',' or", "a bracket is not closed, or a comma is missing", ""),
    (ENDLESS, "these quotes are never closed", ""),
    ("cannot start any token", "this character cannot begin a value", "put the value in quotes"),
)
"""(part of ruamel.yaml's message, what it means, what to do)."""


def _syntax_problem(error: MarkedYAMLError, source: Source) -> Problem:
    said = str(error.problem or error.context or "this is not YAML")
    mark = error.context_mark if ENDLESS in said else error.problem_mark or error.context_mark
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)
    if mark and mark.line >= len(source.lines) and source.lines:
        place = Place(source, len(source.lines), len(source.lines[-1]) + 1)
    for part, message, hint in SYNTAX_HINTS:
        if part in said:
            return Problem(place, message, hint=hint)
    return Problem(place, said)


class _Stop(Exception):
    """A guard was hit: the rest of the text is not worth reading."""


@dataclass
class _Reading:
    source: Source
    events: Iterator[Any]
    problems: list[Problem] = field(default_factory=list)
    keys: dict[Keys, Place] = field(default_factory=dict)
    values: dict[Keys, Place] = field(default_factory=dict)
    anchors: dict[str, Any] = field(default_factory=dict)  # name -> data, or UNFINISHED while it is being read
    count: int = 0

    def document(self) -> Any:
        """The data of the first document, None if there is none."""
        data, seen = None, False
        try:
            for event in self.events:
                if isinstance(event, yaml.DocumentStartEvent):
                    if seen:
                        self._refuse(event, "a second document", "one file holds one recipe: remove the ---")
                    seen, data = True, self._value(next(self.events), ())
        except _Stop:
            pass
        return data

    def _value(self, event: Any, path: Keys) -> Any:
        place = self.values[path] = self._place(event)
        self._count(event)
        if len(path) > DEEPEST:
            self._refuse(event, f"more than {DEEPEST} levels of nesting", "")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag is not None and event.tag != "!":
            self.problems.append(
                Problem(place, f"tag {_tag(event.tag)}", dotted(path), "a recipe is plain data: remove it")
            )
        if event.anchor:
            self.anchors[event.anchor] = UNFINISHED
        if isinstance(event, yaml.ScalarEvent) and SURROGATE.search(event.value):
            self.problems.append(Problem(place, "half a character (a lone surrogate)", dotted(path)))
        data = self._content(event, path)
        if event.anchor:
            self.anchors[event.anchor] = data
        return data

    def _content(self, event: Any, path: Keys) -> Any:
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(path))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if event.style:  # quoted or a block
            return event.value
        try:
            return resolve(event.value)
        except ValueError as error:
            self.problems.append(Problem(self._place(event), f"{short(event.value)} {error}", dotted(path)))
            return None

    def _items(self, path: Keys) -> Iterator[Any]:
        for index, event in enumerate(self.events):
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._value(event, (*path, index))

    def _mapping(self, path: Keys) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, place = self._key(event, path), self._place(event)
            if key in data:
                first = self.keys[(*path, key)]
                message = f"duplicate key '{short(key)}': it stands in line {first.line} already"
                self.problems.append(Problem(place, message, dotted((*path, key)), "keep one of the two"))
            else:
                self.keys[(*path, key)] = place
            data[key] = self._value(next(self.events), (*path, key))
        return data

    def _key(self, event: Any, path: Keys) -> str:
        """A key is its text, whatever a value of that text would mean: `no:` is the key no."""
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "a key has to be one word", "quote it if it is meant as text")
        key = str(event.value)
        if SURROGATE.search(key):
            self._refuse(event, "half a character (a lone surrogate)", "", path)
        if key == "<<" and not event.style:
            hint = "YAML 1.2 has no merge keys; extends: OTHER.yaml merges a whole recipe"
            self._refuse(event, "merge key '<<'", hint, path)
        return key

    def _alias(self, event: Any, path: Keys) -> Any:
        if event.anchor not in self.anchors:
            self._refuse(event, f"alias '*{short(event.anchor)}' has no anchor above it", "", path)
        data = self.anchors[event.anchor]
        if data is UNFINISHED:
            self._refuse(event, f"alias '*{short(event.anchor)}' stands inside what it repeats", "", path)
        self._spread(event, data, path)
        return data

    def _spread(self, event: Any, data: Any, path: Keys) -> None:
        """Every part of aliased data stands where the alias stands, and counts as if it were written out."""
        items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for key, item in items:
            below = (*path, key)
            self._count(event)
            self.keys[below] = self.values[below] = self._place(event)
            self._spread(event, item, below)

    def _count(self, event: Any) -> None:
        self.count += 1
        if self.count > MOST_VALUES:
            self._refuse(event, f"more than {MOST_VALUES:,} values, aliases written out", "")

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        scalar = isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) and end.line == start.line
        return Place(self.source, start.line + 1, start.column + 1, max(1, end.column - start.column) if scalar else 1)

    def _refuse(self, event: Any, message: str, hint: str, path: Keys = ()) -> NoReturn:
        self.problems.append(Problem(self._place(event), message, dotted(path), hint))
        raise _Stop


def _tag(tag: str) -> str:
    return short(str(tag).replace("tag:yaml.org,2002:", "!!"))


def dotted(path: Keys) -> str:
    """The path as people write it: `transfer.0.epochs`."""
    return ".".join(short(str(key)) for key in path)


def short(text: str) -> str:
    """The text, cut where it is longer than a message should be."""
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
