"""What does a plain YAML scalar mean? The core schema of YAML 1.2, and nothing else.

`1e-3` is a number; `no`, `on`, `12:30`, `1_000` and dates stay text.

Source: YAML 1.2.2, section 10.3.2, tag resolution.
"""

import math
import re

LONGEST_NUMBER = 40  # characters; no setting needs more, and int() of a million digits takes seconds

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")

Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises `ValueError` for a number that is too long or not finite."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _ENDLESS.fullmatch(text):
        raise ValueError("is not a finite number")
    kind = int if _INT.fullmatch(text) else float if _FLOAT.fullmatch(text) else str
    if kind is str:
        return text
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"is a number of {len(text)} characters; {LONGEST_NUMBER} are plenty")
    if kind is int:
        return int(text, base=8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    number = float(text)
    if math.isinf(number):
        raise ValueError("is too large a number")
    return number


def is_text(text: str) -> bool:
    """Whether a plain scalar of this text would be read as the text itself."""
    try:
        return resolve(text) == text
    except ValueError:
        return False
