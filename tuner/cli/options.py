"""Which options does every command have, and how does a command speak? stdout for results, stderr for all else.

`common_options` gathers -q, -v, --json, --progress and --color into one `Settings`, a command's first argument. Exit
codes: 0 done, 1 failed while running, 2 wrong use or wrong recipe (nothing was run), 3 target missed, 4 a check failed,
130 and 143 interrupted.

Source: https://clig.dev; https://no-color.org.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from tuner.progress import Progress, Silent

DONE, FAILED, WRONG_USE, TARGET_MISSED, CHECK_FAILED = 0, 1, 2, 3, 4

SETTINGS = "tuner.settings"  # key under which click's context remembers them

COLORS = ("auto", "always", "never")
PROGRESS = ("auto", "bar", "lines", "json", "none")


@dataclass(frozen=True)
class Settings:
    """What the common options ask for."""

    quiet: bool = False  # errors only
    verbose: int = 0  # 0, 1, 2; from 2 on the libraries may speak, too
    json: bool = False  # one JSON object on stdout
    progress: str = "auto"  # one of PROGRESS
    color: str = "auto"  # one of COLORS


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that all commands share; the command gets them as one `Settings`, its first argument."""

    @functools.wraps(command)
    def with_settings(
        *arguments: Any, quiet: bool, verbose: int, as_json: bool, progress: str, color: str, **options: Any
    ) -> Any:
        settings = Settings(quiet, verbose, as_json, progress, color)
        context = click.get_current_context()
        context.meta[SETTINGS] = settings  # meta is shared with the contexts above, color is not
        context.color = context.find_root().color = wants_color(color)
        return command(settings, *arguments, **options)

    for option in reversed(_OPTIONS):
        with_settings = option(with_settings)
    return with_settings


_OPTIONS = (
    click.option("-q", "--quiet", is_flag=True, help="Errors only."),
    click.option("-v", "--verbose", count=True, help="Say more; -vv shows what the libraries say."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    click.option("--progress", type=click.Choice(PROGRESS), default="auto", envvar="TUNER_PROGRESS", show_default=True),
    click.option("--color", type=click.Choice(COLORS), default="auto", envvar="TUNER_COLOR", show_default=True),
)


def wants_color(choice: str) -> bool | None:
    """Whether to color: the option, then NO_COLOR and TERM=dumb, then FORCE_COLOR; None leaves it to the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR", "0") not in ("", "0") else None


def is_terminal(stream: Any) -> bool:
    """Whether somebody is looking at `stream`."""
    return bool(getattr(stream, "isatty", bool)())


def emit_json(schema: str, payload: Mapping[str, Any]) -> None:
    """Print one strict JSON object on stdout, `schema` (`tuner.run/1`) first. NaN becomes "nan", a path its text."""
    from tuner.records import to_json

    data = {"schema": schema, **to_json(payload)}
    click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, default=os.fspath))


def make_progress(settings: Settings) -> Progress:
    """How work tells how far it is, on stderr: a bar for somebody who looks, lines for a log, JSON for a program."""
    kind = settings.progress
    if settings.quiet or kind == "none":
        return Silent()
    from tuner.cli import progress

    if kind == "auto":
        moving = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        kind = "bar" if moving else "lines"
    if kind == "bar":
        bar = progress.Bar(wants_color(settings.color))
        if context := click.get_current_context(silent=True):
            context.call_on_close(bar.close)
        return bar
    return progress.JsonLines() if kind == "json" else progress.Lines()


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong on stderr, and end with `code`."""
    click.echo(f"tuner: {message}", err=True)
    raise SystemExit(code)
