"""Which commands are there, and what happens around each of them? A table, loaded lazily, and one way out.

A command's module is imported only when it is called: `tuner --help` shows the table and waits for nothing.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from tuner.cli.options import FAILED, SETTINGS, WRONG_USE, Settings, emit_json, wants_color
from tuner.interrupts import Interrupted


@dataclass(frozen=True)
class Entry:
    """One line of the table: the command stands in module `tuner.cli.<name>` under that name, with - as _."""

    help: str
    group: str


TUNE, RECIPES, RESULTS = "Tune", "Recipes", "Results"

COMMANDS = {
    "run": Entry("Follow the seven steps of a recipe.", TUNE),
    "backbones": Entry("Rank several backbones by their features.", TUNE),
    "lr-find": Entry("Find a learning rate: step 3 alone.", TUNE),
    "diagnose": Entry("Say what is wrong with a training run, anybody's.", TUNE),
    "new": Entry("Write a recipe to begin with.", RECIPES),
    "check": Entry("Say everything that is wrong with a recipe.", RECIPES),
    "show": Entry("Print a recipe with every default filled in.", RECIPES),
    "schema": Entry("Print the JSON Schema of recipes, for editors.", RECIPES),
    "runs": Entry("List runs, best first.", RESULTS),
    "report": Entry("Write a run's report again, and open it.", RESULTS),
    "cache": Entry("List what is kept between runs, and clear it.", RESULTS),
    "doctor": Entry("Say what is installed and whether it works.", RESULTS),
}


class LazyGroup(click.Group):
    """A group whose commands are the table's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The table's names, in its order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module, and nothing else."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"tuner.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but with suggestions out of the table (click looks at commands that are loaded)."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=list(COMMANDS), ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an error that is meant for the user is told without a traceback."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            ctx.exit(told(error, ctx))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, group by group; no command is loaded for it."""
        for group in (TUNE, RECIPES, RESULTS):
            with formatter.section(group):
                formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items() if entry.group == group])


def print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """The version of the installed distribution."""
    if value and not context.resilient_parsing:
        from tuner.environment import DISTRIBUTION, version

        click.echo(f"tuner {version(DISTRIBUTION) or 'not installed'}")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with:  tuner new digits  and then  tuner run digits.yaml",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version, help="Print it.")
@click.pass_context
def cli(context: click.Context) -> None:
    """Tune a Keras image classifier in seven steps, and say after each what was seen and what was changed."""
    context.color = wants_color("auto")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv` if None) and return its exit code."""
    try:
        result: Any = cli.main(args=None if argv is None else list(argv), prog_name="tuner", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.exceptions.Abort:  # Ctrl-C, where nothing was there to be saved
        click.echo("Stopped.", err=True)
        return 130
    except Interrupted as interrupted:
        click.echo("Stopped.", err=True)
        return 128 + interrupted.signal_number
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0


USER_ERRORS = {
    "tuner.recipe.problems.RecipeError": WRONG_USE,
    "tuner.data.dataset.DataError": FAILED,
    "tuner.models.errors.ModelError": FAILED,
    "tuner.store.errors.StoreError": FAILED,
}
"""Errors that are meant for the user, and their exit codes. By name, so that nothing is imported to catch them."""


def told(error: Exception, context: click.Context) -> int:
    """The exit code of an error that is meant for the user, once it is told; any other is a bug and goes on."""
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    code = next((USER_ERRORS[name] for name in names if name in USER_ERRORS), None)
    if code is None:
        raise error
    code = getattr(error, "exit_code", code)  # some know better whether anything was run
    from tuner.cli.paint import painted

    click.echo(painted(error), err=True, color=context.color)
    if context.meta.get(SETTINGS, Settings()).json:
        problems = [problem.to_json() for problem in getattr(error, "problems", ())]
        emit_json("tuner.error/1", {"exit_code": code, "message": str(error), "problems": problems})
    return code


def entry() -> None:
    """The console script."""
    sys.exit(main())
