"""Every path of a change that a verdict may ask for is applied to a program, or is known to be left to a person."""

import ast
from pathlib import Path

import pytest

from tuner.diagnosis.remedies import APPLIERS, NAMED, PEOPLE, UNTRIED

TUNER = Path(__file__).parents[2] / "tuner"
ROOMS = ("symptoms", "probes")


def words(node: ast.expr) -> str | None:
    """A constant, or an f-string with a layer's name where something is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "some_layer" for part in node.values)
    return None


def asked(source: str) -> list[tuple[str | None, str | None]]:
    """(path, value) of every `Change(...)` in a file; None where it is no constant."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    changes = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Change"]
    return [(words(call.args[0]), words(call.args[1])) for call in changes]


FILES = [file for room in ROOMS for file in sorted((TUNER / room).rglob("*.py")) if "Change(" in file.read_text()]


def is_known(path: str, value: str | None) -> bool:
    removed = value == "remove" and path.startswith("layers.")
    return path in APPLIERS or path in UNTRIED or value in PEOPLE or removed or NAMED.fullmatch(path) is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_path_is_applied_or_left_to_a_person(file: Path) -> None:
    for path, value in asked(file.read_text()):
        assert path is not None, f"{file.name}: a path that cannot be read off the source"
        assert is_known(path, value), f"{file.name} asks for {path} = {value}, unknown to diagnosis/remedies.py"


def test_an_unknown_path_would_be_seen() -> None:
    changes = asked('Change("optimizer.name", "adam", "x"), Change(f"layers.{name}.colour", 1, "x")')
    assert changes == [("optimizer.name", "adam"), ("layers.some_layer.colour", None)]
    assert [is_known(*change) for change in changes] == [True, False]
    assert {file.parent.name for file in FILES} == set(ROOMS)


def test_nothing_is_both_applied_and_left() -> None:
    assert not set(APPLIERS) & set(UNTRIED)
