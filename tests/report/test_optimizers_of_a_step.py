"""Step 4's page says what a rate became for each optimizer, and how far each came; odd evidence breaks no page."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.records import Finding, Run
from tuner.report.blocks import Table
from tuner.report.panels import STEP_PANELS
from tuner.report.view import View

RATES = {
    "before": "AdamW",
    "found": {"AdamW": 0.001, "SGD": 0.02, "LBFGS": 1.0},
    "ratios": {"AdamW": 1.0, "SGD": 20.0, "LBFGS": 1000.0},
    "iterations": 100,
}


def nothing(name: str) -> None:
    return None


def tables(run: Run, rates: Any) -> list[Table]:
    found = next(finding for finding in run.findings if finding.step == "short_runs")
    changed: Finding = replace(found, evidence={**found.evidence, "optimizers": rates})
    shown = replace(run, findings=tuple(changed if finding is found else finding for finding in run.findings))
    blocks = STEP_PANELS["short_runs"](View(shown, nothing), changed)
    return [block for block in blocks if isinstance(block, Table) and "Rates by optimizer" in repr(block)]


def test_each_optimizer_has_a_row(run: Run) -> None:
    (table,) = tables(run, RATES)
    rows = {str(row[0]): row[1:3] for row in table.rows}
    assert rows["SGD"] == ("0.02", "20")
    assert rows["LBFGS"] == ("line search", "–")
    assert tables(run, None) == []


@pytest.mark.parametrize("odd", [None, "", "text", -1, [], {}, [None], 1e308], ids=str)
def test_any_part_may_be_something_else(run: Run, odd: Any) -> None:
    for key in RATES:
        tables(run, {**RATES, key: odd})
    for key in ("found", "ratios"):
        tables(run, {**RATES, key: dict.fromkeys(RATES[key], odd)})
