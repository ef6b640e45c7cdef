"""The table of commands, the options that all share, and the ways out."""

import importlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from tuner.cli import main as module
from tuner.cli.errors import USER_ERRORS
from tuner.cli.main import COMMANDS, LazyGroup, cli, main
from tuner.cli.options import Settings, common_options, emit_json, fail, make_progress, wants_color
from tuner.cli.progress import Bar, JsonLines, Lines
from tuner.interrupts import Interrupted
from tuner.progress import Silent

MAIN = "import sys; from tuner.cli.main import main"
Tuner = Callable[..., Any]
HEAVY = ("numpy", "keras", "tensorflow", "pydantic", "rich", "ruamel", "jinja2", "sklearn", "keras_tuner")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_help_imports_nothing_heavy() -> None:
    done = python(f"{MAIN}; main(['--help']); print([name for name in {HEAVY!r} if name in sys.modules])")
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


def test_help_loads_one_module() -> None:
    done = python(f"{MAIN}; main(['--help']); print(sorted(name for name in sys.modules if name.startswith('tuner')))")
    assert done.stdout.splitlines()[-1] == "['tuner', 'tuner.cli', 'tuner.cli.main']", done.stderr


def test_check_does_not_wait_for_keras() -> None:
    recipe = Path(__file__).parents[2] / "recipes" / "digits.yaml"
    done = python(f"{MAIN}; main(['check', {str(recipe)!r}]); print('keras' in sys.modules)")
    assert done.stdout.splitlines()[-1] == "False"


def test_python_m_tuner_is_tuner() -> None:
    done = subprocess.run([sys.executable, "-m", "tuner", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("tuner ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_and_has_the_common_options(name: str) -> None:
    command = LazyGroup().get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--quiet", "--verbose", "--json", "--progress", "--color"} <= options
    assert command.help


@pytest.mark.parametrize(("typed", "meant"), [("diagnse", "diagnose"), ("lrfind", "lr-find"), ("shw", "show")])
def test_a_mistyped_command_is_recognized(tuner: Tuner, typed: str, meant: str) -> None:
    done = tuner(typed)
    assert done.code == 2
    assert f"Did you mean '{meant}'?" in done.err


def test_a_mistyped_option_is_recognized(tuner: Tuner) -> None:
    done = tuner("check", "recipe.yaml", "--dta")
    assert done.code == 2
    assert "--data" in done.err


def test_without_a_command_there_is_help_and_code_2(tuner: Tuner) -> None:
    done = tuner()
    assert done.code == 2
    assert "Usage: tuner" in done.out + done.err


class TestErrors:
    """What goes wrong on the way, told without a traceback or raised as the bug that it is."""

    def command(self, monkeypatch: pytest.MonkeyPatch, callback: Callable[[], Any], *options: str) -> int:
        @click.command()
        @common_options
        def runs(settings: Settings) -> Any:
            """Does what the test wants."""
            return callback()

        monkeypatch.setattr(module.LazyGroup, "get_command", lambda self, ctx, name: runs)
        return main(["runs", *options])

    def test_an_error_for_the_user_has_one_line_and_its_code(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from tuner.data import DataError

        def unreadable() -> None:
            raise DataError("there is no folder images.")

        assert self.command(monkeypatch, unreadable) == 2
        assert capsys.readouterr() == ("", "tuner: there is no folder images.\n")

    def test_with_json_the_error_is_json_too(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from tuner.models.errors import WeightsError

        def missing() -> None:
            raise WeightsError("no file w.h5.")

        assert self.command(monkeypatch, missing, "--json") == 1
        told = json.loads(capsys.readouterr().out)
        assert told == {"schema": "tuner.error/1", "exit_code": 1, "message": "no file w.h5.", "problems": []}

    def test_a_bug_is_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ZeroDivisionError):
            self.command(monkeypatch, lambda: 1 / 0)

    def test_ctrl_c_is_130(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        def interrupted() -> None:
            raise KeyboardInterrupt

        assert self.command(monkeypatch, interrupted) == 130
        assert capsys.readouterr().err.strip() == "Stopped."

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_that_was_asked_for_has_its_code(
        self, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
    ) -> None:
        def stopped() -> None:
            raise Interrupted(number)

        assert self.command(monkeypatch, stopped) == 128 + number

    @pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130])
    def test_the_code_of_a_command_is_that_of_the_program(self, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        assert self.command(monkeypatch, lambda: code) == code
        assert self.command(monkeypatch, lambda: sys.exit(code)) == code

    def test_fail_says_why(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.command(monkeypatch, lambda: fail("no run 7.", 2)) == 2
        assert capsys.readouterr() == ("", "tuner: no run 7.\n")

    def test_errors_are_known_by_names_that_exist(self) -> None:
        for name in USER_ERRORS:
            where, _, what = name.rpartition(".")
            assert issubclass(getattr(importlib.import_module(where), what), Exception)


class TestColor:
    """Escape codes only where somebody sees them and nobody minds."""

    @pytest.mark.parametrize(
        ("choice", "environment", "expected"),
        [
            ("auto", {}, None),
            ("auto", {"NO_COLOR": "1"}, False),
            ("auto", {"NO_COLOR": ""}, None),
            ("auto", {"TERM": "dumb"}, False),
            ("auto", {"FORCE_COLOR": "1"}, True),
            ("auto", {"FORCE_COLOR": "0"}, None),
            ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
            ("never", {"FORCE_COLOR": "1"}, False),
            ("always", {"NO_COLOR": "1"}, True),
        ],
    )
    def test_who_decides(
        self, monkeypatch: pytest.MonkeyPatch, choice: str, environment: dict[str, str], expected: bool | None
    ) -> None:
        for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert wants_color(choice) is expected

    def test_a_pipe_gets_none(self, tuner: Tuner) -> None:
        assert "\x1b" not in tuner("check", "wrong.yaml").err

    def test_always_colors_a_pipe_and_changes_no_word(self, tuner: Tuner) -> None:
        colored, plain = tuner("check", "wrong.yaml", "--color", "always").err, tuner("check", "wrong.yaml").err
        assert "\x1b[" in colored
        assert click.unstyle(colored) == plain

    @pytest.mark.parametrize(
        ("environment", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
    )
    def test_a_terminal_gets_color_unless_it_minds(
        self, tuner: Tuner, tmp_path: Path, environment: dict[str, str], colored: bool
    ) -> None:
        inside, outside = pty.openpty()
        command = [sys.executable, "-m", "tuner", "check", "wrong.yaml"]
        known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
        subprocess.run(
            command,
            cwd=tmp_path,
            stderr=outside,
            stdout=outside,
            env=known | {"TERM": "xterm"} | environment,
            timeout=60,
        )
        os.close(outside)
        assert (b"\x1b[" in os.read(inside, 100_000)) is colored
        os.close(inside)


class TestProgress:
    """What long work looks like."""

    def test_off_a_terminal_it_is_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert isinstance(make_progress(Settings()), Lines)
        assert isinstance(make_progress(Settings(progress="json")), JsonLines)
        assert isinstance(make_progress(Settings(quiet=True, progress="bar")), Silent)
        assert isinstance(make_progress(Settings(progress="none")), Silent)
        assert isinstance(make_progress(Settings(progress="bar")), Bar)

    def test_lines_come_when_work_ends_and_every_ten_seconds(self, capsys: pytest.CaptureFixture[str]) -> None:
        now = 0.0
        lines = Lines(sys.stderr, clock=lambda: now)
        lines.say("Step 4")
        lines.start("short_runs", 4, "trials")
        for second in (1.0, 5.0, 12.0, 13.0):
            now = second
            lines.advance(note=f"loss {second}")
        lines.end()
        assert capsys.readouterr().err.splitlines() == [
            "Step 4",
            "short_runs  3/4 trials  loss 12.0  12.0 s",
            "short_runs  4/4 trials  loss 13.0  13.0 s",
        ]

    def test_json_lines_are_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        lines = JsonLines()
        lines.say("Step 4")
        lines.start("decoding", None, "images")
        lines.advance(32, "loss 1")
        lines.end()
        events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [event["event"] for event in events] == ["say", "start", "advance", "end"]
        assert events[2] == {"event": "advance", "what": "decoding", "done": 32, "total": None, "note": "loss 1"}

    def test_a_bar_in_a_pipe_has_no_escape_codes(self, capsys: pytest.CaptureFixture[str]) -> None:
        bar = Bar(color=None)
        bar.say("[bold] is no markup")
        bar.start("step", 2)
        bar.start("inside", None, "images")
        bar.advance(note="loss 1")
        bar.end()
        bar.advance()
        bar.end()
        bar.close()
        err = capsys.readouterr().err
        assert err.startswith("[bold] is no markup\n")
        assert "\x1b" not in err

    def test_bars_vanish_when_a_command_ends_by_an_error(self) -> None:
        made: list[Bar] = []

        @click.command()
        def broken() -> None:
            bar = make_progress(Settings(progress="bar"))
            assert isinstance(bar, Bar)
            made.append(bar)
            bar.start("step", 2)
            raise ValueError("bug")

        with pytest.raises(ValueError, match="bug"):
            broken.main([], standalone_mode=False)
        assert made[0].bars is None


def test_json_is_strict_and_opens_with_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json("tuner.test/1", {"loss": float("nan"), "path": Path("a"), "name": "é"})
    out = capsys.readouterr().out
    assert out == '{"schema": "tuner.test/1", "loss": "nan", "path": "a", "name": "é"}\n'


def test_help_is_quick() -> None:
    began = time.process_time()
    children = os.times().children_user
    subprocess.run([sys.executable, "-m", "tuner", "--help"], capture_output=True, timeout=60, check=True)
    assert os.times().children_user - children < 0.4  # seconds of CPU
    assert time.process_time() - began < 0.4
