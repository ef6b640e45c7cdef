"""How numbers, times and settings read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report import read, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.003, "0.003"),
        (3e-4, "3e-4"),
        (0.000368, "3.68e-4"),
        (1e-7, "1e-7"),
        (0, "0"),
        (1200, "1200"),
        (0.1, "0.1"),
        (2.5e6, "2.5e6"),
        (math.nan, "–"),
        (-math.inf, "-inf"),
    ],
)
def test_compact_reads_as_one_would_type_it(value, text):
    assert words.compact(value) == text


@given(st.floats(1e-12, 1e12))
def test_compact_keeps_three_digits_and_can_be_read_back(value):
    assert float(words.compact(value)) == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (9.99, "10.0 s"),
        (12, "12 s"),
        (59.7, "1 min 00 s"),
        (252, "4 min 12 s"),
        (3780, "1 h 03 min"),
        (math.nan, "–"),
        (-1, "–"),
    ],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (0.1, "0.1"),
        ([64, 64], "[64, 64]"),
        ((("a", 1),), "[[a, 1]]"),
        ({"a": 0.5}, "{a: 0.5}"),
        ("x", "x"),
        ("", "–"),
    ],
)
def test_settings_read_as_in_a_recipe(value, text):
    assert words.setting(value) == text


@given(st.text(st.characters(categories=["Cs", "Cc", "Cf", "L", "Zl", "Zp"]), max_size=50))
def test_cleaned_text_can_be_written_and_controls_nothing(text):
    shown = words.clean(text)
    shown.encode("utf-8")
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)
    assert words.clean(shown) == shown


def test_loss_names_infinity():
    assert [words.loss(v) for v in (math.inf, -math.inf, math.nan, 2.302, 0.0123, 1234.0)] == [
        "∞",
        "-∞",
        "–",
        "2.30",
        "0.0123",
        "1234",
    ]


@pytest.mark.parametrize("odd", [None, 3, "x", [], {"k": []}, {"k": {}}, {"k": None}, {"k": "text"}, {"k": True}])
def test_reading_never_fails_and_never_invents(odd):
    assert math.isnan(read.number(odd, "k"))
    assert read.whole(odd, "k") is None
    assert read.numbers(odd, "k") == ()
    assert read.items(odd, "k") == ()
    assert read.mapping(odd, "k") == {}
    assert isinstance(read.text(odd, "k"), str)


def test_numbers_come_back_from_their_json_form():
    data = {"k": ["nan", "inf", 1, 2.5, "3", None, 10**400]}
    found = read.numbers(data, "k")
    assert found[1:4] == (math.inf, 1.0, 2.5)
    assert all(map(math.isnan, (found[0], *found[4:])))
