"""How does one diagnosis become a page? The leading verdict as its title, a card for each, then the pictures.

The page looks like that of a run: the same style sheet, the same charts, one file, no network, no script needed.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from tuner.inspection import Inspection
from tuner.records import Change, Outcome, Verdict
from tuner.report import meanings, remedies, template, words
from tuner.report.blocks import Block
from tuner.report.diagnosed import PARTS, Part
from tuner.report.diagnosed.curves import best_epoch
from tuner.store import replace_text

MOST_CARDS = 30
MOST_REMEDIES = 8
MOST_NOTES = 40
FIRST_EPOCH = 1
NOTHING: tuple[object, ...] = (None, "", [], ())  # evidence that has nothing to say
EXPLAINS = "explains"  # key of a verdict's evidence: names of verdicts that follow from it


@dataclass(frozen=True)
class Remedy:
    """What to change: its name and its new value in words, the change itself, and how a program spells it."""

    title: str
    value: str  # empty where the title says all
    change: Change
    code: str  # the same in a Keras program; may be empty
    several: bool = False  # layers that it is done to: the title names them, and `change` is that of the first


@dataclass(frozen=True)
class Card:
    """One verdict, ready to be written."""

    anchor: str
    title: str
    look: str  # pass | warn | fail | none
    word: str
    verdict: Verdict
    says: str  # what it means, in plain words
    since: str
    remedies: tuple[Remedy, ...]
    facts: tuple[tuple[str, str], ...]
    explains: str  # what else follows from it, in words


@dataclass(frozen=True)
class Drawn:
    """A part of the page with what it draws."""

    part: Part
    blocks: tuple[Block, ...]


def write(inspection: Inspection, path: Path) -> Path:
    """Write the page of a diagnosis to `path`, whole or not at all; return its absolute path.

    Raises `OSError` where the folder does not exist or the disk refuses.
    """
    page = Path(path).absolute()
    replace_text(page, render(inspection))
    return page


def render(inspection: Inspection) -> str:
    """The whole page as HTML."""
    verdicts = inspection.verdicts[:MOST_CARDS]
    leading = verdicts[0] if verdicts else None
    drawn = [Drawn(part, tuple(part.build(inspection))) for part in PARTS]
    values = {
        "source": words.clean(inspection.source, 200),
        "scope": _scope(inspection),
        "title": headline(leading),
        "outcome": meanings.status(leading)[0] if leading else "none",
        "lead": leading.sentence if leading else "Neither curves nor a model gave anything to judge.",
        "cards": [_card(number, verdict) for number, verdict in enumerate(verdicts, 1)],
        "notes": [words.clean(note, 400) for note in inspection.notes[:MOST_NOTES]],
        "parts": [one for one in drawn if one.blocks],
    }
    return template.write("diagnosis", values)


def headline(verdict: Verdict | None) -> str:
    """The leading verdict in one short sentence, with the epoch at which it began."""
    if verdict is None:
        return "Nothing could be judged"
    since = verdict.onset if verdict.outcome is not Outcome.PASS else None
    title = meanings.headline(verdict)
    return title if since is None or since <= FIRST_EPOCH else f"{title}, since epoch {since}"


def _scope(inspection: Inspection) -> str:
    """`Diagnosis of curves.csv · 30 epochs, best 12`."""
    epochs, best = inspection.curves.epochs, best_epoch(inspection)
    parts = [f"Diagnosis of {words.clean(inspection.source, 120)}"]
    parts += [words.plural(epochs, "epoch") + (f", the best is {best}" if best is not None else "")] if epochs else []
    parts += [words.plural(len(inspection.layers), "layer")] if inspection.layers else []
    return " · ".join(parts)


def _card(number: int, verdict: Verdict) -> Card:
    look, word = meanings.status(verdict)
    since = [f"since epoch {verdict.onset}"] if verdict.onset is not None else []
    sure = [f"confidence {verdict.confidence:.0%}"] if verdict.confidence is not None else []
    text = " · ".join(since + sure)
    proposed = tuple(map(_remedy, remedies.grouped(verdict.changes)[:MOST_REMEDIES]))
    return Card(
        f"verdict-{number}",
        meanings.headline(verdict),
        look,
        word,
        verdict,
        meanings.says(verdict),
        text,
        proposed,
        *_told(verdict),
    )


def _remedy(group: tuple[Change, ...]) -> Remedy:
    paths, first = [change.path for change in group], group[0]
    return Remedy(remedies.title(*paths), remedies.value(first), first, remedies.code(first), len(group) > 1)


def _told(verdict: Verdict) -> tuple[tuple[tuple[str, str], ...], str]:
    """The evidence that has a value, and the names of what the verdict explains besides."""
    explained = verdict.evidence.get(EXPLAINS, ())
    names = explained if isinstance(explained, list | tuple) else ()
    known = {key: value for key, value in verdict.evidence.items() if value not in NOTHING and key != EXPLAINS}
    also = "; ".join(meanings.within(str(name)) for name in names[:MOST_REMEDIES])
    return tuple(template.facts(replace(verdict, evidence=known))), also
