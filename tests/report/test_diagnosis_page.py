"""The page of a diagnosis: the leading verdict first, a card each, pictures of what was measured, no empty parts."""

import itertools
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tuner.inspection import ClassErrors, Filters, Inspection, Side
from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.report import meanings, remedies
from tuner.report.diagnosed.curves import best_epoch, marks_of
from tuner.report.diagnosis import headline, render, write
from tuner.symptoms import SYMPTOMS

VERDICTS = Path(__file__).parents[2] / "docs" / "verdicts.md"
MEBIBYTE = 2**20
HOSTILE = ("<script>alert(1)</script>", "</title><h1>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a\x00b", "\u202e")


@pytest.fixture(scope="module")
def overfitted(diagnosed) -> Inspection:
    return diagnosed.overfitted()


@pytest.fixture(scope="module")
def whole(diagnosed) -> Inspection:
    return diagnosed.whole()


@pytest.fixture(scope="module")
def crowded(diagnosed) -> Inspection:
    return diagnosed.crowded()


@pytest.fixture(scope="module")
def pages(overfitted: Inspection, whole: Inspection, crowded: Inspection) -> dict[str, str]:
    return {"curves": render(overfitted), "whole": render(whole), "crowded": render(crowded)}


def sections(page) -> list[str]:
    return [one.attributes["id"] for one in page.all("section")]


def test_title_is_the_leading_verdict_with_its_onset(overfitted, pages, read_page):
    tree = read_page(pages["curves"])
    leading = overfitted.verdicts[0]
    said = f"The model overfits, since epoch {leading.onset}"
    assert [h.text for h in tree.all("h1")] == [f"!{said}"]
    assert next(t.text for t in tree.all("title")) == f"{said} · curves.csv"
    assert leading.sentence in next(p.text for p in tree.all("p") if p.attributes.get("class") == "lead")


def test_every_verdict_has_a_card_with_all_that_it_says(overfitted, pages, read_page):
    cards = read_page(pages["curves"]).all("article")
    assert len(cards) == len(overfitted.verdicts)
    for card, verdict in zip(cards, overfitted.verdicts, strict=True):
        assert all(part in card.text for part in (verdict.name, verdict.sentence, verdict.check, verdict.source))
        assert verdict.onset is None or f"since epoch {verdict.onset}" in card.text
        assert verdict.confidence is None or f"confidence {verdict.confidence:.0%}" in card.text
        remedies = [item.text for item in card.all("li")]
        assert len(remedies) == len(verdict.changes)
        assert all(c.path in text and c.because in text for c, text in zip(verdict.changes, remedies, strict=True))
        assert len(card.all("dd")) == sum(value is not None for value in verdict.evidence.values())


@pytest.mark.parametrize(
    ("path", "value", "title", "code"),
    [
        ("optimizer.learning_rate", 3e-4, "Learning rate", "keras.optimizers.…(learning_rate=3e-4)"),
        ("optimizer.learning_rate", "÷10", "Learning rate", ""),
        ("loss.from_logits", True, "The loss gets plain scores (from_logits)", "keras.losses.…(from_logits=True)"),
        ("layers.dense_1.activation", "relu", "Activation of dense_1", 'activation="relu"'),
        ("data.class_weight", "balanced", "Class weights", "model.fit(…, class_weight={0: …, 1: …})"),
        (
            "augmentation",
            [["RandomFlip", {"mode": "horizontal"}], ["RandomRotation", {"factor": 0.05}]],
            "Augmentation",
            'keras.Sequential([keras.layers.RandomFlip(mode="horizontal"), keras.layers.RandomRotation(factor=0.05)])',
        ),
        ("augmentation", [["RandomFlip", "horizontal"]], "Augmentation", ""),
        ("layers.norm_2", "remove", "Layer norm_2", ""),
        ("some.other", 3, "", ""),
    ],
)
def test_a_remedy_is_said_in_words_and_as_a_program_spells_it(path, value, title, code):
    assert remedies.title(path) == title
    assert remedies.code(Change(path, value, "")) == code


def test_every_change_that_is_proposed_has_a_title():
    for room in ("probes", "symptoms"):
        for file in (Path(meanings.__file__).parents[1] / room).glob("*.py"):
            for path in re.findall(r'Change\(\s*f?"([^"]+)"', file.read_text("utf-8")):
                assert remedies.title(re.sub(r"{[^}]+}", "dense_1", path)), (file.name, path)


def test_a_new_value_is_said_in_words_and_left_out_where_the_title_says_it():
    layers = [["RandomFlip", {"mode": "horizontal"}], ["RandomRotation", {"factor": 0.05}]]
    assert remedies.value(Change("augmentation", layers, "")) == "RandomFlip, RandomRotation"
    assert remedies.value(Change("layers.add_batch_normalization", True, "")) == ""
    assert remedies.value(Change("data.drop_non_finite", True, "")) == ""
    assert remedies.value(Change("loss.from_logits", True, "")) == "true"


def test_evidence_that_says_nothing_is_left_out(overfitted, read_page):
    evidence = {"none": None, "empty": [], "epochs": [11, 13], "zero": 0, "no": False}
    (card,) = read_page(render(replace(overfitted, verdicts=(Verdict("x", Outcome.WARN, "", evidence),)))).all(
        "article"
    )
    assert [(t.text, d.text) for t, d in zip(card.all("dt"), card.all("dd"), strict=True)] == [
        ("Epochs", "11, 13"), ("Zero", "0"), ("No", "false"),
    ]  # fmt: skip


def test_what_a_verdict_explains_is_said_in_words(overfitted, read_page):
    cause = Verdict("head_loss_mismatch", Outcome.FAIL, "So.", {"units": 1, "explains": ["dead_relu"], "absent": None})
    (card,) = read_page(render(replace(overfitted, verdicts=(cause,)))).all("article")
    assert "This explains besides: many units are dead" in card.text
    assert [term.text for term in card.all("dt")] == ["Units"]


def test_curves_alone_leave_the_parts_about_the_model_out(pages, read_page):
    assert sections(read_page(pages["curves"])) == ["verdicts", "curves", "about", "glossary"]


def test_a_look_inside_a_model_has_a_part_for_each_thing_seen(pages, read_page):
    tree = read_page(pages["whole"])
    assert sections(tree) == ["verdicts", "duels", "curves", "layers", "filters", "classes", "about", "glossary"]
    assert len(tree.all("img")) == 24
    assert "the tiny fit was left out" in tree.text
    assert "Roughness 0.83" in tree.text
    rows = {table.all("caption")[0].text: table.all("tr")[1:] for table in tree.all("table")}
    worst = [[cell.text for cell in row.children] for row in rows["Wrong answers on the validation examples"]]
    assert worst == [["dog", "20", "10", "50%", "cat"], ["cat", "40", "4", "10%", "dog"]]
    assert [row.children[0].text for row in rows["The sides, validation loss"]] == [
        "as it was", "✓ model.dropout = 0.3 (taken)", "as it was",
    ]  # fmt: skip
    assert "Of 2 layers, 1 above it." in tree.text
    assert [row.children[0].text for row in rows["Dead units"]] == ["1. dense_0"]


def test_an_inspection_of_nothing_is_still_a_page(read_page):
    tree = read_page(render(Inspection("", ())))
    assert tree.all("h1")[0].text == "–Nothing could be judged"
    assert sections(tree) == ["about", "glossary"]


def test_the_page_is_sound_and_fetches_nothing(pages, read_page):
    for page in pages.values():
        tree = read_page(page)
        ids = [e.attributes["id"] for e in tree.all() if "id" in e.attributes]
        assert len(ids) == len(set(ids))
        levels = [int(e.tag[1]) for e in tree.all() if re.fullmatch(r"h[1-6]", e.tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
        assert "default-src 'none'" in page
        for table in tree.all("table"):
            width = len(table.all("thead")[0].all("th"))
            assert all(len(row.all("th") + row.all("td")) == width for row in table.all("tr"))


def test_a_thousand_epochs_and_two_hundred_layers_stay_small(pages):
    assert len(pages["crowded"].encode()) < MEBIBYTE


def test_onsets_are_marked_in_the_color_of_their_outcome_and_the_best_epoch_too(overfitted):
    leading = overfitted.verdicts[0]
    first, *_, best = marks_of(overfitted)
    assert (first.value, first.style) == (leading.onset, "warned")
    assert first.label == f"overfitting: {leading.onset}"
    assert (best.value, best.style) == (leading.evidence["best_epoch"], "pick")


def test_the_best_epoch_is_that_of_the_verdict_and_without_one_that_of_the_best_validation(overfitted):
    (verdict,) = overfitted.verdicts
    assert f"at epoch {verdict.evidence['best_epoch']} " in verdict.sentence
    lowest = 1 + min(range(len(overfitted.curves.val_loss)), key=overfitted.curves.val_loss.__getitem__)
    for told in (lowest, lowest + 2):
        says = replace(verdict, evidence={**verdict.evidence, "best_epoch": told})
        assert best_epoch(replace(overfitted, verdicts=(says,))) == told
    assert best_epoch(replace(overfitted, verdicts=())) == lowest
    assert best_epoch(replace(overfitted, verdicts=(), higher_is_better=True)) != lowest


def test_onsets_of_one_epoch_share_a_mark_and_the_graver_outcome_colors_it(overfitted):
    both = (Verdict("gap", Outcome.WARN, "", onset=7), Verdict("diverging", Outcome.FAIL, "", onset=7))
    (one, _) = marks_of(replace(overfitted, verdicts=both))
    assert (one.label, one.style) == ("gap +1: 7", "failed")


def test_epochs_with_gaps_are_counted_as_the_file_counts_them(overfitted):
    count = overfitted.curves.epochs
    every_fifth = tuple(range(5, 5 * count + 1, 5))
    late = Verdict("overfit", Outcome.WARN, "", onset=5 * count)
    marks = marks_of(replace(overfitted, epochs=every_fifth, verdicts=(late,)))
    assert [mark.value for mark in marks] == [5 * count, 5 * best_epoch(replace(overfitted, verdicts=()))]
    told = replace(overfitted, epochs=every_fifth)
    assert best_epoch(told) == 5 * best_epoch(overfitted)
    assert len(marks_of(replace(overfitted, verdicts=(late,)))) == 1  # beyond the axis: only the best epoch


def test_curves_without_a_finite_value_are_not_drawn(read_page):
    broken = Inspection("x", (), LearningCurves((math.nan, math.inf), (math.nan, math.nan)))
    assert sections(read_page(render(broken))) == ["about", "glossary"]


@pytest.mark.parametrize("odd", [math.nan, math.inf, 0.0, 1e300, 1e-300])
def test_any_reading_may_be_odd(whole, odd, read_page):
    names = ("weight_norm", "gradient_norm", "update_ratio", "activation_mean", "activation_std", "dead_share")
    layers = tuple(replace(one, **dict.fromkeys(names, odd)) for one in whole.layers)
    curves = LearningCurves((1.0, odd, 2.0), (odd, 1.0), (odd,), (), (odd, 1e-3), (odd,) * 9)
    duel = replace(whole.duels[0], noise=odd, taken=None, sides=(Side((), odd, odd, 1), Side((), 0.5, odd, 1)))
    read_page(render(replace(whole, layers=layers, curves=curves, duels=(duel,))))
    read_page(render(replace(whole, layers=layers * 9)))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_from_outside_becomes_markup(whole, pages, text, read_page):
    verdict = Verdict(text, Outcome.FAIL, text, {text: text}, (Change(text, text, text, text),), 2, 0.5, text, text)
    told = replace(
        whole,
        source=text,
        verdicts=(verdict,),
        columns={text: text},
        layers=tuple(replace(one, name=text, kind=text) for one in whole.layers),
        filters=Filters(text, 0.5, (text, whole.filters.pictures[0])),
        classes=(ClassErrors(text, 4, 2, text),),
        duels=(replace(whole.duels[0], verdict=text, metric=text, sentence=text),),
        notes=(text,),
        environment={text: text},
    )
    tree = read_page(render(told))
    assert len(tree.all("script")) == 1
    assert len(tree.all("img")) == 1
    assert len(tree.all("h1")) == 1
    assert "49" not in next(p.text for p in tree.all("p") if p.attributes.get("class") == "lead")


def test_every_verdict_there_is_has_plain_words():
    listed = re.findall(r"^\| `(\w+)` \|", VERDICTS.read_text("utf-8"), flags=re.MULTILINE)
    assert {*SYMPTOMS, *listed} == set(meanings.MEANINGS)
    assert all(len(meaning.short) <= 22 and len(meaning.headline) <= 60 for meaning in meanings.MEANINGS.values())
    assert meanings.of("odd_one").headline == "Odd one"
    assert headline(Verdict("healthy", Outcome.PASS, "", onset=3)) == meanings.MEANINGS["healthy"].headline


def test_a_headline_is_as_sure_as_its_verdict():
    unsure, sure = (Verdict("lr_too_low", Outcome.WARN, "", onset=4, confidence=c) for c in (0.5, 0.6))
    assert headline(unsure) == "Perhaps the learning rate is too low, since epoch 4"
    assert headline(sure) == "The learning rate is too low, since epoch 4"


def test_the_file_is_written_whole_or_not_at_all(overfitted, tmp_path):
    page = tmp_path / "page.html"
    assert write(overfitted, page) == page
    before = page.read_text("utf-8")
    assert before == render(overfitted)
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(FileNotFoundError):
        write(overfitted, tmp_path / "nowhere" / "page.html")


def test_a_note_is_said_calmly_though_its_name_is_an_alarm_elsewhere(overfitted, read_page):
    note = Verdict("cannot_overfit_tiny", Outcome.PASS, "Adam can, its own not yet.")
    alarm = replace(note, outcome=Outcome.FAIL)
    calm, loud = (read_page(render(replace(overfitted, verdicts=(v,)))).all("article")[0].text for v in (note, alarm))
    meaning = meanings.MEANINGS["cannot_overfit_tiny"]
    assert [part in calm for part in (meaning.note, meaning.headline, meaning.says)] == [True, False, False]
    assert [part in loud for part in (meaning.note, meaning.headline, meaning.says)] == [False, True, True]


def test_the_same_change_to_many_layers_is_one_remedy(overfitted, read_page):
    names = [f"dense_{number}" for number in range(8)]
    changes = [Change(f"layers.{name}.activation", "relu", "a sigmoid is flat") for name in names]
    changes[2:2] = [Change("layers.add_batch_normalization", True, "it keeps the scale")]
    other = Change("layers.dense_9.activation", "tanh", "another reason")
    verdict = Verdict("vanishing_gradient", Outcome.WARN, "So.", {}, (*changes, other))
    (card,) = read_page(render(replace(overfitted, verdicts=(verdict,)))).all("article")
    titles = [item.all("b")[0].text for item in card.all("li")]
    assert titles == [
        "Activation of dense_0, dense_1, dense_2, dense_3, dense_4, dense_5 and 2 more layers",
        "Add batch normalization",
        "Activation of dense_9",
    ]
    assert remedies.title("layers.a.activation", "layers.b.activation") == "Activation of a and b"
