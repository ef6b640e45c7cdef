"""A command line in a folder of its own, and what it printed."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tuner.cli.main import main

RECIPE = """\
version: 1
name: flowers
data: {source: directory, path: flowers}
model: {backbone: MobileNetV3Small}
"""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Tuner = Callable[..., Done]


@pytest.fixture
def tuner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tuner:
    """Runs `tuner` with arguments, in an empty folder that holds a right recipe and a wrong one."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TUNER_COLOR", "TUNER_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "wrong.yaml").write_text(RECIPE + "sed: 3\n")

    def run(*arguments: str) -> Done:
        code = main(arguments)
        return Done(code, *capsys.readouterr())

    return run
