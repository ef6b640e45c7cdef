"""Fused rounds make hundreds of trials common and ten thousand possible: the page stays small, sound and readable."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.charts import lines
from tuner.report.charts.frame import SMALL
from tuner.report.charts.scale import Axis
from tuner.report.machine import MOST_TRIALS, run_json
from tuner.report.page import render
from tuner.report.panels.curves import CROWD, crowd_of
from tuner.report.panels.learning_rate import MOST_RATES, _some
from tuner.report.panels.short_runs import LARGE_DOTS, MOST_DOTS


def nothing(name: str) -> None:
    return None


@pytest.fixture(scope="module")
def many(sample):
    """A round of 600 trials."""
    return sample.crowded_run(600)


@pytest.fixture(scope="module")
def crowded(many):
    return render(many, nothing)


curves = st.lists(st.lists(st.floats(0, 1) | st.just(math.nan), min_size=1, max_size=6), min_size=1, max_size=60)


@given(curves)
def test_half_of_the_curves_lie_in_the_dark_band_and_nine_in_ten_in_the_light_one(curves):
    crowds, middle = crowd_of(curves)
    for share, band in zip((0.9, 0.5), crowds, strict=False):
        for at, x in enumerate(band.x):
            known = [c[int(x) - 1] for c in curves if len(c) >= x and math.isfinite(c[int(x) - 1])]
            inside = sum(band.low[at] <= value <= band.high[at] for value in known)
            assert inside >= share * len(known) - 1
            assert sum(value < band.low[at] for value in known) <= (1 - share) / 2 * len(known) + 1
            assert sum(value <= middle[at] for value in known) >= len(known) / 2 - 1
            assert crowds[0].low[at] <= crowds[1].low[at] <= middle[at] <= crowds[1].high[at] <= crowds[0].high[at]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=200))
def test_every_point_of_a_heap_lies_in_a_tile_and_the_fullest_is_darkest(points):
    chart = lines.LineChart((), Axis("", 0, 1), Axis("", 0, 1), heap=tuple(points))
    body = lines.draw(chart, SMALL).body
    assert 1 <= body.count("z") <= len(set(points))
    assert 'class="heap h4"' in body


@pytest.mark.parametrize("count", [CROWD + 5, CROWD + 6])
def test_curves_become_bands_when_they_would_be_a_tangle(sample, read_page, count):
    run = sample.crowded_run(count, lost=0)
    (figure,) = [
        f
        for f in read_page(render(run, nothing)).all("figure")
        if "accuracy in the short runs" in f.all("figcaption")[0].text
    ]
    banded = count > CROWD + 5
    assert ("half lie in the dark band" in figure.text) == banded
    assert ("the rest in gray" in figure.text) != banded
    for svg in figure.all("svg"):
        if "role" in svg.attributes:
            bands = [path for path in svg.all("path") if path.attributes.get("class") == "crowd"]
            assert len(bands) == 2 * banded
    assert ("median of the others" in figure.text) == banded


@pytest.mark.parametrize(
    ("count", "kind"), [(LARGE_DOTS, "dot s5"), (MOST_DOTS, "muted-dot"), (MOST_DOTS + 1, "heap h4")]
)
def test_a_setting_is_drawn_as_dots_small_dots_or_tiles(sample, count, kind):
    page = render(sample.crowded_run(count, lost=0), nothing)
    assert [name for name in ("dot s5", "muted-dot", "heap h4") if f'class="{name}"' in page] == [kind]


def test_trials_without_a_result_are_named_while_they_are_few_and_counted_when_not(sample):
    assert "Without a result: trial " in render(sample.crowded_run(60, lost=2), nothing)
    assert "60 trials diverged." in render(sample.crowded_run(600, lost=60), nothing)


def test_tables_say_how_much_they_leave_out(many, crowded, read_page):
    tables = read_page(crowded).all("table")
    assert max(len(table.all("tbody")[0].all("tr")) for table in tables) == 200
    assert "400 more trials in trials.csv" in crowded


def test_the_json_has_the_best_trials_and_says_how_many_it_leaves_out(many):
    text = run_json(many)
    data = json.loads(text)
    scores = [trial["val_accuracy"] for trial in data["trials"]]
    assert (len(data["trials"]), data["trials_left_out"]) == (MOST_TRIALS, 600 - MOST_TRIALS)
    assert scores == sorted(scores, reverse=True)
    assert len(text) < 1_000_000
    assert text.isascii()


def test_ten_thousand_trials_make_a_page_of_less_than_three_megabytes(sample):
    assert len(render(sample.crowded_run(10_000), nothing).encode()) < 500_000


@given(st.integers(1, 300), st.integers(0, 299))
def test_of_many_rates_some_are_shown_the_ends_and_the_chosen_among_them(count, picked):
    sweep = [{"learning_rate": 10 ** (-index / 50)} for index in range(count)]
    chosen = sweep[picked % count]
    shown = _some(sweep, chosen["learning_rate"])
    assert len(shown) == min(count, MOST_RATES)
    assert {id(sweep[0]), id(sweep[-1]), id(chosen)} <= set(map(id, shown))
    assert [one["learning_rate"] for one in shown] == sorted((one["learning_rate"] for one in shown), reverse=True)
