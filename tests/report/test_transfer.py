"""The choice of what trains, in the report: the gains, the lecture's table, and a page that bears anything missing."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.records import Finding, Run, passed
from tuner.report.page import render
from tuner.report.panels import STEP_PANELS, transfer
from tuner.report.view import View

ODD = (None, "", "nan", "text", -1, 0, 1e308, [], {}, [None, "x", {}], True, [1e308, -1e308])


def regime(name: str, accuracy: float, gain: float) -> dict[str, Any]:
    return {
        **{
            "regime": name,
            "trial": 7,
            "accuracy": accuracy,
            "loss": 0.4,
            "rate": 1e-4,
            "epochs": 3,
            "trials": [5, 6, 7],
        },
        **{"seconds": 41.0, "gain": gain, "gain_error": 0.012, "loss_gain": 0.1, "loss_error": 0.03},
    }


EVIDENCE = {
    "images": 300,
    "images_a_class": 24.0,
    "field": {"regime": "all_small_rate", "large": False, "similar": False, "because": "few and different"},
    "likeness": {
        **{"chance": 0.11, "pixels": 0.91, "features": 0.87, "similarity": 0.21},
        **{"logme_pixels": 0.2, "logme_features": 0.4},
    },
    "head": regime("head", 0.85, 0.0),
    "tried": [regime("all_small_rate", 0.9, 0.05), regime("half_then_all", 0.88, 0.03)],
    "left_out": [{"regime": "all", "why": "batch norm learns anew in 250 steps, and 6 epochs have 60"}],
    "chosen": "half_then_all",
    "because": "it beats what is cheaper",
}


def nothing(name: str) -> None:
    return None


def finding(evidence: dict[str, Any]) -> Finding:
    return Finding(
        "transfer", 1, "head", "What should train?", evidence, (passed("transfer_chosen", "Half is taken."),)
    )


def test_the_choice_stands_in_its_round_with_gains_table_and_measurements(run: Run, read_page) -> None:
    place = next(n for n, one in enumerate(run.findings) if (one.step, one.round) == ("repeat", 1))
    findings = (*run.findings[:place], finding(EVIDENCE), *run.findings[place:])
    tree = read_page(render(replace(run, findings=findings), nothing))
    section = next(e for e in tree.all("section") if e.attributes.get("id") == "step-transfer-1")
    assert "Choose what trains" in section.text
    gains, table = section.all("table")
    assert "✓ the upper half of the layers, then all" in gains.text
    assert "+0.030 ± 0.012" in gains.text
    assert "the whole model at a small rate (these data)" in table.text
    assert table.text.count("(these data)") == 1
    assert "0.21" in section.text
    assert "batch norm learns anew in 250 steps" in section.text


@pytest.mark.parametrize("key", EVIDENCE)
def test_any_part_of_the_evidence_may_be_missing_or_odd(run: Run, key: str) -> None:
    without = {name: value for name, value in EVIDENCE.items() if name != key}
    for evidence in (without, *({**without, key: odd} for odd in ODD)):
        assert list(transfer.panel(View(run, nothing), finding(evidence)))
    for name in regime("all", 0.9, 0.1):
        for odd in ODD:
            one = {**regime("all", 0.9, 0.1), name: odd}
            list(transfer.panel(View(run, nothing), finding({**EVIDENCE, "tried": [one]})))


def test_the_panel_is_in_the_table() -> None:
    assert STEP_PANELS["transfer"] is transfer.panel
