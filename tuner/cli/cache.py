"""`tuner cache`: what is kept so that it need not be computed again, how much room does it take, and what may go?"""

import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import FAILED, Settings, common_options, emit_json, fail, is_terminal
from tuner.cli.runs import aligned, printable

if TYPE_CHECKING:
    from tuner.data.inventory import Stored

COLUMNS = ("kind", "what", "images", "size", "last used", "file")
NUMBERS = ("images", "size", "last used")  # columns that are set flush right
UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}  # seconds
SPAN = re.compile(r"(\d+)([hdw])")
SMALL = ".json"  # files that are many and small, told in one line

folder_option = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TUNER_CACHE_DIR",
    default="~/.cache/tuner",
    show_default=True,
    help="The cache folder, where a recipe's data.cache_dir names another.",
)


@click.group(invoke_without_command=True)
@folder_option
@common_options
@click.pass_context
def cache(context: click.Context, settings: Settings, folder: Path) -> None:
    """List decoded data sets, features and recipes that are kept, with their sizes.

    Nothing in the cache is lost by deleting it: it is computed again when it is needed.
    """
    if context.invoked_subcommand is not None:
        context.obj = (settings, folder)
        return
    from tuner.data.inventory import inventory, others

    root = folder.expanduser().absolute()
    found, (foreign, names) = inventory(root), others(root)
    if settings.json:
        total = sum(one.size for one in found)
        emit_json("tuner.cache/1", {"folder": root, "stored": _plain(found), "bytes": total, "other_bytes": foreign})
        return
    if not found:
        click.echo(f"Nothing is kept in {printable(str(root))}.")
    else:
        click.echo("\n".join(aligned([COLUMNS, *_rows(found, root)], NUMBERS)))
        click.echo(
            f"\n{size(sum(one.size for one in found))} in {printable(str(root))}. To make room: tuner cache clear"
        )
    if names:
        click.echo(f"Not ours, and never deleted: {printable(', '.join(names))} ({size(foreign)}).")


def span(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """`30d` as seconds."""
    if value is None:
        return None
    found = SPAN.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no time: write 12h, 30d or 4w.")
    return int(found[1]) * UNITS[found[2]]


@cache.command()
@click.option("--data", "data", is_flag=True, help="Decoded data sets.")
@click.option("--features", "features", is_flag=True, help="Features of frozen backbones.")
@click.option("--recipes", "recipes", is_flag=True, help="Recipes as they were read.")
@click.option("--older-than", "age", callback=span, metavar="30d", help="Only what was not used for 12h, 30d, 4w.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@folder_option
@common_options
@click.pass_context
def clear(
    context: click.Context, settings: Settings, data: bool, features: bool, recipes: bool, age: float | None,
    yes: bool, folder: Path,
) -> None:  # fmt: skip
    """Delete what is kept: all of it, or the kinds that are named, and what killed processes left half written.

    Asks first; where nobody can be asked, it only says what would go.
    """
    from tuner.data.inventory import LEFTOVERS, inventory

    root = _folder(context, folder).expanduser().absolute()
    named = {kind for kind, asked in (("data", data), ("features", features), ("recipes", recipes)) if asked}
    before = time.time() - (age or 0.0)
    going = [one for one in inventory(root) if not named or one.kind in named or one.kind == LEFTOVERS]
    going = [one for one in going if age is None or one.used < before]
    deleted = bool(going) and (yes or (not settings.json and _agreed(going, root)))
    if deleted:
        _delete(going)
    room = sum(one.size for one in going)
    if settings.json:
        emit_json("tuner.cache-clear/1", {"folder": root, "deleted": deleted, "bytes": room, "stored": _plain(going)})
    elif not going:
        click.echo("There is nothing to delete.")
    elif deleted:
        click.echo(f"Deleted {len(going)} of them: {size(room)} are free again.")
    else:
        click.echo(f"Nothing was deleted; with --yes these {size(room)} would be.")


def _agreed(going: Sequence["Stored"], root: Path) -> bool:
    """Show what would go, and ask whoever looks; nobody means no."""
    click.echo("\n".join(aligned([COLUMNS, *_rows(going, root)], NUMBERS)))
    click.echo()
    looks = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    return looks and click.confirm(f"Delete these {size(sum(one.size for one in going))}?", default=False)


def _delete(going: Sequence["Stored"]) -> None:
    from tuner.data.inventory import remove

    for one in going:
        try:
            remove(one)
        except OSError as error:
            fail(f"{one.path} cannot be deleted: {error.strerror}.", FAILED)


def _folder(context: click.Context, folder: Path) -> Path:
    """The folder named after `clear`, else the one named before it."""
    source = context.get_parameter_source("folder")
    given = source is not None and source.name == "COMMANDLINE"
    outer: tuple[Settings, Path] | None = context.obj
    return folder if given or outer is None else outer[1]


def _rows(found: Sequence["Stored"], root: Path) -> list[tuple[str, ...]]:
    """A row each; the small files of a kind share one."""
    rows = [_row(one, root) for one in found if one.path.suffix != SMALL]
    for kind in dict.fromkeys(one.kind for one in found):
        small = [one for one in found if one.kind == kind and one.path.suffix == SMALL]
        if small:
            used, room = max(one.used for one in small), sum(one.size for one in small)
            rows.append((kind, f"{len(small)} small files", "-", size(room), ago(used), f"{kind}/*{SMALL}"))
    return rows


def _row(one: "Stored", root: Path) -> tuple[str, ...]:
    images = "-" if one.images is None else f"{one.images:,}"
    place = printable(str(one.path.relative_to(root)))
    return (one.kind, printable(one.name), images, size(one.size), ago(one.used), place)


def _plain(found: Sequence["Stored"]) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "name": one.name,
            "path": str(one.path),
            "images": one.images,
            "bytes": one.size,
            "last_used": datetime.fromtimestamp(one.used, UTC).isoformat(timespec="seconds"),
        }
        for one in found
    ]


def size(count: float) -> str:
    """Bytes in the unit that says enough: 512 B, 34 kB, 1.2 MB, 34 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 9.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes everything")


def ago(used: float) -> str:
    """How long ago, in the unit that says enough. File systems know it to the day."""
    days = (time.time() - used) / UNITS["d"]
    return "today" if days < 1 else f"{days:.0f} d ago"
