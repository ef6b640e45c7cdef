"""The pictures of a network: level lines stand where the surface has its levels, and sentences say what figures say."""

import json
import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.charts.contours import MOST_LEVELS, Surface, draw_both, levels, rings
from tuner.report.page import render
from tuner.report.panels import PANELS
from tuner.report.panels.landscape import lost, meaning, rise
from tuner.report.panels.looks import meaning as meaning_of_filters
from tuner.report.panels.looks import where
from tuner.report.panels.smoothness import says
from tuner.report.view import View

SEEING = ("looks", "filters", "landscape")
values = st.floats(-1e3, 1e3) | st.just(math.inf) | st.just(math.nan)


def bowl(count: int = 21, steep: float = 1.0) -> Surface:
    along = tuple((n - count // 2) / (count // 2) for n in range(count))
    rows = tuple(tuple(steep * (x * x + y * y) for x in along) for y in along)
    return Surface(along, rows, "first", "second", "nats")


def landscape(steep: float = 1.0, chance: float = 2.0) -> dict:
    surface = bowl(steep=steep)
    return {"coordinates": surface.along, "rows": surface.rows, "chance": chance, "asked": {"part": "head"}}


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_level_lines_of_a_round_bowl_are_circles(level):
    found = rings(bowl(41), level)
    assert len(found) == 2  # the circle, and the edge of the picture around all that is higher
    circle = min(found, key=lambda ring: max(abs(x) for x, _ in ring))
    assert [math.hypot(x, y) for x, y in circle] == pytest.approx([level**0.5] * len(circle), abs=2e-3)


@given(st.lists(st.lists(values, min_size=5, max_size=5), min_size=5, max_size=5), st.floats(-10, 10))
def test_every_line_closes_and_lies_inside_whatever_the_surface(rows, level):
    surface = Surface((-1.0, -0.5, 0.0, 0.5, 1.0), tuple(map(tuple, rows)), "", "", "")
    for ring in rings(surface, level):
        assert all(-1 <= x <= 1 and -1 <= y <= 1 for x, y in ring)
    for drawing in draw_both(surface):
        ElementTree.fromstring(f"<svg>{drawing.body}</svg>")
        assert "nan" not in drawing.body


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40))
def test_levels_are_few_round_and_between(found):
    chosen = levels(found)
    assert len(chosen) <= MOST_LEVELS
    assert list(chosen) == sorted(set(chosen))
    assert all(min(found) < level < max(found) for level in chosen)
    assert levels([2.0] * 9) == ()


def test_the_rise_and_what_it_means_are_those_of_the_formula():
    surface = bowl(21, 0.4)
    assert rise(surface.along, surface.rows, 0.5) == pytest.approx(0.1)
    assert rise(surface.along, surface.rows, 0.25) == pytest.approx(0.4 * (0.04 + 0.09) / 2)  # between two points
    assert lost(landscape(0.4)) == pytest.approx(0.05)
    for steep, word in ((0.4, "a flat place"), (2.0, "neither flat nor sharp"), (6.0, "a sharp place")):
        assert word in meaning(landscape(steep))
    assert "5% of what training gained" in meaning(landscape(0.4))
    assert "chance" not in meaning(landscape(0.4, chance=0.0))  # nothing was gained
    half = landscape()
    assert "not whole" in meaning({**half, "rows": half["rows"][:3]})


def test_the_page_shows_each_part_and_its_figures_in_words(tree, artifacts):
    shown = {part.attributes["id"]: part for part in tree.all("section") if part.attributes.get("id") in SEEING}
    assert set(shown) == set(SEEING)
    alts = [image.attributes["alt"] for image in shown["looks"].all("img")]
    assert alts[0] == "true class 8, predicted 1 with 0.930; it looked most at the upper right"
    assert "Roughness 0.97 before, 0.41 after" in shown["filters"].text
    assert len(shown["filters"].all("img")) == 32
    descriptions = [one.text for one in shown["landscape"].all("desc")]
    assert any("Center, the trained weights: 0.02 nats." in text for text in descriptions)
    assert "Around the whole network, from above" in shown["landscape"].text
    assert "How far the gradient holds" in shown["landscape"].text


def test_a_picture_that_is_no_picture_or_too_large_is_left_out(run):
    items = [{"image": "data:text/html,<b>"}, {"image": "data:image/png;base64," + "A" * 400_000}, {"image": 3}]
    panels = [panel for panel in PANELS if panel.anchor in SEEING]
    view = View(run, {"looks.json": json.dumps(items).encode()}.get)
    assert [block for panel in panels for block in panel.build(view)] == []


ODD = (None, "", "nan", -1, 1e308, [], {}, [None, "x", {}], {"a": {}}, [[1, 2], []], [1e308, -1e308])


@pytest.mark.parametrize("name", ["looks.json", "filters.json", "landscape-head.json", "smoothness.json"])
def test_any_key_of_an_artifact_may_be_something_else(run, artifacts, name):
    found = json.loads(artifacts[name])
    panels = [panel for panel in PANELS if panel.anchor in SEEING]
    for key in found if isinstance(found, dict) else found[0]:
        for odd in ODD:
            changed = {**found, key: odd} if isinstance(found, dict) else [{**found[0], key: odd}, *found[1:]]
            view = View(run, {name: json.dumps(changed).encode()}.get)
            for panel in panels:
                for block in panel.build(view):
                    assert block.kind


def test_places_and_filters_in_words():
    assert where((0.1, 0.9)) == "at the upper right"
    assert where((0.5, 0.5)) == "at the middle"
    assert where((0.5, 0.1)) == "at the left edge"
    assert where((0.9, 0.5)) == "at the lower edge"
    assert where(()) == "somewhere"
    rough = {"before": {"noise": 1.0}, "after": {"noise": 0.9}, "moved": 0.02, "size": [5, 5]}
    assert "still like noise" in meaning_of_filters(rough)
    assert "smoother" in meaning_of_filters({**rough, "after": {"noise": 0.5}})
    assert "Of filters of 3 x 3 no" in meaning_of_filters({"moved": 0.1, "size": [3, 3], "after": {"noise": "nan"}})
    assert says({}) == "Nothing was measured along the gradient."


def test_the_pictures_of_a_network_stay_small(run, artifacts):
    bare = {name: data for name, data in artifacts.items() if not re.match("looks|filters|landscape|smooth", name)}
    assert len(render(run, artifacts.get)) - len(render(run, bare.get)) < 300_000
