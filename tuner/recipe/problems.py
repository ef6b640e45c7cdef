"""What is wrong with a recipe, and how is it shown? Every problem with its place, the line, a caret and a hint.

    recipe.yaml:22:3: data.batchsize: unknown key 'batchsize' under data
        22 |   batchsize: 32
           |   ^^^^^^^^^ did you mean 'batch_size'?

Nothing here knows about terminals: `Paint` gives a role its color, and the plain one gives none.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WIDEST = 100  # columns of a source line that are shown
MOST = 50  # problems that are shown; the rest are counted

Paint = Callable[[str, str], str]
"""(role, text) -> text; the roles are place, path, message, gutter, caret, hint, summary."""


@dataclass(frozen=True)
class Source:
    """A text in which recipe settings are written: a file, or one `--set`."""

    name: str  # as it is shown
    lines: tuple[str, ...] = ()
    folder: Path = Path()  # what relative paths in it are relative to

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True)
class Place:
    """A piece of one line of a source; line and column count from 1, and line 0 is the source as a whole."""

    source: Source
    line: int = 0
    column: int = 0
    length: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}" if self.line else self.source.name


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, at which recipe path, what the law is, and what to do."""

    place: Place
    message: str
    path: str = ""
    hint: str = ""

    @property
    def file(self) -> str:
        """The file as it is shown, or `--set path=value`."""
        return self.place.source.name

    @property
    def line(self) -> int:
        """Line, counted from 1; 0 if it is about the file as a whole."""
        return self.place.line

    @property
    def column(self) -> int:
        """Column in characters, counted from 1; 0 if it is about the file as a whole."""
        return self.place.column

    def to_json(self) -> dict[str, str | int]:
        """For `--json`."""
        place: dict[str, str | int] = {"file": self.file, "line": self.line, "column": self.column}
        return {**place, "path": self.path, "message": self.message, "hint": self.hint}


class RecipeError(ValueError):
    """A recipe that cannot be run; `problems` is everything that is wrong with it, in reading order."""

    def __init__(self, problems: Sequence[Problem], file: str) -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__(self.file, self.problems)

    def __str__(self) -> str:
        return self.render()

    def render(self, paint: Paint | None = None) -> str:
        """All problems, and one line that counts them."""
        shown = [render(problem, paint or plain) for problem in self.problems[:MOST]]
        return "\n".join([*shown, (paint or plain)("summary", self._summary())])

    def _summary(self) -> str:
        count = len(self.problems)
        rest = f" ({count - MOST} not shown)" if count > MOST else ""
        return f"{count} problem{'s' * (count != 1)} in {self.file}{rest}. Nothing was run."


def plain(role: str, text: str) -> str:
    """No color."""
    return text


def render(problem: Problem, paint: Paint = plain) -> str:
    """One problem as two or four lines of text, without a final newline."""
    place = problem.place
    where = f"{place}:{place.column}" if place.line else str(place)
    head = paint("place", visible(where) + ":")
    if problem.path:
        head += " " + paint("path", visible(problem.path) + ":")
    head += " " + paint("message", visible(problem.message))
    hint = visible(problem.hint)
    if not place.source.line(place.line):
        return f"{head}. {paint('hint', _sentence(hint))}" if hint else head
    line, before, under = _window(place)
    number = f"{place.line:>6} | "
    caret = paint("caret", "^" * under) + (" " + paint("hint", hint) if hint else "")
    return "\n".join([head, paint("gutter", number) + line, paint("gutter", f"{'':>6} | ") + " " * before + caret])


def _sentence(hint: str) -> str:
    """The hint as a sentence; a setting that it begins with is spelled as the recipe spells it."""
    return hint if re.match(r"[\w.]+:", hint) else hint[:1].upper() + hint[1:]


def _window(place: Place) -> tuple[str, int, int]:
    """The line or the part of it that holds the place, the width before the place, and the width of the place."""
    text = place.source.line(place.line)
    start = place.column - 1
    first = 0 if len(text) <= WIDEST else max(0, min(start - WIDEST // 3, len(text) - WIDEST))
    last = min(len(text), first + WIDEST)
    end = max(start + 1, min(start + place.length, last))
    left, right = "…" if first else "", "…" if last < len(text) else ""
    before = width(left + visible(text[first:start]))
    return left + visible(text[first:last]) + right, before, max(1, width(visible(text[start:end])))


def visible(text: str) -> str:
    """The text without anything that could move the cursor or color a terminal; tabs become one blank."""
    blank = text.replace("\t", " ")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in blank)


def width(text: str) -> int:
    """Columns that the text takes on a terminal: East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
