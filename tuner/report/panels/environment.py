"""On what did it run, and how is it repeated?"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Code, Facts
from tuner.report.view import View

LABELS = {"git_commit": "Git commit", "tuner": "tuner", "cpus": "Cores", "import_seconds": "Import of the backend"}
APART = {"command"}  # shown as a command below
MOST = 40
GIBIBYTE = 2**30


def panel(view: View) -> Iterator[Block]:
    """Versions and device, then the command that does the same again."""
    found = view.run.environment
    begun = words.name(view.run.created).replace("T", " ")
    own = [("Run folder", words.clean(view.run.folder, 300)), ("Begun", begun.replace("+00:00", " UTC"))]
    yield Facts((*facts(found), *own))
    command = read.text(found, "command") or f"tuner run {shlex.quote(words.clean(view.run.folder))}/recipe.yaml"
    yield Code("The same again", words.clean(command))
    yield Code("This page again, from the records alone", f"tuner report {shlex.quote(words.clean(view.run.folder))}")


def device(environment: Mapping[str, Any]) -> str:
    """The name of the device; empty if it is not known."""
    known = read.text(environment, "device") or read.text(read.mapping(environment, "device"), "name")
    return words.name(known) if known else ""


def facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Terms and values; what is nested, such as the versions of packages, comes on its own line for each."""
    flat: list[tuple[str, str]] = []
    for key, value in found.items():
        if isinstance(value, Mapping) and key == "device":
            flat += [(_label(inner if inner != "name" else key), _shown(inner, item)) for inner, item in value.items()]
        elif isinstance(value, Mapping):
            flat += [(words.name(inner), _shown(inner, item)) for inner, item in value.items()]
        elif key not in APART and value not in ("", None):
            flat.append((_label(key), _shown(key, value)))
    return flat[:MOST]


def _shown(key: str, value: Any) -> str:
    number = read.as_number(value)
    if key == "memory" and number > GIBIBYTE:
        return f"{number / GIBIBYTE:.1f} GiB"
    if key.endswith("seconds"):
        return words.duration(number)
    return words.clean(words.setting(value), 200)


def _label(key: str) -> str:
    text = LABELS.get(key) or words.name(key).replace("_", " ")
    return text if key in LABELS else text[:1].upper() + text[1:]
