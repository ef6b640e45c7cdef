"""What holds of every page: one file, sound HTML, the verdict first, seven steps in order, within its budget."""

import itertools
import re
from dataclasses import replace

from tuner.report.page import render
from tuner.report.view import STEP_ORDER


def nothing(name: str) -> None:
    return None


def test_title_and_heading_are_the_verdict(run, tree):
    verdict = run.conclusion["title"]
    assert [h.text for h in tree.all("h1")] == [f"✓{verdict}"]
    assert next(t for t in tree.all("title") if t is not None).text.startswith(verdict)


def test_description_of_the_recipe_stands_below_the_verdict(run, read_page):
    told = replace(run, recipe={**run.recipe, "description": "Digits & <b>friends</b>."})
    (header,) = read_page(render(told, nothing)).all("header")[:1]
    assert "Digits & <b>friends</b>." in [p.text for p in header.all("p")]


def test_page_has_language_one_main_and_a_way_to_skip_to_it(tree):
    (html,), (main,) = tree.all("html"), tree.all("main")
    assert html.attributes["lang"] == "en"
    assert tree.all("a")[0].attributes["href"] == f"#{main.attributes['id']}"
    assert len(tree.all("header")) >= 1
    assert len(tree.all("footer")) == 1


def test_ids_are_unique_and_every_link_and_label_leads_to_one(tree):
    ids = [e.attributes["id"] for e in tree.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    wanted = [a.attributes["href"].removeprefix("#") for a in tree.all("a")]
    wanted += [name for e in tree.all() for name in e.attributes.get("aria-labelledby", "").split()]
    assert set(wanted) <= set(ids)


def test_headings_never_skip_a_level(tree):
    levels = [int(e.tag[1]) for e in tree.all() if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_says_what_it_is_and_every_head_what_it_heads(tree):
    for table in tree.all("table"):
        assert table.all("caption")[0].text.strip()
        assert all(head.attributes["scope"] in ("col", "row") for head in table.all("th"))
        width = len(table.all("thead")[0].all("th"))
        assert all(len(row.all("th") + row.all("td")) == width for row in table.all("tr"))


def test_every_picture_has_a_title_and_every_chart_its_numbers(tree):
    drawn = [svg for svg in tree.all("svg") if svg.attributes.get("role") == "img"]
    assert len(drawn) > 30
    for svg in drawn:
        assert svg.all("title")[0].text.strip()
    for figure in tree.all("figure"):
        if figure.all("svg"):
            assert figure.all("details")[-1].all("table")
    assert all(img.attributes["alt"].strip() for img in tree.all("img"))


def test_seven_steps_stand_in_order_with_symbol_and_word(tree):
    (journey,) = [ol for ol in tree.all("ol") if ol.attributes.get("class") == "journey"]
    steps = journey.all("li")
    assert [step.all("b")[0].text[0] for step in steps] == list("1234567")
    assert [step.all("span")[0].text for step in steps] == ["!", "✓", "✓", "✓", "✓", "✓", "✓"]
    assert all(step.all("span")[1].text in ("passed", "look here", "failed") for step in steps)


def test_sections_follow_the_run_and_the_checks_come_before_the_rounds(run, tree):
    sections = [e.attributes["id"] for e in tree.all("section") if e.attributes.get("class") == "step"]
    wanted = [f"step-{f.step}-{f.round}" for f in run.findings if f.step in STEP_ORDER]
    assert sections[: len(wanted)] == wanted


def test_numbers_stand_open_exactly_where_there_is_something_to_look_at(run, tree):
    by_id = {e.attributes["id"]: e for e in tree.all("section") if e.attributes.get("class") == "step"}
    for finding in run.findings:
        folds = list(by_id[f"step-{finding.step}-{finding.round}"].all("details"))
        for fold in folds:
            if fold.attributes.get("class") == "evidence":
                assert ("open" in fold.attributes) == (finding.outcome.value != "pass")


def test_every_applied_change_stands_with_its_reason(run, tree):
    (table,) = [d for d in tree.all("div") if d.attributes.get("class") == "scroll setting"]
    for finding in run.findings:
        for change in finding.applied:
            row = next(r for r in table.all("tr") if r.all("th")[0].text == change.path)
            assert change.because in row.text


def test_at_most_three_actions_each_with_a_command_to_copy(run, artifacts, read_page):
    many = replace(run, conclusion={**run.conclusion, "next_actions": [*run.conclusion["next_actions"]] * 3})
    tree = read_page(render(many, artifacts.get))
    (following,) = [s for s in tree.all("section") if s.attributes.get("id") == "next"]
    assert len(following.all("li")) == 3
    assert [pre.text for pre in following.all("pre")] == [a["command"] for a in run.conclusion["next_actions"]]


def test_nothing_is_fetched(page, tree):
    for element in tree.all():
        for attribute in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            value = element.attributes.get(attribute, "#")
            assert value.startswith(("#", "data:image/")), (element.tag, attribute)
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_policy_forbids_everything_but_this_script_and_embedded_images(page, tree):
    import base64
    import hashlib

    (policy,) = [m.attributes["content"] for m in tree.all("meta") if "http-equiv" in m.attributes]
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert len(script) <= 5_000
    assert not [e for e in tree.all() for name in e.attributes if name.startswith("on") or name == "style"]


def test_twenty_trials_fit_into_150_kilobytes_and_images_into_a_megabyte(run, artifacts):
    first_round = tuple(f for f in run.findings if f.round <= 1)
    twenty = replace(run, findings=first_round, trials=run.trials[:20])
    assert len(render(twenty, nothing).encode()) <= 150_000
    assert len(render(run, artifacts.get).encode()) <= 1_000_000


def test_a_table_of_trials_ends_at_200_and_says_where_the_rest_is(run, read_page):
    many = tuple(replace(trial, number=number) for number, trial in enumerate(run.trials * 20, 1))
    page = render(replace(run, trials=many), nothing)
    (table,) = [t for t in read_page(page).all("table") if t.attributes.get("class") == "sortable"]
    assert len(table.all("tbody")[0].all("tr")) == 200
    assert "400 more trials in trials.csv" in page


def test_trials_stand_best_first_and_only_settings_that_vary_are_shown(run, tree):
    (table,) = [t for t in tree.all("table") if t.attributes.get("class") == "sortable"]
    heads = [th.text for th in table.all("thead")[0].all("th")]
    assert "optimizer.learning_rate" in heads
    assert "optimizer.name" not in heads
    accuracies = [row.all("td")[0].text for row in table.all("tbody")[0].all("tr")]
    measured = [float(text) for text in accuracies if text[0] in "01"]
    assert measured == sorted(measured, reverse=True)
    assert "✗ diverged" in accuracies


def test_a_run_that_stopped_says_so_first_and_shows_what_was_not_reached(sample, artifacts, read_page):
    tree = read_page(render(sample.stopped_run(), artifacts.get))
    assert tree.all("h1")[0].text == "✗Stopped at step 2: the model cannot learn 160 examples"
    assert tree.text.count("The run did not get this far.") == 5


def test_images_that_are_no_images_are_left_out(run, artifacts, read_page):
    bad = [
        {"image": uri, "label": "0"}
        for uri in (
            "http://example.com/a.png",
            "data:text/html;base64,PGI+",
            "data:image/svg+xml;base64,PHN2Zz4=",
            'data:image/png;base64,AAAA" onerror="alert(1)',
            "data:image/png;base64," + "A" * 2_000_000,
            None,
            7,
        )
    ]
    import json

    page = render(run, (artifacts | {"samples.json": json.dumps(bad).encode(), "augmented.json": b"{]"}).get)
    assert "As the model gets them" not in page
    assert len(page) < 1_000_000


def test_a_page_is_the_same_each_time(run, artifacts, page):
    assert render(run, artifacts.get) == page
