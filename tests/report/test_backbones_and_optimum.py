"""The ranking of backbones and the best possible head in the report; whatever is missing of them, the page is sound."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.records import Change, Finding, Run, passed
from tuner.report.page import render
from tuner.report.panels import STEP_PANELS, optimum
from tuner.report.view import View

ODD = (None, "", "nan", "text", -1, 0, 1e308, [], {}, [None, "x", {}], True, [1e308, -1e308])


def candidate(name: str, val_loss: float, speed: float) -> dict[str, Any]:
    return {
        "backbone": name,
        "parameters": 3_413_024,
        "features": 1280,
        "images_per_second": speed,
        "logme": 0.496,
        "val_loss": val_loss,
        "val_loss_error": 0.034,
        "val_accuracy": 0.947,
        "train_loss": 0.0065,
        "seconds": 4.2,
    }


RANKING = {
    "candidates": [candidate("EfficientNetLite0", 0.166, 410.0), candidate("MobileNetV2", 0.189, 620.0)],
    "chosen": "MobileNetV2",
    "noise": 0.034,
    "val_images": 359,
    "epochs": 0,
}
STRENGTHS = [
    {"l2": l2, "objective": t * 2, "train_loss": t, "val_loss": v, "val_loss_error": 0.03, "val_accuracy": a}
    | {"gradient_norm": 1e-4, "iterations": 30, "seconds": 0.1}
    for l2, t, v, a in ((1.2, 0.57, 0.61, 0.88), (0.012, 0.4, 0.45, 0.92), (0.00012, 0.01, 0.5, 0.91))
]
POSSIBLE = {
    "best": STRENGTHS[1],
    "path": STRENGTHS,
    "lowest_train_loss": 0.01,
    "highest_val_accuracy": 0.92,
    "images": 1079,
    "all_images": 1079,
    "val_images": 359,
    "features": 1280,
    "num_classes": 10,
    "seconds": 0.6,
}


def nothing(name: str) -> None:
    return None


def ranking(evidence: dict[str, Any]) -> Finding:
    change = Change(
        "model.backbone", "MobileNetV2", "it is within noise and faster", ["EfficientNetLite0", "MobileNetV2"]
    )
    verdict = passed("backbone_chosen", "MobileNetV2 is within noise of EfficientNetLite0.", change)
    return Finding("backbones", 0, "head", "Whose features?", evidence, (verdict,), (change,))


def with_optimum(run: Run, evidence: Any) -> Run:
    changed = [
        replace(f, evidence={**f.evidence, "optimum": evidence}) if f.step == "learning_rate" else f
        for f in run.findings
    ]
    return replace(run, findings=tuple(changed))


def test_the_ranking_stands_before_step_1_with_its_numbers(run: Run, read_page) -> None:
    findings = (run.findings[0], ranking(RANKING), *run.findings[1:])
    tree = read_page(render(replace(run, findings=findings), nothing))
    steps = [e.attributes["id"] for e in tree.all("section") if e.attributes.get("class") == "step"]
    assert steps[:2] == ["step-backbones-0", "step-initial_loss-0"]
    section = next(e for e in tree.all("section") if e.attributes.get("id") == "step-backbones-0")
    (table,) = section.all("table")
    assert [cell.text for row in table.all("tr")[1:] for cell in row.all("th")] == [
        "EfficientNetLite0",
        "✓ MobileNetV2",
    ]
    assert "0.166 ± 0.034" in table.text
    assert "model.backbone" in tree.text


@pytest.mark.parametrize("key", [*RANKING, None])
def test_a_ranking_may_lack_anything(run: Run, read_page, key: str | None) -> None:
    without = {name: value for name, value in RANKING.items() if name != key}
    read_page(render(replace(run, findings=(ranking(without),), trials=()), nothing))
    for odd in ODD:
        list(STEP_PANELS["backbones"](View(run, nothing), ranking({**without, str(key): odd})))


@pytest.mark.parametrize("name", RANKING["candidates"][0])
def test_so_may_a_candidate(run: Run, name: str) -> None:
    for odd in ODD:
        several = [{**RANKING["candidates"][0], name: odd}, RANKING["candidates"][1]]
        list(STEP_PANELS["backbones"](View(run, nothing), ranking({**RANKING, "candidates": several})))


def test_the_best_possible_stands_under_the_sweep(run: Run, read_page) -> None:
    page = render(with_optimum(run, POSSIBLE), nothing)
    tree = read_page(page)
    section = next(e for e in tree.all("section") if e.attributes.get("id") == "step-learning_rate-0")
    assert optimum.BEST in section.all("svg")[0].text
    assert optimum.FLOOR in section.all("svg")[0].text
    assert "does best in validation" in section.text
    assert "0.40 nats in training, 0.45 nats and accuracy 0.920 in validation" in section.text
    assert "What a linear head can reach" in section.text


def test_an_older_run_has_no_such_line(run: Run, page: str) -> None:
    assert optimum.MEANING not in page
    assert "What a linear head can reach" not in page


def test_two_lines_that_would_lie_on_each_other_are_one() -> None:
    near = {**POSSIBLE, "best": {**STRENGTHS[1], "train_loss": 0.02}}
    assert [mark.label for mark in optimum.marks(near, 2.3)] == [optimum.BEST]
    assert [mark.label for mark in optimum.marks(POSSIBLE, 2.3)] == [optimum.BEST, optimum.FLOOR]
    assert optimum.marks(POSSIBLE, float("nan")) == ()


@pytest.mark.parametrize("key", [*POSSIBLE, None])
def test_an_optimum_may_lack_anything(key: str | None) -> None:
    without = {name: value for name, value in POSSIBLE.items() if name != key}
    for evidence in (without, *({**without, str(key): odd} for odd in ODD)):
        draw(evidence)


@pytest.mark.parametrize("name", STRENGTHS[0])
def test_so_may_each_of_its_penalties(name: str) -> None:
    for odd in ODD:
        draw({**POSSIBLE, "path": [{**STRENGTHS[0], name: odd}, STRENGTHS[1]]})
        draw({**POSSIBLE, "best": {**STRENGTHS[0], name: odd}})


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_evidence_may_hold_something_else_in_its_place(run: Run, odd: Any) -> None:
    finding = next(f for f in with_optimum(run, odd).findings if f.step == "learning_rate")
    list(STEP_PANELS["learning_rate"](View(run, nothing), finding))


def draw(evidence: dict[str, Any]) -> None:
    optimum.marks(evidence, 2.3)
    list(optimum.facts(evidence))
    list(optimum.fold(evidence))
