"""Which commands are there, and what happens around each of them? A table, loaded lazily, and one way out.

A command's module is imported only when it is called, and so is all else that `tuner --help` can do without: it shows
the table and waits for nothing.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

GROUPS = {
    "Tune": {
        "run": "Follow the seven steps of a recipe.",
        "backbones": "Rank several backbones by their features.",
        "lr-find": "Find a learning rate: step 3 alone.",
        "diagnose": "Say what is wrong with a training run, anybody's.",
    },
    "Recipes": {
        "new": "Write a recipe to begin with.",
        "check": "Say everything that is wrong with a recipe.",
        "show": "Print a recipe with every default filled in.",
        "schema": "Print the JSON Schema of recipes, for editors.",
        "models": "List the networks; one by name, layer by layer.",
    },
    "Results": {
        "runs": "List runs, best first.",
        "report": "Write a run's report again, and open it.",
        "landscape": "Draw the loss around a run's best weights.",
        "serve": "Show runs in the browser, and try their models.",
        "cache": "List what is kept between runs, and clear it.",
        "doctor": "Say what is installed and whether it works.",
    },
}
"""Group -> command -> its line of help. The command stands in module `tuner.cli.<name>` under that name, - as _."""

COMMANDS = tuple(name for group in GROUPS.values() for name in group)


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
            from tuner.cli.errors import told

            ctx.exit(told(error, ctx))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, group by group; no command is loaded for it."""
        for group, lines in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl(list(lines.items()))


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
    from tuner.cli.options import wants_color

    context.color = wants_color("auto")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv` if None) and return its exit code."""
    try:
        result: Any = cli.main(args=None if argv is None else list(argv), prog_name="tuner", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        from tuner.cli.errors import ending

        return ending(error)
    return result if isinstance(result, int) else 0


def entry() -> None:
    """The console script."""
    sys.exit(main())
