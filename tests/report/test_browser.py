"""What only a browser can tell: accessibility, reflow, overlapping labels, and that no script is needed.

Needs Chromium (`/usr/bin/chromium`, or the path in TUNER_CHROMIUM); the accessibility checks need axe-core too:
`npm install axe-core@4.14.1`, in the repository or in the folder that TUNER_AXE names.
"""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tuner.report import diagnosis
from tuner.report.page import render

CHROMIUM = os.environ.get("TUNER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(os.environ.get("TUNER_AXE", Path(__file__).parents[2])) / "node_modules/axe-core/axe.min.js"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SMALLEST = 500  # pixels: a narrower window Chromium does not open, but a frame may be narrower
PHONE, DESK = "360,900", "1280,900"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium, or set TUNER_CHROMIUM"
)
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm install axe-core@4.14.1, or set TUNER_AXE")


@pytest.fixture
def browse(tmp_path):
    """Open a page in a fresh browser with these flags; what it prints."""

    def open_page(page: str, *flags: str) -> str:
        file, profile = tmp_path / "page.html", tmp_path / "profile"
        file.write_text(page, "utf-8")
        shutil.rmtree(profile, ignore_errors=True)
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, file.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return open_page


@pytest.fixture
def ask(browse):
    """The value of a JavaScript expression (or of its promise) on a page at a window size."""

    def evaluate(page: str, expression: str, size: str = DESK, before: str = ""):
        script = (
            f"<script>{before}</script><script>Promise.resolve({expression}).then(value => {{"
            "const out = document.createElement('pre'); out.id = 'answer';"
            "out.textContent = JSON.stringify(value); parent.document.body.append(out); })</script>"
        )
        open_to_scripts = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        copy = open_to_scripts.replace("</body>", script + "</body>")
        if int(size.split(",")[0]) < SMALLEST:
            style = f"border:0;width:{size.split(',')[0]}px;height:900px"
            copy = f'<!DOCTYPE html><body><iframe style="{style}" srcdoc="{html.escape(copy)}"></iframe></body>'
        dumped = browse(copy, f"--window-size={size}", "--virtual-time-budget=20000", "--dump-dom")
        (answer,) = re.findall(r'<pre id="answer">(.*?)</pre>', dumped, flags=re.DOTALL)
        return json.loads(html.unescape(answer))

    return evaluate


def darkened(page: str) -> str:
    return page.replace("screen and (prefers-color-scheme: dark)", "screen")


def opened(page: str) -> str:
    return page.replace("<details", "<details open").replace(" open open", " open")


VIOLATIONS = (
    "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3)]))"
)


@needs_axe
@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page, ask, size, scheme):
    drawn = opened(page if scheme == "light" else darkened(page))
    assert ask(drawn, VIOLATIONS, size, AXE.read_text("utf-8")) == []


@pytest.mark.parametrize("size", [PHONE, "320,900", DESK])
def test_nothing_makes_the_page_wider_than_the_window(page, ask, size):
    widths = ask(opened(page), "[innerWidth, document.documentElement.scrollWidth]", size)
    assert widths == [int(size.split(",")[0])] * 2


LABELS = """[...document.querySelectorAll('svg[role=img]')].filter(s => s.clientWidth).flatMap(s => {
  const box = s.getBoundingClientRect(), faults = [], name = s.querySelector('title').textContent;
  const texts = [...s.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect(), t]);
  const scale = box.width / s.viewBox.baseVal.width;
  texts.forEach(([words, a, t], i) => {
    const size = parseFloat(getComputedStyle(t).fontSize) * scale;
    if (size < 11) faults.push([name, 'small', words, size]);
    if (a.left < box.left - 2 || a.right > box.right + 2 || a.top < box.top - 2 || a.bottom > box.bottom + 3)
      faults.push([name, 'outside', words]);
    texts.slice(i + 1).forEach(([other, b]) => {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 1 && y > 4) faults.push([name, 'overlap', words, other]);
    });
  });
  return faults; })"""


@pytest.mark.parametrize("size", [PHONE, "740,900", "780,900", DESK])
def test_labels_are_legible_inside_their_chart_and_apart(page, ask, size):
    assert ask(opened(page), LABELS, size) == []


@pytest.mark.parametrize("count", [256, 1000])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_a_round_of_many_trials_is_as_legible_and_fits_the_window(sample, ask, size, count):
    crowded = opened(render(sample.crowded_run(count), lambda name: None))
    assert ask(crowded, LABELS, size) == []
    assert ask(crowded, "document.documentElement.scrollWidth", size) == int(size.split(",")[0])


@pytest.mark.parametrize("kind", ["whole", "crowded"])
@pytest.mark.parametrize("size", [PHONE, "400,900", "780,900", DESK])
def test_the_page_of_a_diagnosis_is_as_legible_and_fits_the_window(diagnosed, ask, size, kind):
    drawn = opened(diagnosis.render(getattr(diagnosed, kind)()))
    assert ask(drawn, LABELS, size) == []
    assert ask(drawn, "document.documentElement.scrollWidth", size) == int(size.split(",")[0])


@needs_axe
@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_a_diagnosis(diagnosed, ask, size, scheme):
    drawn = opened(diagnosis.render(diagnosed.whole()))
    assert ask(drawn if scheme == "light" else darkened(drawn), VIOLATIONS, size, AXE.read_text("utf-8")) == []


def test_one_drawing_of_each_chart_is_shown(page, ask):
    seen = "[...document.querySelectorAll('figure > svg.' + kind)].filter(s => s.clientWidth).length"
    count = f"['wide', 'narrow'].map(kind => {seen})"
    wide, none = ask(opened(page), count, DESK)
    assert wide > 5
    assert none == 0
    assert ask(opened(page), count, PHONE) == [0, wide]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_looks_the_same_without_scripts(page, browse, tmp_path, scheme):
    drawn = page if scheme == "light" else darkened(page)
    pictures = []
    for copy in (drawn, re.sub(r"<script>.*?</script>", "", drawn, flags=re.DOTALL)):
        picture = tmp_path / f"{len(pictures)}.png"
        browse(copy, "--window-size=1280,12000", f"--screenshot={picture}")
        pictures.append(picture.read_bytes())
    assert pictures[0] == pictures[1]


def test_the_policy_lets_the_own_script_run(page, browse):
    assert '<button class="sort"' in browse(page, "--dump-dom")
    assert '<button class="sort"' not in browse(page.replace('"use strict";', '"use strict"; '), "--dump-dom")


def test_heads_sort_the_trials(page, ask):
    numbers = "[...document.querySelectorAll('table.sortable tbody th')].map(t => +t.textContent)"
    click = f"(() => {{ document.querySelector('.sort').click(); return {numbers} }})()"
    assert ask(page, click) == list(range(1, 31))


def test_arrow_keys_read_a_chart_epoch_by_epoch(page, ask):
    press = """(() => { const s = document.querySelector('figure > svg.wide[data-stops]');
      s.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}));
      return s.closest('figure').querySelector('.readout').textContent })()"""
    assert ask(page, press).startswith("Epoch 1 · rate 0.001 0.")


def test_print_shows_what_is_folded_and_is_never_dark(page, browse, tmp_path):
    file = tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={file}", "--no-pdf-header-footer")
    assert file.read_bytes().startswith(b"%PDF")
    assert file.stat().st_size > 50_000
