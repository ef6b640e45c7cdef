"""How is an SVG element written so that no text in it can become markup?

Source: SVG 1.1, the elements g, path, line, circle, rect, text.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from tuner.report.words import clean

CHARACTER = 0.56  # mean width of a character in a system sans-serif, in em


def element(tag: str, attributes: Mapping[str, str | float], *children: Markup) -> Markup:
    """One element; every attribute value is escaped, numbers are rounded to a tenth of a unit."""
    written = "".join(f' {name}="{escape(_value(value))}"' for name, value in attributes.items() if value != "")
    inner = "".join(children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")


def text(x: float, y: float, words: str, style: str = "", anchor: str = "") -> Markup:
    """Text at its baseline; `anchor` is empty for the start, or middle or end."""
    attributes: dict[str, str | float] = {"x": x, "y": y, "class": f"{style} {anchor}".strip()}
    return element("text", attributes, escape(clean(words, 80)))


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    """A straight stroke."""
    return path([[(x1, y1), (x2, y2)]], style)


def path(runs: Iterable[Sequence[tuple[float, float]]], style: str) -> Markup:
    """Polylines as one path; a run of a single point is left out."""
    data = "".join(_steps(run) for run in runs if len(run) > 1)
    return element("path", {"class": style, "d": data}) if data else Markup("")


def circle(x: float, y: float, radius: float, style: str) -> Markup:
    """A dot."""
    return element("circle", {"cx": x, "cy": y, "r": radius, "class": style})


def rectangle(x: float, y: float, width: float, height: float, style: str) -> Markup:
    """A filled box."""
    return element("rect", {"x": x, "y": y, "width": max(width, 0.0), "height": max(height, 0.0), "class": style})


def tiles(corners: Iterable[tuple[float, float]], side: float, style: str) -> Markup:
    """Squares as one path, each given by its upper left corner."""
    edge = tenth(side)
    data = "".join(f"M{tenth(x)} {tenth(y)}h{edge}v{edge}h-{edge}z" for x, y in corners)
    return element("path", {"class": style, "d": data}) if data else Markup("")


def clipped(x: float, y: float, width: float, height: float, *children: Markup) -> Markup:
    """Children, in the same coordinates, cut at a box: a nested svg clips by itself and needs no id."""
    box = f"{tenth(x)} {tenth(y)} {tenth(width)} {tenth(height)}"
    return element("svg", {"x": x, "y": y, "width": width, "height": height, "viewBox": box}, *children)


def joined(parts: Iterable[Markup]) -> Markup:
    """Parts one after the other."""
    return Markup("").join(parts)


def tenth(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"


def text_width(words: str, size: float) -> float:
    """About how wide the words are at a font size of `size` units."""
    return len(words) * size * CHARACTER


def _steps(run: Sequence[tuple[float, float]]) -> str:
    """A polyline in tenths of a unit, each point relative to the one before: half the bytes of absolute ones."""
    points = [(round(x * 10), round(y * 10)) for x, y in run]
    written = [f"M{tenth(points[0][0] / 10)} {tenth(points[0][1] / 10)}l"]
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        down = tenth((to_y - y) / 10)
        written.append(f"{tenth((to_x - x) / 10)}{'' if down.startswith('-') else ' '}{down}")
    return written[0] + " ".join(written[1:]).replace(" -", "-")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else tenth(value)
