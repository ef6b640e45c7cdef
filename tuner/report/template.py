"""How do blocks become HTML? By one environment of templates, in which nothing is fetched and everything is escaped.

A page is a template that extends `base.html.j2` and writes its blocks with the macros of `blocks.html.j2`. Style,
script, charts and images are inside the page, and its content security policy refuses everything else.
"""

import base64
import hashlib
import itertools
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, FileSystemBytecodeCache, StrictUndefined
from markupsafe import Markup

from tuner.records import Verdict
from tuner.report import words

SYMBOLS = {"pass": "✓", "warn": "!", "fail": "✗", "none": "–"}
MOST_FACTS = 12  # of a verdict's own numbers
HERE = Path(__file__).parent
COMPILED = Path(cache_from_source(__file__)).parent  # where Python keeps this file's bytecode, if it may
TEMPLATES = ("base", "blocks", "report", "diagnosis", "runs", "attempt")


def write(name: str, values: Mapping[str, Any]) -> str:
    """The page that the template `name` makes of `values`, as HTML."""
    style, script = asset("report.css"), asset("report.js")
    page = (
        environment()
        .get_template(name)
        .render(
            values,
            style=Markup(style),
            script=Markup(script),
            script_hash=_hash(script),
            fresh=itertools.count(1).__next__,  # numbers for the ids of pictures
        )
    )
    return page.lstrip()  # what stands above the page leaves blank lines


@cache
def environment() -> Environment:
    """The templates. Every string that they print is first made printable and cut to a sane length.

    They are compiled once (40 ms) and kept where Python itself keeps bytecode. The hash of what may run while they are
    compiled stands in a comment before each, so that kept bytecode never outlives its source.
    """
    code = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("template.py", "words.py"))).hexdigest()
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({name: f"{{# {code} #}}{asset(f'{name}.html.j2')}" for name in TEMPLATES}),
        bytecode_cache=FileSystemBytecodeCache(str(COMPILED)) if os.access(COMPILED, os.W_OK) else None,
    )
    made.filters |= {"breakable": _breakable, "name": words.name, "setting": words.setting, "facts": facts}
    made.globals |= {"symbols": SYMBOLS}
    return made


def facts(verdict: Verdict) -> list[tuple[str, str]]:
    """A verdict's own numbers, as terms and values."""
    found = list(verdict.evidence.items())[:MOST_FACTS]
    shown = [(words.name(key).replace("_", " "), words.listing(value)) for key, value in found]
    return [(key[:1].upper() + key[1:], words.clean(value, 200)) for key, value in shown]


@cache
def asset(name: str) -> str:
    """The text of a file of this room."""
    return (HERE / name).read_text(encoding="utf-8")


def _printable(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return words.clean(value, len(value)) if isinstance(value, words.LongText) else words.clean(value)
    return value


def _breakable(path: str) -> Markup:
    """A recipe path or a file name that may be broken between its words, and nowhere else."""
    return Markup("<wbr>").join(re.split(r"(?<=[A-Za-z0-9][._/])(?=[A-Za-z])", words.clean(path)))


def _hash(script: str) -> str:
    """What the content security policy calls the script, `sha256-…`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
