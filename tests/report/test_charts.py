"""Laws of the charts: where values stand, which ticks are drawn, and that nothing is drawn outside."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.charts import strips
from tuner.report.charts.frame import BOTH, NARROW, SMALL, WIDE, Band, Mark, apart
from tuner.report.charts.lines import LineChart, Series, draw
from tuner.report.charts.scale import SMALLEST, Axis, Scale, linear_ticks, log_ticks, spread
from tuner.report.charts.thin import MOST, thin

finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-9, 1e6)


@given(st.integers(1, 10_000), st.integers(2, 10))
def test_epoch_ticks_are_whole_numbers_inside_the_axis_and_begin_with_the_first(epochs, most):
    ticks = linear_ticks(1, max(epochs, 2), most, whole=True)
    assert ticks[0] == 1
    assert all(tick == round(tick) and 1 <= tick <= max(epochs, 2) for tick in ticks)
    assert len(ticks) <= most + 2
    assert list(ticks) == sorted(set(ticks))


@given(finite, finite, st.integers(2, 10))
def test_ticks_are_few_and_inside(a, b, most):
    axis = spread([a, b], "")
    ticks = Scale(axis, 0, 100).ticks(most)
    assert len(ticks) <= most + 2
    assert all(
        axis.low - 1e-6 * abs(axis.low) - 1e-9 <= tick <= axis.high + 1e-6 * abs(axis.high) + 1e-9 for tick in ticks
    )


@given(positive, positive, st.integers(2, 10))
def test_log_ticks_are_few_round_and_inside(a, b, most):
    axis = spread([a, b], "", "log")
    ticks = log_ticks(axis.low, axis.high, most)
    assert len(ticks) <= most
    for tick in ticks:
        digit = tick / 10 ** math.floor(math.log10(tick) + 1e-9)
        assert any(math.isclose(digit, d, rel_tol=1e-6) for d in (1, 2, 3, 5))


@given(st.lists(finite | positive, min_size=1, max_size=20), st.sampled_from(["linear", "log"]))
def test_larger_values_stand_further_along(values, kind):
    axis = spread(values, "", kind)
    scale = Scale(axis, 10, 90)
    known = sorted(value for value in values if value > SMALLEST or kind == "linear")
    places = [scale(value) for value in known]
    assert places == sorted(places)
    assert all(9.9 <= place <= 90.1 for place in places)


@given(st.lists(st.floats(-50, 150), max_size=8))
def test_labels_are_moved_apart_keep_their_order_and_stay_inside(wanted):
    placed = apart(wanted, 10, 0, 100)
    for a in range(len(wanted)):
        for b in range(len(wanted)):
            if wanted[a] < wanted[b]:
                assert placed[a] <= placed[b] - 10 + 1e-6
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in placed)


def test_labels_that_are_far_apart_stay_where_they_are():
    assert apart([10, 50, 90], 12, 0, 100) == [10, 50, 90]


def parsed(drawing):
    body = f'<svg xmlns="http://www.w3.org/2000/svg">{drawing.body}</svg>'
    return ElementTree.fromstring(body)


ragged = st.lists(st.one_of(finite, st.sampled_from([math.nan, math.inf, -math.inf])), max_size=12)


@given(
    st.lists(ragged, min_size=1, max_size=7), st.sampled_from([WIDE, NARROW, SMALL]), st.sampled_from(["linear", "log"])
)
def test_any_curves_give_sound_svg_with_finite_numbers(curves, size, kind):
    series = tuple(
        Series(f"s<{i}>", tuple(map(float, range(1, len(ys) + 1))), tuple(ys), i % 6, diverged=True)
        for i, ys in enumerate(curves)
    )
    axis = spread([y for ys in curves for y in ys], "y & more", kind)
    chart = LineChart(
        series[:5],
        Axis("epoch", 1, 12, "integer"),
        axis,
        series[5:],
        (Mark(3, "here"), Mark(2, "level", "y")),
        (Band(1, 2),),
    )
    drawing = draw(chart, size)
    tree = parsed(drawing)
    for element in tree.iter():
        for value in element.attrib.values():
            assert "nan" not in value
            assert "inf" not in value


def test_a_missing_value_interrupts_a_line_and_is_not_bridged():
    series = Series("a", (1, 2, 3, 4, 5), (1, 2, math.nan, 3, 4))
    body = str(draw(LineChart((series,), Axis("", 1, 5), Axis("", 0, 5)), WIDE).body)
    (line,) = re.findall(r'class="line s0" d="([^"]+)"', body)
    assert line.count("M") == 2


def test_relative_paths_end_where_the_last_value_stands():
    xs = tuple(map(float, range(1, 200)))
    ys = tuple(math.sin(x) for x in xs)
    drawing = draw(LineChart((Series("", xs, ys),), Axis("", 1, 199), Axis("", -1, 1)), WIDE)
    (line,) = re.findall(r'class="line s0" d="([^"]+)"', str(drawing.body))
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", line)]
    assert sum(numbers[0::2]) == pytest.approx(WIDE.width - 14, abs=0.1)


@pytest.mark.parametrize("size", BOTH)
def test_strips_survive_everything(size):
    rows = (strips.Row("x" * 90, (strips.Dot(math.nan), strips.Dot(1.0)), "note", linked=True), strips.Row("", ()))
    parsed(strips.draw(strips.Strips(rows, spread([1.0], ""), (Mark(1, "m"),), (Band(0.9, 1.1, "x"),)), size))


@given(st.lists(finite, min_size=1, max_size=400), st.integers(3, 60))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values, most):
    kept = thin(values, most)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    drawn = [values[index] for index in kept]
    assert (min(drawn), max(drawn)) == (min(values), max(values))
    assert len(kept) <= max(len(values) if len(values) <= most else 0, most + 2)


def test_a_thinned_curve_keeps_its_gaps():
    values = [1.0] * 5 * MOST
    values[777] = math.nan
    assert 777 in thin(values)
    assert len(thin(values)) < MOST
