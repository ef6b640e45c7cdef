"""Whatever a class, a file or an error is called, the page keeps its shape and says nothing else."""

import json
import re
from dataclasses import replace
from functools import cache

import pytest

from tuner.records import Change, Run
from tuner.report.machine import run_json
from tuner.report.page import render

PLAIN = "daisy"
STRINGS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><b>",
    "</title><h1>",
    "<!--",
    "-->",
    "]]>",
    "<svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "`onload=`",
    "</svg></figure></main>",
    "javascript:alert(1)",
    "data:text/html,<b>",
    "{{7*7}}",
    "{% for x in y %}",
    "{#",
    "${7*7}",
    "#{7*7}",
    "%s%n%(a)s",
    "{0}{a!r}",
    "&lt;b&gt;",
    "&#0;",
    "&amp",
    "\\",
    "\\u003cscript\\u003e",
    "a\x00b",
    "\x1b[31mred",
    "a\x08\x7f\x85b",
    "\u202eevil\u202c",
    "\u2066x\u2069",
    "\ud800",
    "\udfff lone",
    "\ufeff\ufffe\uffff",
    "שלום",
    "مرحبا (1)",
    "日本語",
    "👩‍👩‍👧",
    "e" + "\u0301" * 40,
    "a\nb\r\nc\td",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "C:\\x\\y",
    "x" * 300,
    "nan",
    "<plaintext>",
    "<textarea>",
    "<base href=//x>",
    "\u2028\u2029",
    "a\u00a0b",
    '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def spoiled(value, text):
    """The same data with `text` for every string that is free, in values and, once, in keys."""
    if isinstance(value, dict):
        return {key: item if key in FIXED else spoiled(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [spoiled(item, text) for item in value]
    return text if isinstance(value, str) else value


FIXED = {"state", "outcome", "decision", "image", "path", "sampling", "optimizer.learning_rate"}


def poisoned(run: Run, text: str) -> Run:
    """A run in which every name, sentence, reason, path and message is `text`."""
    findings = []
    for finding in run.findings:
        changes = tuple(Change(text, text, text, text) for _ in finding.applied)
        verdicts = tuple(
            replace(v, name=text, sentence=text, check=text, source=text, evidence={text: text}, changes=changes)
            for v in finding.verdicts
        )
        evidence = spoiled(finding.evidence, text)
        findings.append(
            replace(finding, stage=text, question=text, evidence=evidence, verdicts=verdicts, applied=changes)
        )
    findings.append(replace(findings[0], step=text, evidence={text: text}))
    trials = tuple(
        replace(
            t,
            reason=text,
            engine=text,
            spec=replace(
                t.spec, stage=text, hyperparameters=replace(t.hyperparameters, optimizer=text, schedule=PLAIN)
            ),
        )
        for t in run.trials
    )
    conclusion = spoiled(run.conclusion, text) | {
        "outcome": "target_met",
        "auto": {text: {"value": text, "because": text}},
    }
    return replace(
        run,
        name=text,
        folder=text,
        created=text,
        recipe=spoiled(run.recipe, text),
        recipe_text=text,
        environment={text: text, "device": text, "command": text},
        findings=tuple(findings),
        trials=trials,
        conclusion=conclusion,
    )


def artifacts(text: str) -> dict[str, bytes]:
    pixel = "data:image/png;base64,AAAA"
    return {
        "samples.json": json.dumps([{"image": pixel, "label": text}]).encode(),
        "mistakes.json": json.dumps([{"image": pixel, "true": text, "predicted": text, "probability": 0.5}]).encode(),
        "confusion.json": json.dumps({"split": text, "classes": [text, "b"], "matrix": [[3, 1], [0, 2]]}).encode(),
    }


@pytest.fixture(scope="module")
def plain_shape(run, read_page):
    return cache(lambda: read_page(render(poisoned(run, PLAIN), artifacts(PLAIN).get)).shape())


@pytest.mark.parametrize("text", STRINGS, ids=lambda text: repr(text.encode("utf-8", "replace"))[:40])
def test_no_string_changes_the_shape_of_the_page(run, read_page, plain_shape, text):
    page = render(poisoned(run, text), artifacts(text).get)
    page.encode("utf-8")
    assert not CONTROL.search(page.replace("\n", ""))
    assert read_page(page).shape() == plain_shape()


def test_a_template_in_a_name_is_not_evaluated(run, read_page):
    page = render(poisoned(run, "{{7*7}}"), artifacts("{{7*7}}").get)
    assert "{{7*7}}" in read_page(page).all("h1")[0].text
    assert "49" not in read_page(page).all("h1")[0].text


def test_names_of_a_megabyte_are_cut(run, read_page, plain_shape):
    text = "n" * 1_000_000
    page = render(poisoned(run, text), artifacts(text).get)
    assert read_page(page).shape() == plain_shape()
    assert len(page) < 1_000_000


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u2028", "</script>", "日本語"])
def test_the_json_twin_is_strict_ascii_json_and_loses_nothing(run, text):
    written = run_json(poisoned(run, text))
    assert written.isascii()
    loaded = json.loads(written, parse_constant=lambda name: pytest.fail(name))
    assert loaded["name"] == text
    assert loaded["schema"] == "tuner.report/1"
