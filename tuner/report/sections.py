"""Into which sections does a run fall? The three checks, the rounds, and the parts about the whole run."""

from dataclasses import dataclass

from tuner.records import Change, Finding, Outcome, Verdict
from tuner.report import summary, words
from tuner.report.blocks import Block, Facts
from tuner.report.lessons import Lesson, step_title
from tuner.report.panels import PANELS, STEP_PANELS, Panel, other
from tuner.report.view import View

OPEN_ROUNDS = 3  # the last so many rounds stand open, earlier ones are folded unless something failed in them
PICTURES = {"figure", "multiples"}  # blocks that stay visible when a step passed
MOST_VERDICTS = 12
APART = {panel.step for panel in PANELS if panel.step}  # steps whose findings have a part of their own


@dataclass(frozen=True)
class Section:
    """A finding, ready to be written: its lesson, its blocks, its verdicts."""

    anchor: str
    lesson: Lesson
    finding: Finding
    word: str
    pictures: tuple[Block, ...]
    numbers: tuple[Block, ...]
    verdicts: tuple[Verdict, ...]
    applied: tuple[Change, ...]
    proposed: tuple[Change, ...]  # by a verdict, but not applied here

    @property
    def open(self) -> bool:
        """Whether its numbers stand open: where there is something to look at."""
        return self.finding.outcome is not Outcome.PASS

    @property
    def said(self) -> str:
        """All that its verdicts say, so that a reason is not told twice."""
        return " ".join(verdict.sentence for verdict in self.verdicts)

    @property
    def place(self) -> str:
        """`Step 4 of 7 · round 2`; empty for a step outside the seven."""
        step = f"Step {self.lesson.number} of 7" if self.lesson.number else ""
        return f"{step} · round {self.finding.round}" if step and self.finding.round else step


@dataclass(frozen=True)
class Round:
    """The sections of one round."""

    number: int
    stage: str
    sections: tuple[Section, ...]
    open: bool
    remark: str  # how it ended


@dataclass(frozen=True)
class Part:
    """A part about the whole run: findings that belong there, then its blocks."""

    panel: Panel
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]


def sections(view: View) -> tuple[Section, ...]:
    """A section for every finding, in order."""
    return tuple(_section(view, anchor, finding) for anchor, finding in summary.anchors(view))


def checks(made: tuple[Section, ...]) -> tuple[Section, ...]:
    """Those made once, before the first round."""
    return tuple(one for one in made if one.finding.round == 0 and one.finding.step not in APART)


def rounds(made: tuple[Section, ...]) -> tuple[Round, ...]:
    """Those of each round, in order."""
    own = [one for one in made if one.finding.round and one.finding.step not in APART]
    numbers = sorted({one.finding.round for one in own})
    return tuple(
        _round(number, tuple(one for one in own if one.finding.round == number), number in numbers[-OPEN_ROUNDS:])
        for number in numbers
    )


def part(view: View, panel: Panel, made: tuple[Section, ...]) -> Part:
    """A panel's part of the page."""
    own = tuple(one for one in made if panel.step and one.finding.step == panel.step)
    return Part(panel, own, tuple(panel.build(view)))


def parts(view: View, made: tuple[Section, ...]) -> tuple[Part, ...]:
    """The parts that have anything to show."""
    every = (part(view, panel, made) for panel in PANELS)
    return tuple(one for one in every if one.sections or one.blocks)


def _section(view: View, anchor: str, finding: Finding) -> Section:
    panel = STEP_PANELS.get(finding.step, other.panel)
    blocks = tuple(panel(view, finding)) if finding.evidence else ()
    return Section(
        anchor=anchor,
        lesson=step_title(finding.step),
        finding=finding,
        word=summary.WORDS[finding.outcome.value],
        pictures=tuple(block for block in blocks if block.kind in PICTURES),
        numbers=tuple(block for block in blocks if block.kind not in PICTURES and not _empty(block)),
        verdicts=finding.verdicts[:MOST_VERDICTS],
        applied=finding.applied,
        proposed=_proposed(finding),
    )


def _proposed(finding: Finding) -> tuple[Change, ...]:
    applied = {(change.path, repr(change.value)) for change in finding.applied}
    asked = (change for verdict in finding.verdicts for change in verdict.changes)
    return tuple(change for change in asked if (change.path, repr(change.value)) not in applied)[:MOST_VERDICTS]


def _empty(block: Block) -> bool:
    return isinstance(block, Facts) and not block.items


def _round(number: int, own: tuple[Section, ...], recent: bool) -> Round:
    stages = [one.finding.stage for one in own if one.finding.stage]
    stage = words.name(stages[-1]).replace("_", " ") if stages else ""
    broken = any(one.finding.outcome is Outcome.FAIL for one in own)
    return Round(number, stage, own, recent or broken, summary.sentence(own[-1].finding))
