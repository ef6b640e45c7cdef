"""`tuner schema`: the JSON Schema of recipes, with which editors complete keys and mark mistakes."""

import json
from pathlib import Path

import click

from tuner.cli.options import Settings, common_options, emit_json


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@common_options
def schema(settings: Settings, output: Path | None) -> None:
    """Print the JSON Schema (Draft 7) of recipes, or write it to a file.

    An editor with a YAML language server finds it by a recipe's first line:

        # yaml-language-server: $schema=./recipe.schema.json
    """
    from tuner.recipe.json_schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is not None:
        output.write_text(text, encoding="utf-8")
    if settings.json and output is not None:
        emit_json("tuner.schema/1", {"path": str(output.resolve())})
    elif output is None:
        click.echo(text, nl=False)
    elif not settings.quiet:
        click.echo(f"Wrote {output.resolve()}")
