"""How did each hyperparameter come to its value? Every applied change, in order, with the reason it was made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.hyperparameters import PATHS
from tuner.records import Change, Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Fold, Table, Text
from tuner.report.lessons import step_title
from tuner.report.view import View

MOST_ROWS = 60


@dataclass(frozen=True)
class Applied:
    """A change, and the finding that made it."""

    finding: Finding
    change: Change


def panel(view: View) -> Iterator[Block]:
    """The settings that changed, each with its history; then those that stayed."""
    history = changes_by_path(view)
    final = read.mapping(view.run.conclusion, "hyperparameters")
    because = read.mapping(view.run.conclusion, "because")
    others = [path for path in (*PATHS, *(p for p in final if p not in PATHS)) if path in final and path not in history]
    silent = [path for path in others if _differs(view, path, final[path])]
    rows = [_changed(path, made, final) for path, made in history.items()]
    rows += [_unexplained(view, path, final[path], read.text(because, path)) for path in silent]
    if rows:
        head = ("Setting", "Start", "Final", "Because")
        yield Table("Settings that changed", head, tuple(rows), "llll", style="setting", quiet=True)
    else:
        yield Text("No setting was changed: the run goes with the recipe as it was written.")
    same = [path for path in others if path not in silent][:MOST_ROWS]
    if same:
        table = Table(
            "Settings that stayed", ("Setting", "Value"), tuple(_unchanged(path, final[path]) for path in same), "ll"
        )
        yield Fold(f"{words.plural(len(same), 'setting')} stayed as the recipe has them", (table,))


def written(view: View, path: str) -> Any:
    """The recipe's value at a dotted path; None if there is none."""
    found: Any = view.run.recipe
    for key in path.split("."):
        found = read.value(found, key)
    return found


def changes_by_path(view: View) -> dict[str, list[Applied]]:
    """Every applied change of the run in order, grouped by recipe path."""
    history: dict[str, list[Applied]] = {}
    for finding in view.run.findings:
        for change in finding.applied:
            history.setdefault(change.path, []).append(Applied(finding, change))
    return history


def where(finding: Finding) -> str:
    """`Step 3` or `Round 2, step 6`."""
    step = step_title(finding.step)
    place = f"Step {step.number}" if step.number else step.title
    return f"Round {finding.round}, {place[0].lower()}{place[1:]}" if finding.round else place


def _changed(path: str, made: list[Applied], final: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    start, end = made[0].change.before, final.get(path, made[-1].change.value)
    lines = tuple(_reason(applied, len(made) > 1) for applied in made)
    return (
        Cell(words.name(path), code=True), Cell(words.setting(start), code=True),
        Cell(words.setting(end), code=True), Cell(lines[0], lines=lines[1:]),
    )  # fmt: skip


def _reason(applied: Applied, several: bool) -> str:
    change = applied.change
    value = f" to {words.setting(change.value)}" if several else ""
    return f"{where(applied.finding)}{value}: {words.clean(change.because, 300)}"


def _differs(view: View, path: str, final: Any) -> bool:
    """Whether the best trial had another value than the recipe names, though no step recorded a change."""
    start = written(view, path)
    return isinstance(start, str | int | float) and start != "auto" and start != final


def _unexplained(view: View, path: str, final: Any, because: str) -> tuple[str | Cell, ...]:
    start, end = words.setting(written(view, path)), words.setting(final)
    reason = words.clean(because, 300) or "the best trial was trained so"
    return (Cell(words.name(path), code=True), Cell(start, code=True), Cell(end, code=True), reason)


def _unchanged(path: str, value: Any) -> tuple[str | Cell, ...]:
    return (Cell(words.name(path), code=True), Cell(words.setting(value), code=True))
