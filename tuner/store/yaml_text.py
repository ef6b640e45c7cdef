"""How is a stored recipe written as YAML? Maps in blocks, all else on one line, texts quoted where they have to be.

A few lines instead of a library that takes 80 ms to import: JSON on one line is YAML 1.2, but for characters that no
YAML file may hold, and those are escaped here.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tuner.recipe.scalars import is_text

PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
"""Texts that need no quotes, unless they mean something."""
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What JSON leaves as it is and YAML refuses, or takes for the end of a line."""


def yaml_text(data: Mapping[str, Any], indent: str = "") -> str:
    """The data as YAML 1.2; reading it gives equal data. Ends in a newline unless it is empty."""
    lines = []
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{flow(key)}:\n{yaml_text(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{flow(key)}: {flow(value)}\n")
    return "".join(lines)


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and is_text(value):
        return value
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
