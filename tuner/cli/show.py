"""`tuner show recipe.yaml`: the recipe with every default filled in, and where each value comes from."""

from pathlib import Path

import click

from tuner.cli.options import Settings, common_options, emit_json


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Show it with this setting changed.")
@common_options
def show(settings: Settings, recipe: Path, changes: tuple[str, ...]) -> None:
    """Print RECIPE with every default filled in; the comments say where each value comes from."""
    from tuner.recipe import load
    from tuner.recipe.show import resolved_text

    loaded = load(recipe, changes)
    if settings.json:
        payload = {"path": str(loaded.path), "recipe": loaded.to_json(), "provenance": loaded.provenance}
        emit_json("tuner.show/1", payload)
    else:
        click.echo(resolved_text(loaded), nl=False)
