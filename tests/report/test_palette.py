"""Every color that carries meaning has enough contrast, in light and in dark; computed from the style sheet."""

import re
from importlib.resources import files

import pytest

TEXT, LINE = 4.5, 3.0  # WCAG 2.2 AA, 1.4.3 and 1.4.11


def palettes() -> dict[str, dict[str, str]]:
    css = files("tuner.report").joinpath("report.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    return {"light": light, "dark": dark}


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_everything_it_stands_on(scheme):
    colors = palettes()[scheme]
    tints = [name for name in colors if name.endswith("-tint")]
    pairs = [(text, ground) for text in ("text", "muted", "link") for ground in ("paper", "soft")]
    pairs += [(text, tint) for text in ("text", "muted") for tint in tints]
    pairs += [("text", shade) for shade in colors if re.match("(right|wrong)-", shade)]
    pairs += [(name, ground) for name in ("pass", "warn", "fail", "none") for ground in ("paper", f"{name}-tint")]
    pairs += [(name, "paper") for name in colors if name.startswith("series-")]
    pairs += [("text", "band"), ("muted", "band")]
    for text, ground in pairs:
        assert contrast(colors[text], colors[ground]) >= TEXT, (text, ground)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_shapes_stand_out_from_the_paper(scheme):
    colors = palettes()[scheme]
    for name in ("edge", "ghost", *(name for name in colors if name.startswith("series-"))):
        assert contrast(colors[name], colors["paper"]) >= LINE, name


def test_dark_redefines_every_color_of_light():
    light, dark = palettes().values()
    assert light.keys() == dark.keys()


def test_shades_get_stronger_step_by_step():
    for colors in palettes().values():
        for kind in ("right", "wrong"):
            steps = [contrast(colors[f"{kind}-{n}"], colors["paper"]) for n in range(1, 6)]
            assert steps == sorted(steps)


def test_every_series_has_a_color_and_a_dash_of_its_own():
    css = files("tuner.report").joinpath("report.css").read_text()
    dashes = re.findall(r"svg \.s([1-4]) \{ stroke: var\(--series-\1\); stroke-dasharray: ([\d ]+);", css)
    assert len(dashes) == 4
    assert len({dash for _, dash in dashes}) == 4
