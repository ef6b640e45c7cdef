"""How do a run's records become one page? Panels yield blocks, and one template writes them.

Nothing is fetched, at writing or at reading: style, script, charts and images are inside the page, and its content
security policy refuses everything else.
"""

import base64
import hashlib
import itertools
import os
import re
from collections.abc import Callable
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, FileSystemBytecodeCache, StrictUndefined, Template
from markupsafe import Markup

from tuner.records import Run, Verdict
from tuner.report import read, sections, summary, words
from tuner.report.panels import SETTING
from tuner.report.view import View

SYMBOLS = {"pass": "✓", "warn": "!", "fail": "✗", "none": "–"}
MOST_FACTS = 12  # of a verdict's own numbers
HERE = Path(__file__).parent
COMPILED = Path(cache_from_source(__file__)).parent  # where Python keeps this file's bytecode, if it may


def render(run: Run, artifact: Callable[[str], bytes | None]) -> str:
    """The whole page as HTML; `artifact` gives an artifact's bytes by name, or None."""
    view = View(run, artifact)
    made = sections.sections(view)
    style, script = _asset("report.css"), _asset("report.js")
    page = template().render(
        run=run,
        title=summary.title(view),
        outcome=summary.outcome(view),
        lead=summary.lead(view),
        description=words.clean(read.text(run.recipe, "description"), 300),
        actions=summary.actions(view),
        key_numbers=summary.key_numbers(view),
        journey=summary.journey(view),
        setting=sections.part(view, SETTING, made),
        checks=sections.checks(made),
        rounds=sections.rounds(made),
        parts=sections.parts(view, made),
        style=Markup(style),
        script=Markup(script),
        script_hash=_hash(script),
        fresh=itertools.count(1).__next__,  # numbers for the ids of pictures
    )
    return page.lstrip()  # the macros above the page leave blank lines


@cache
def template() -> Template:
    """The one template. Every string that it prints is first made printable and cut to a sane length.

    It is compiled once (40 ms) and kept where Python itself keeps bytecode. The hash of what may run while it is
    compiled stands in a comment before it, so that kept bytecode never outlives its source.
    """
    code = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("page.py", "words.py")))
    source = f"{{# {code.hexdigest()} #}}{_asset('report.html.j2')}"
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({"report": source}),
        bytecode_cache=FileSystemBytecodeCache(str(COMPILED)) if os.access(COMPILED, os.W_OK) else None,
    )
    environment.filters |= {"breakable": _breakable, "name": words.name, "setting": words.setting, "facts": _facts}
    environment.globals |= {"symbols": SYMBOLS}
    return environment.get_template("report")


def _printable(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return words.clean(value, len(value)) if isinstance(value, words.LongText) else words.clean(value)
    return value


def _breakable(path: str) -> Markup:
    """A recipe path or a file name that may be broken between its words, and nowhere else."""
    return Markup("<wbr>").join(re.split(r"(?<=[A-Za-z0-9][._/])(?=[A-Za-z])", words.clean(path)))


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    """A verdict's own numbers, as terms and values."""
    found = list(verdict.evidence.items())[:MOST_FACTS]
    shown = [(words.name(key).replace("_", " "), words.setting(value)) for key, value in found]
    return [(key[:1].upper() + key[1:], words.clean(value, 200)) for key, value in shown]


@cache
def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the content security policy calls the script, `sha256-…`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
