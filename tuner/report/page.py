"""How do a run's records become one page? Panels yield blocks, and one template writes them."""

from collections.abc import Callable

from tuner.records import Run
from tuner.report import read, sections, summary, template, words
from tuner.report.panels import SETTING
from tuner.report.view import View


def render(run: Run, artifact: Callable[[str], bytes | None]) -> str:
    """The whole page as HTML; `artifact` gives an artifact's bytes by name, or None."""
    view = View(run, artifact)
    made = sections.sections(view)
    values = {
        "run": run,
        "title": summary.title(view),
        "outcome": summary.outcome(view),
        "lead": summary.lead(view),
        "description": words.clean(read.text(run.recipe, "description"), 300),
        "actions": summary.actions(view),
        "key_numbers": summary.key_numbers(view),
        "journey": summary.journey(view),
        "setting": sections.part(view, SETTING, made),
        "checks": sections.checks(made),
        "rounds": sections.rounds(made),
        "parts": sections.parts(view, made),
    }
    return template.write("report", values)
