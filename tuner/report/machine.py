"""What does a program get of a report? The run as strict JSON.

`report.json` is ASCII, so that no string in it, however broken, can make it unreadable; non-finite numbers are the
strings "nan", "inf" and "-inf", as in the records.
"""

import json
from typing import Any

from tuner.records import Run, Trial, to_json
from tuner.report import summary
from tuner.report.panels.trials import ranking
from tuner.report.view import View

SCHEMA = "tuner.report/1"


def payload(run: Run) -> dict[str, Any]:
    """The content of the page as JSON data: the verdict, the journey, every finding, trial and choice."""
    view = View(run, lambda name: None)
    return {
        "schema": SCHEMA,
        "title": summary.title(view),
        "outcome": summary.outcome(view),
        "name": run.name,
        "number": run.number,
        "status": run.status,
        "created": run.created,
        "seconds": run.seconds,
        "steps": [
            {"step": stop.number, "title": stop.title, "outcome": stop.outcome, "evidence": stop.evidence}
            for stop in summary.journey(view)
        ],
        "conclusion": to_json(run.conclusion),
        "findings": [{**to_json(finding), "outcome": finding.outcome.value} for finding in run.findings],
        "trials": [_trial(trial) for trial in ranking(view)],
        "recipe": to_json(run.recipe),
        "recipe_text": run.recipe_text,
        "environment": to_json(run.environment),
    }


def run_json(run: Run) -> str:
    """`payload` as text."""
    return json.dumps(payload(run), allow_nan=False, indent=1) + "\n"


def _trial(trial: Trial) -> dict[str, Any]:
    scores = {"val_accuracy": to_json(trial.val_accuracy), "val_loss": to_json(trial.val_loss)}
    return {**to_json(trial), **scores}
