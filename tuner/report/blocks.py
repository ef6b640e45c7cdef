"""Of what parts is the page made? A panel yields these, and the template alone turns them into HTML.

No block holds HTML that came from data; the only ready-made markup is a drawing's SVG body, whose every text and
attribute was escaped by `charts.svg`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class Drawing:
    """An SVG picture of `width` by `height` user units, drawn to be shown at about one unit a CSS pixel."""

    width: float
    height: float
    body: Markup
    stops: tuple[float, ...] = ()  # x of each row of the table twin, for the readout


@dataclass(frozen=True)
class Cell:
    """One cell of a table where plain text does not do."""

    text: str
    code: bool = False
    bar: float | None = None  # length of a bar behind the number, in [0, 1]
    shade: str = ""  # a shading class of the style sheet
    lines: tuple[str, ...] = ()  # further lines below the text
    outcome: str = ""  # pass | warn | fail: shown with its symbol


@dataclass(frozen=True)
class Table:
    """Rows under heads; `align` has one letter a column, l for text and r for numbers."""

    kind: ClassVar[str] = "table"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    align: str = ""
    sortable: bool = False
    note: str = ""
    style: str = ""  # a class of the style sheet
    quiet: bool = False  # the caption is for screen readers only: a heading above says the same


@dataclass(frozen=True)
class Figure:
    """One chart in a wide and a narrow drawing, with its message, its description and its table twin."""

    kind: ClassVar[str] = "figure"
    title: str
    message: str
    description: str  # what a reader who cannot see the picture should know
    wide: Drawing
    narrow: Drawing
    table: Table


@dataclass(frozen=True)
class Multiples:
    """Several small charts on the same axes, each with a caption."""

    kind: ClassVar[str] = "multiples"
    title: str
    message: str
    description: str
    cells: tuple[tuple[str, str, Drawing], ...]  # (caption, second line, drawing)
    table: Table


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Facts:
    """Terms and their values, for a handful of numbers."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """Text in a typewriter face, to be selected and copied."""

    kind: ClassVar[str] = "code"
    label: str
    text: str


@dataclass(frozen=True)
class Picture:
    """An embedded image and what stands below it."""

    source: str  # a data URI
    alt: str
    caption: str
    detail: str = ""


@dataclass(frozen=True)
class Pictures:
    """A grid of embedded images."""

    kind: ClassVar[str] = "pictures"
    title: str
    pictures: tuple[Picture, ...]
    note: str = ""
    style: str = ""  # a class of the style sheet


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them; printed open."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple["Block", ...]
    open: bool = False


@dataclass(frozen=True)
class Terms:
    """A glossary."""

    kind: ClassVar[str] = "terms"
    items: tuple[tuple[str, str], ...] = field(default=())


Block = Table | Figure | Multiples | Text | Facts | Code | Pictures | Fold | Terms
