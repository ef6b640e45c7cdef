"""Older, interrupted and foreign runs: whatever is missing, the page is written and is sound."""

from dataclasses import replace

import pytest

from tuner.records import Finding, Run, passed
from tuner.report.machine import payload, run_json
from tuner.report.page import render
from tuner.report.panels import STEP_PANELS
from tuner.report.view import View

ODD = (None, "", "nan", "text", -1, 0, 1e308, [], {}, [None, "x", {}], {"a": {}}, True, [[1, 2], []], [1e308, -1e308])


def draw(run: Run) -> str:
    run_json(run)
    return render(run, lambda name: None)


def build(run: Run, finding: Finding) -> None:
    """Only the panel: a page for each of some thousand cases would take minutes."""
    list(STEP_PANELS[finding.step](View(run, lambda name: None), finding))


def with_evidence(run: Run, index: int, evidence: dict) -> Run:
    findings = list(run.findings)
    findings[index] = replace(findings[index], evidence=evidence)
    return replace(run, findings=tuple(findings))


@pytest.mark.parametrize("index", range(12))
def test_any_key_of_any_evidence_may_be_missing_or_something_else(run, index, read_page):
    one = replace(run, findings=(run.findings[index],), trials=run.trials)
    for key, value in run.findings[index].evidence.items():
        rest = {k: v for k, v in run.findings[index].evidence.items() if k != key}
        read_page(draw(with_evidence(one, 0, rest)))
        for odd in ODD:
            build(run, replace(run.findings[index], evidence={**rest, key: odd}))
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict):
            for name in inner:
                for odd in ODD:
                    changed = {**inner, name: odd}
                    evidence = {**rest, key: changed if inner is value else [changed, *value[1:]]}
                    build(run, replace(run.findings[index], evidence=evidence))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_part_of_a_conclusion_may_be_something_else(run, odd):
    for key in run.conclusion:
        draw(replace(run, conclusion={**run.conclusion, key: odd}))
    draw(replace(run, environment={"device": odd, "command": odd}, recipe={"report": odd, "steps": odd}))


@pytest.mark.parametrize(
    "odd", [b"", b"{]", b"null", b"[]", b"7", b'[{"image": 3}]', b'{"classes": ["a"], "matrix": 4}', b"\xff"]
)
def test_artifacts_may_be_broken(run, odd):
    render(run, lambda name: odd)


@pytest.mark.parametrize("matrix", [[], [[1]], [[1, 2], [3]], [["nan", "x"], [None, -1]], [[0, 0], [0, 0]]])
def test_confusion_matrices_that_do_not_fit_are_left_out(run, matrix):
    import json

    found = json.dumps({"classes": ["a", "b"], "matrix": matrix}).encode()
    render(run, {"confusion.json": found}.get)


def test_a_hundred_classes_are_listed_by_their_confusions_alone(run, read_page):
    import json

    matrix = [[10 if i == j else int(j == i + 1) for j in range(100)] for i in range(100)]
    found = json.dumps({"classes": [f"class {i}" for i in range(100)], "matrix": matrix}).encode()
    page = render(run, {"confusion.json": found}.get)
    assert "Confusion matrix" not in page
    assert "The most frequent confusions" in page


def test_a_run_without_anything_still_has_a_verdict(read_page):
    run = Run("empty", 1, "/tmp/empty/0001", "", "running", {}, "", {})
    tree = read_page(draw(run))
    assert tree.all("h1")[0].text == "!Still running, before the first step"
    assert payload(run)["schema"] == "tuner.report/1"


def test_an_interrupted_run_says_where(run):
    cut = replace(run, findings=run.findings[:4], conclusion={}, status="interrupted")
    assert "Interrupted at step 3: find the learning rate" in draw(cut)


def test_an_unknown_step_is_shown_as_it_stands(run, read_page):
    news = Finding(
        "loss_landscape", 1, "", "How smooth?", {"roughness": 0.2, "nested": {"a": [1]}}, (passed("x", "Smooth."),)
    )
    twice = replace(run, findings=(*run.findings, news, news))
    tree = read_page(draw(twice))
    assert "Loss landscape" in tree.text
    assert "roughness" in tree.text
    ids = [e.attributes["id"] for e in tree.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))


def test_many_rounds_fold_all_but_the_last_three(run, read_page):
    extra = tuple(replace(f, round=f.round + 2 * k) for k in range(1, 4) for f in run.findings if f.round)
    tree = read_page(draw(replace(run, findings=run.findings + extra)))
    folded = [d for d in tree.all("details") if d.attributes.get("class") == "round"]
    assert len(folded) == 5
    assert all("open" not in d.attributes for d in folded)


def test_a_setting_that_differs_from_the_recipe_is_never_said_to_have_stayed(run, read_page):
    best = {**run.conclusion["hyperparameters"], "data.batch_size": 64}
    tree = read_page(draw(replace(run, conclusion={**run.conclusion, "hyperparameters": best})))
    (table,) = [d for d in tree.all("div") if d.attributes.get("class") == "scroll setting"]
    row = next(r for r in table.all("tr") if r.all("th")[0].text == "data.batch_size")
    assert [cell.text for cell in row.all("td")] == ["32", "64", "the best trial was trained so"]
