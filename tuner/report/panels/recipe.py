"""What was asked for, as it was written, and what each `auto` became?"""

from collections.abc import Iterator

from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Code, Table
from tuner.report.view import View

MOST_CHARACTERS = 40_000


def panel(view: View) -> Iterator[Block]:
    """The recipe's text and the table of automatic choices."""
    auto = read.mapping(view.run.conclusion, "auto")
    if auto:
        rows = tuple(
            (
                Cell(words.name(path), code=True),
                Cell(words.setting(read.value(choice, "value")), code=True),
                words.clean(read.text(choice, "because"), 300),
            )
            for path, choice in list(auto.items())[:40]
        )
        yield Table("What auto became", ("Setting", "Value", "Because"), rows, "lll")
    if view.run.recipe_text:
        yield Code("The recipe as it was written", words.LongText(words.clean(view.run.recipe_text, MOST_CHARACTERS)))
