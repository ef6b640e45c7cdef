"""The table of the lectures is true: every row names keys, commands and tests that exist, and a figure."""

import ast
import re
from pathlib import Path

import pytest

from tuner.cli.main import COMMANDS
from tuner.recipe import names
from tuner.recipe.paths import all_paths

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lectures.md"
WORDS = {*names.OPTIMIZERS, *names.SCHEDULES, *names.AUGMENTATIONS, *names.BACKBONES}
ROWS = [
    tuple(cell.strip() for cell in line.strip("| ").split(" | "))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| what")
]


def test_there_is_a_row_for_everything_that_the_lectures_name() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_is_whole(row: tuple[str, ...]) -> None:
    assert len(row) == 5, "what, deck, key or command, test, figure"
    assert all(row)
    assert re.search(r"\d", row[4]), "a figure is a number"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_keys_and_commands_exist(row: tuple[str, ...]) -> None:
    said = re.findall(r"`([^`]+)`", row[2])
    assert said
    for text in said:
        command = re.match(r"tuner ([a-z-]+)|python -m ([\w.]+)|python (\S+\.py)", text)
        if command and command[1]:
            assert command[1] in COMMANDS, text
        elif command:
            place = command[3] or command[2].replace(".", "/") + ".py"
            assert (ROOT / place).is_file(), text
        else:
            key = re.sub(r"^transfer\.(?=\w)", "transfer.0.", text.split(":")[0].split(" ")[0])
            assert key in all_paths() or text.split(":")[0] in WORDS, text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_tests_exist(row: tuple[str, ...]) -> None:
    said = re.findall(r"`([^`]+)`", row[3])
    assert said
    for text in said:
        file, _, name = text.partition("::")
        path = ROOT / "tests" / file
        assert path.is_file(), text
        functions = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert name in functions, text
