"""What kinds of value stand in a recipe? Types with a law, and the words `none` and `auto`.

Every kind is strict: YAML already tells a number from a text, so `batch_size: "32"` is a mistake and not a number.
A law that is broken says its name in pydantic's error type; the sentences stand in `explain.py`.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import PydanticCustomError, core_schema

T = TypeVar("T")


def setting(default: Any, about: str) -> Any:
    """A setting that may be left out; `about` is the sentence that editors show."""
    return Field(default=default, description=about)


def section(kind: Callable[..., Any], about: str) -> Any:
    """A setting whose default `kind` makes."""
    return Field(default_factory=kind, description=about)


@dataclass(frozen=True)
class OneOf:
    """A text out of `names`; `what` is the word for it in messages."""

    what: str
    names: Sequence[str]
    unless: str = ""  # a regular expression: what it matches is taken, too

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        known: dict[str, Any] = {"enum": list(self.names)}
        return {"anyOf": [known, {"type": "string", "pattern": self.unless}]} if self.unless else known

    def check(self, name: str) -> str:
        """The name itself. Raises pydantic's error `unknown_name`."""
        if name in self.names or (self.unless and re.match(self.unless, name)):
            return name
        context = {"what": self.what, "name": name, "names": tuple(self.names)}
        raise PydanticCustomError("unknown_name", "unknown {what} '{name}'", context)


class NoneWord:
    """Lets the word `none` mean what YAML's null means."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(none_if_word, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner = handler(schema)
        return {"anyOf": [{"const": "none"}, *inner.get("anyOf", [inner])]}


def none_if_word(value: Any) -> Any:
    """None for the word `none`, else the value."""
    return None if value == "none" else value


def word_if_none(value: Any) -> Any:
    """The word `none` for None, else the value: for settings in which `none` is the name of something."""
    return "none" if value is None else value


OrNone = Annotated[T | None, NoneWord()]
OrAuto: TypeAlias = T | Literal["auto"]
ListOf = Annotated[tuple[T, ...], Strict(False)]

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=1000)]
Penalty = Annotated[float, Field(ge=0, le=1000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
FilePath = Annotated[Path, Strict(False)]


@dataclass(frozen=True)
class Length:
    """How many items a list may have."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "minItems": self.least, "maxItems": self.most}

    def check(self, items: tuple[T, ...]) -> tuple[T, ...]:
        """The items. Raises pydantic's error `list_length`."""
        if self.least <= len(items) <= self.most:
            return items
        many = f"{self.least} items" if self.least == self.most else f"{self.least} to {self.most:,} items"
        raise PydanticCustomError("list_length", "{many}", {"many": many})


@dataclass(frozen=True)
class Form:
    """What a text looks like: a regular expression, and its law in words."""

    pattern: str
    law: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$"}

    def check(self, text: str) -> str:
        """The text. Raises pydantic's error `law`."""
        if re.fullmatch(self.pattern, text):
            return text
        raise law(self.law)


def one_group(pattern: str) -> str:
    """A regular expression with one group. Raises pydantic's error `law`."""
    try:
        groups = re.compile(pattern).groups
    except re.error:
        groups = 0
    if groups == 1:
        return pattern
    raise law(r"a regular expression with one group in parentheses, such as '(patient\d+)_'")


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?=.)(?:(\d{1,6}(?:\.\d+)?)h)?(?:(\d{1,6}(?:\.\d+)?)m)?(?:(\d{1,6}(?:\.\d+)?)s)?")


def seconds(value: Any) -> float:
    """Seconds from a number of them or from a text such as `2h`, `90m`, `1h30m`. Raises `duration`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0:
        return float(value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    total = sum(float(n) * u for n, u in zip(found.groups(), _UNITS.values(), strict=True) if n) if found else 0.0
    if not total > 0:
        raise PydanticCustomError("duration", "a duration such as 2h, 90m or 1h30m")
    return total


_DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": r"^(\d+(\.\d+)?[hms])+$"}, {"type": "number"}]}


class _DurationJson:
    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(_DURATION_SCHEMA)


Duration = Annotated[float, BeforeValidator(seconds), _DurationJson()]


def law(sentence: str, **context: Any) -> PydanticCustomError:
    """The error of a value that breaks a law told in a sentence: "should be {sentence}"."""
    return PydanticCustomError("law", "{law}", {"law": sentence, **context})
