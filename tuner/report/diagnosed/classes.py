"""Which classes go wrong, and what are they taken for?"""

from collections.abc import Iterator

from tuner.inspection import ClassErrors, Inspection
from tuner.report import words
from tuner.report.blocks import Block, Cell, Table

MOST = 40  # classes


def part(inspection: Inspection) -> Iterator[Block]:
    """A row a class, the worst first."""
    known = [one for one in inspection.classes if one.count > 0]
    if not known:
        return
    worst = sorted(known, key=lambda one: (-one.errors / one.count, -one.count))
    errors, count = sum(one.errors for one in known), sum(one.count for one in known)
    note = f"All classes together: {words.count(errors)} of {words.count(count)} wrong, {errors / count:.1%}."
    note += f" The worst {MOST} of {len(worst)} classes." if len(worst) > MOST else ""
    rows = tuple(_row(one) for one in worst[:MOST])
    head = ("Class", "Examples", "Wrong", "Share", "Most taken for")
    yield Table("Wrong answers on the validation examples", head, rows, "lrrrl", note=note, style="tight")


def _row(one: ClassErrors) -> tuple[str | Cell, ...]:
    share = one.errors / one.count
    bar = Cell(f"{share:.0%}", bar=min(share, 1.0))
    taken = words.name(one.most_taken_for) if one.most_taken_for else ""
    return words.name(one.name), words.count(one.count), words.count(one.errors), bar, taken
