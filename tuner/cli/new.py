"""`tuner new digits`: a recipe to begin with, copied from those that come with the tool."""

import os
from pathlib import Path
from typing import NoReturn

import click

from tuner.cli.options import WRONG_USE, Settings, common_options, emit_json, fail

MODELINE = "# yaml-language-server:"  # tells editors where the schema is; useless where there is none
SCHEMA = "recipe.schema.json"


@click.command()
@click.argument("template", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--list", "listing", is_flag=True, help="List the templates.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it is there.")
@common_options
def new(settings: Settings, template: str | None, file: Path | None, listing: bool, force: bool) -> None:
    """Copy the recipe TEMPLATE to FILE (TEMPLATE.yaml if left out). Never overwrites a file without --force."""
    if listing or template is None:
        show_templates(settings)
        return
    found = templates()
    if template not in found:
        unknown(template, list(found))
    target = file or Path(f"{template}.yaml")
    if target.is_dir():
        target = target / f"{template}.yaml"
    write(found[template], target, force)
    if settings.json:
        emit_json("tuner.new/1", {"template": template, "path": str(target.resolve())})
    elif not settings.quiet:
        click.echo(f"Wrote {target.resolve()}\nNext  tuner check {target} · tuner run {target}")


def template_dir() -> Path:
    """The folder of the recipes that come with the tool: installed beside the code, or in the repository."""
    package = Path(__file__).resolve().parents[1]
    return next((folder for folder in (package / "recipes", package.parent / "recipes") if folder.is_dir()), package)


def templates() -> dict[str, Path]:
    """Template name -> its file."""
    return {path.stem: path for path in sorted(template_dir().glob("*.yaml"))}


def about(path: Path) -> str:
    """The sentence that a template's comment opens with; the editor's modeline is none."""
    comments = (line.lstrip("# ").rstrip() for line in path.read_text(encoding="utf-8").splitlines())
    return next((line for line in comments if not line.startswith(MODELINE[2:])), "")


def show_templates(settings: Settings) -> None:
    """Name and sentence of every template."""
    found = {name: about(path) for name, path in templates().items()}
    if settings.json:
        emit_json("tuner.templates/1", {"folder": str(template_dir()), "templates": found})
        return
    wide = max(map(len, found), default=0)
    for name, sentence in found.items():
        click.echo(f"{name:<{wide}}  {sentence}")


def unknown(template: str, known: list[str]) -> NoReturn:
    """Say which templates there are, the nearest first; exit 2."""
    import difflib

    near = difflib.get_close_matches(template, known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    fail(f"no template '{template}'.{hint} There are: {', '.join(known)}.", WRONG_USE)


def write(template: Path, target: Path, force: bool) -> None:
    """Copy, with the file's own name in the commands of its comment. Exits 2 rather than overwrite."""
    text = template.read_text(encoding="utf-8").replace(f"recipes/{template.name}", os.fspath(target))
    if not (target.parent / SCHEMA).exists():
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(MODELINE))
    try:
        with target.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        fail(f"{target} is there already. Choose another FILE, or overwrite it with --force.", WRONG_USE)
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror}", WRONG_USE)
