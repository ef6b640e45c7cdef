"""Whatever stands in a file, it gives a Recipe or a RecipeError, and soon."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.recipe import Recipe, RecipeError, load

ROOT = Path(__file__).parents[2]
DIGITS = (ROOT / "recipes" / "digits.yaml").read_text(encoding="utf-8")


def bomb(kind: str) -> str:
    levels = "\n".join(f"l{i}: &l{i} {kind.format(f'*l{i - 1}')}" for i in range(1, 30))
    return f"l0: &l0 [x, x]\n{levels}\n"


HOSTILE = {
    "bomb of lists": bomb("[{0}, {0}, {0}]"),
    "bomb of maps": bomb("{{a: {0}, b: {0}, c: {0}}}"),
    "bomb of merge keys": "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\n",
    "recursion": "a: &a [*a]\n",
    "recursion in a map": "&a a: {b: *a}\n",
    "recursion at the root": "&r\nversion: *r\n",
    "nested lists": "[" * 100_000,
    "nested maps": "{a: " * 50_000,
    "nested blocks": "\n".join(" " * i + "a:" for i in range(1000)),
    "dashes": "- " * 100_000,
    "questions": "? " * 100_000,
    "many values": "a: [" + "1, " * 200_000 + "1]",
    "many unknown keys": "\n".join(f"k{i}: 1" for i in range(15_000)),
    "many keys": "\n".join(f"k{i}: 1" for i in range(50_000)),
    "one large text": "name: " + "x" * 900_000,
    "one large quoted text": 'name: "' + "x " * 450_000 + '"',
    "one large comment": "#" * 900_000,
    "one large key": "x" * 900_000 + ": 1",
    "too large": "#" * 1_000_001,
    "huge number": "seed: " + "9" * 500_000,
    "huge hexadecimal": "seed: 0x" + "f" * 500_000,
    "huge exponent": "seed: 1e" + "9" * 500_000,
    "directives": "%YAML 9.9\n---\na: 1\n",
    "tag directives": "%TAG ! tag:x,2000:\n%TAG ! tag:x,2000:\n---\n!a b\n",
    "escape beyond unicode": 'name: "\\UFFFFFFFF"\n',
    "nul": "name: a\x00b\n",
    "surrogate": 'name: "\\ud800"\n',
    "bell and color": 'name: "\\a\\e[31m"\n',
    "set": "!!set {a, b}\n",
    "binary": "seed: !!binary R0lGODlh\n",
    "object": "!!python/object/apply:os.system ['echo hello']\n",
    "path with nul": 'version: 1\nname: a\ndata: {source: directory, path: "a\\0b"}\nmodel: {backbone: LeNet5}\n',
    "parent with nul": 'extends: "a\\0b"\n',
    "parent with a surrogate": 'extends: "\\ud800"\n',
    "parent with a long name": "extends: " + "x" * 10_000 + "\n",
    "parent is a loop of links": "extends: loop.yaml\n",
    "home of nobody": "version: 1\nname: a\ndata: {source: directory, path: ~nobody_at_all/x}\nmodel: {}\n",
    "key with a surrogate": '"\\ud800": 1\n',
    "parent is a device": "extends: /dev/zero\n",
    "parent is a folder": "extends: /\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_soon(tmp_path: Path, name: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(HOSTILE[name], encoding="utf-8", errors="surrogatepass")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    began = time.process_time()
    try:
        load(path)
    except RecipeError as error:
        message = str(error)
    else:
        assert name == "path with nul"  # a path is looked at when data are opened
        return
    assert time.process_time() - began < 4  # seconds of CPU
    assert len(message) < 20_000
    assert "\x1b" not in message
    assert "\a" not in message


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"name: \xe9t\xe9", b"\x80", b"a: 1\nb: \xc3(\n"])
def test_bytes_that_are_no_utf_8_are_told_with_their_place(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(raw)
    with pytest.raises(RecipeError, match="is not UTF-8") as caught:
        load(path)
    assert caught.value.problems[0].line > 0


def test_a_setting_is_as_guarded_as_a_file(tmp_path: Path, smallest: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(smallest)
    for value in ("[" * 1000, "&a [*a]", "9" * 5000, "!!python/name:os.system x", "\x00", "a: b: c", "'", "\t"):
        with pytest.raises(RecipeError):
            load(path, [f"seed={value}"])
    for setting in (
        "=",
        ".",
        "..",
        "data..path=1",
        "0=1",
        "data.0=1",
        "search.space=1",
        "search.space.=1",
        "a" * 10_000,
    ):
        with pytest.raises(RecipeError):
            load(path, [setting])


LINES = DIGITS.splitlines()
PIECES = st.sampled_from(
    [
        *"{}[]:,-#&*!|>'\"%@`\t\n ",
        "none",
        "auto",
        "1e-3",
        "-1",
        "*a",
        "&a",
        "<<",
        "? ",
        "- ",
        "true",
        "[]",
        "{}",
        "null",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | PIECES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The digits recipe with a few lines changed, moved, doubled or broken."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at : at + draw(st.integers(1, 3))]
            case 1:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 2:
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(PIECES) + lines[at][cut:]
            case 3:
                lines[at] = lines[at].partition(":")[0] + f": {draw(VALUES)}"
            case _:
                lines[at] = draw(st.text(max_size=20))
        lines = lines or [""]
    return "\n".join(lines)


def outcome(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")
    found: Recipe | RecipeError
    try:
        found = load(path)
    except RecipeError as error:
        found = error
    if isinstance(found, RecipeError):
        assert str(found)
        assert all(problem.to_json() for problem in found.problems)
    else:
        assert Recipe.from_json(found.to_json()) == found
        assert found.start()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(text=mutated())
def test_a_mutated_recipe_gives_a_recipe_or_a_recipe_error(tmp_path: Path, text: str) -> None:
    outcome(tmp_path / "recipe.yaml", text)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(text=st.text(max_size=60) | st.lists(PIECES, max_size=12).map("".join))
def test_any_text_gives_a_recipe_or_a_recipe_error(tmp_path: Path, text: str) -> None:
    outcome(tmp_path / "recipe.yaml", text)
