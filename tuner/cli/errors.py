"""How is an error told, and with which exit code does it end? Loaded when there is one.

Errors that are meant for the user have one line and no traceback; any other is a bug, and goes on.
"""

import click

from tuner.cli.options import FAILED, SETTINGS, WRONG_USE, Settings, emit_json
from tuner.interrupts import Interrupted

USER_ERRORS = {
    "tuner.recipe.problems.RecipeError": WRONG_USE,
    "tuner.backend.BackendError": FAILED,
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


def ending(error: Exception) -> int:
    """The exit code of what click or a signal raised, once it is told; any other error goes on."""
    if isinstance(error, click.exceptions.Abort):  # Ctrl-C, where nothing was there to be saved
        click.echo("Stopped.", err=True)
        return 130
    if isinstance(error, Interrupted):
        click.echo("Stopped.", err=True)
        return 128 + error.signal_number
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    raise error
