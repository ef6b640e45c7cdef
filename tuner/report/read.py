"""How are a run's loose JSON data read, when a key may be missing or hold something else?

Evidence comes from older and interrupted runs too, so a panel never indexes it: what is absent, or not of the kind
asked for, comes back as NaN, "" or an empty tuple, and the panel leaves that part out.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

LARGEST = 1e300  # what lies beyond is no measurement; sums of what does not stay finite
NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def as_number(value: Any) -> float:
    """A float; the strings of `records.to_json` for non-finite floats count, anything else is NaN."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= LARGEST or (isinstance(value, float) and math.isinf(value)) else math.nan
    return NON_FINITE.get(value, math.nan) if isinstance(value, str) else math.nan


def number(data: Any, key: str) -> float:
    """The number at `key`; NaN if there is none."""
    return as_number(value(data, key))


def whole(data: Any, key: str) -> int | None:
    """The whole number at `key`; None if there is none."""
    found = number(data, key)
    return int(found) if math.isfinite(found) else None


def numbers(data: Any, key: str) -> tuple[float, ...]:
    """The list of numbers at `key`; entries that are no numbers are NaN."""
    return tuple(as_number(item) for item in values(data, key))


def text(data: Any, key: str) -> str:
    """The string at `key`; empty if there is none."""
    found = value(data, key)
    return found if isinstance(found, str) else ""


def flag(data: Any, key: str) -> bool | None:
    """The boolean at `key`; None if there is none."""
    found = value(data, key)
    return found if isinstance(found, bool) else None


def mapping(data: Any, key: str) -> Mapping[str, Any]:
    """The mapping at `key`; empty if there is none."""
    found = value(data, key)
    return found if isinstance(found, Mapping) else {}


def values(data: Any, key: str) -> tuple[Any, ...]:
    """The list at `key` as a tuple; empty if there is none."""
    found = value(data, key)
    return tuple(found) if isinstance(found, list | tuple) else ()


def items(data: Any, key: str) -> tuple[Mapping[str, Any], ...]:
    """The mappings among the list at `key`."""
    return tuple(item for item in values(data, key) if isinstance(item, Mapping))


def value(data: Any, key: str) -> Any:
    """Whatever is at `key`; None if `data` is no mapping or lacks it."""
    return data.get(key) if isinstance(data, Mapping) else None


def finite(sequence: tuple[float, ...]) -> tuple[float, ...]:
    """The finite numbers of a sequence, in order."""
    return tuple(item for item in sequence if math.isfinite(item))


def or_last(value: float) -> float:
    """The value as a key to sort by, in which NaN comes last."""
    return math.inf if math.isnan(value) else value


def parsed(data: bytes | None) -> Any:
    """The JSON value in an artifact's bytes; None if the artifact is absent or broken."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return None
