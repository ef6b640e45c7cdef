"""Which color has which part of an error? Colors only repeat what words and carets say already."""

import click

from tuner.recipe.problems import RecipeError

STYLES: dict[str, dict[str, str | bool]] = {
    "place": {"bold": True},
    "path": {"fg": "cyan"},
    "message": {"bold": True},
    "gutter": {"fg": "bright_black"},
    "caret": {"fg": "red", "bold": True},
    "hint": {"fg": "green"},
    "summary": {"fg": "red", "bold": True},
}


def paint(role: str, text: str) -> str:
    """The text in the color of its role."""
    return click.style(text, **STYLES[role])  # type: ignore[arg-type]


def painted(error: Exception) -> str:
    """An error's message in color; `click.echo` takes the colors away where nobody wants them."""
    return error.render(paint) if isinstance(error, RecipeError) else f"{paint('summary', 'tuner:')} {error}"
