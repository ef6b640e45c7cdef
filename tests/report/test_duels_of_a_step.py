"""Step 6's duels in the report: all sides, the noise, the winner; whatever is missing of them, the page is sound."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.inspection import Duel, Side
from tuner.records import Change, Finding, Run, to_json
from tuner.report.page import render
from tuner.report.panels import STEP_PANELS
from tuner.report.view import View

DROPOUT = Change("model.dropout", 0.3, "units that may vanish cannot memorize together", 0.0)
DECAY = Change("optimizer.weight_decay", 0.01, "smaller weights fit less noise", 1e-4)
DUEL = to_json(
    Duel(
        "overfit",
        "val_loss",
        (Side((), 0.7, 0.66, 3), Side((DROPOUT,), 0.7, 0.58, 3, 2.5), Side((DECAY,), 0.7, float("nan"), 1, 1.0, True)),
        1,
        "Against overfit of trial 4: with model.dropout = 0.3 is taken.",
        0.03,
    )
)
ODD = (None, "", "nan", "text", -1, 0, 1e308, [], {}, [None, "x", {}], True, [1e308, -1e308])


def nothing(name: str) -> None:
    return None


def fought(run: Run, duel: Any) -> tuple[Run, Finding]:
    """The run whose first step 6 had that duel."""
    found = next(finding for finding in run.findings if finding.step == "change")
    changed = replace(found, evidence={**found.evidence, "duels": [duel]})
    return replace(run, findings=tuple(changed if finding is found else finding for finding in run.findings)), changed


def test_a_duel_is_shown_with_all_its_sides(run: Run, read_page: Any) -> None:
    page = read_page(render(fought(run, DUEL)[0], nothing)).text
    assert "with model.dropout = 0.3 is taken" in page
    for said in ("as it was", "dropout = 0.3 (taken)", "weight_decay = 0.01", "diverged", "± 0.03"):
        assert said in page


def test_without_a_duel_nothing_is_said_of_one(run: Run) -> None:
    assert "Remedies against" not in render(run, nothing)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_any_part_of_a_duel_may_be_something_else(run: Run, odd: Any) -> None:
    for key in DUEL:
        changed, finding = fought(run, {**DUEL, key: odd})
        list(STEP_PANELS["change"](View(changed, nothing), finding))
    for key in DUEL["sides"][1]:
        changed, finding = fought(run, {**DUEL, "sides": [{**side, key: odd} for side in DUEL["sides"]]})
        list(STEP_PANELS["change"](View(changed, nothing), finding))
