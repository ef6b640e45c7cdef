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
MOST_TRIALS = 200  # with all their curves, the best first; trials.csv has a line for every trial, run.db has all


def payload(run: Run) -> dict[str, Any]:
    """The content of the page as JSON data: the verdict, the journey, every finding, trial and choice."""
    view = View(run, lambda name: None)
    ranked = ranking(view)
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
        "trials": [_trial(trial) for trial in ranked[:MOST_TRIALS]],
        "trials_left_out": max(0, len(ranked) - MOST_TRIALS),
        "recipe": to_json(run.recipe),
        "recipe_text": run.recipe_text,
        "environment": to_json(run.environment),
    }


def run_json(run: Run) -> str:
    """`payload` as text, with a line for each finding and each trial."""
    parts = [f"{json.dumps(key)}: {_lines(value)}" for key, value in payload(run).items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    """JSON of a value, an item of a list a line; the encoder's own indentation is many times slower."""
    if isinstance(value, list) and value:
        return "[\n " + ",\n ".join(json.dumps(item, allow_nan=False) for item in value) + "\n]"
    return json.dumps(value, allow_nan=False)


def _trial(trial: Trial) -> dict[str, Any]:
    scores = {"val_accuracy": to_json(trial.val_accuracy), "val_loss": to_json(trial.val_loss)}
    return {**to_json(trial), **scores}
