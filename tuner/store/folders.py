"""Where does a run live, and is it still the run of this recipe?

A run is `reports/<name>/<0001>/`: numbers only grow, and a folder is never used twice.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.store.errors import RecipeChanged, StoreError
from tuner.store.files import replace_text, sync_folder
from tuner.store.schema import encoded
from tuner.store.yaml_text import yaml_text

RECIPE = "recipe.yaml"  # as the user wrote it
RESOLVED = "recipe.resolved.yaml"  # with every default filled in
FREE_TO_DIFFER = ("budget", "output", "report", "description")  # sections that change no trial's result
_ABSENT = object()


def claim(reports_dir: Path, name: str) -> tuple[Path, int]:
    """A new folder for the next run of `name`, and its number. Of two processes that ask at once each gets its own."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise StoreError(f"A run's name becomes the name of a folder; {name!r} cannot be one.")
    runs = reports_dir.absolute() / name
    new = [folder for folder in (runs, *runs.parents) if not folder.exists()]
    runs.mkdir(parents=True, exist_ok=True)
    for folder in new:
        sync_folder(folder.parent)
    number = max((int(entry.name) for entry in runs.iterdir() if is_number(entry.name)), default=0) + 1
    while True:
        folder = runs / f"{number:04d}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            continue
        sync_folder(runs)
        return folder, number


def is_number(name: str) -> bool:
    """Whether a folder of this name would be a run's: four ASCII digits or more."""
    return len(name) >= 4 and name.isascii() and name.isdigit()


def write_recipe(folder: Path, recipe: Mapping[str, Any], text: str) -> None:
    """Both forms of the recipe, for people; the run itself reads only its database."""
    if text:
        replace_text(folder / RECIPE, text)
    write_resolved(folder, recipe)


def write_resolved(folder: Path, recipe: Mapping[str, Any]) -> None:
    """The recipe with every default filled in, as YAML 1.2."""
    replace_text(folder / RESOLVED, yaml_text(json.loads(encoded(recipe))))


def check_recipe(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise `RecipeChanged` where two recipes in JSON form differ in more than the sections that change no result."""
    changed = list(differences(before, now))
    if changed:
        raise RecipeChanged(folder, changed)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Dotted paths at which two recipes in JSON form differ, in the order of the first; a key may be missing in one."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            if path or key not in FREE_TO_DIFFER:
                inner = f"{path}.{key}" if path else str(key)
                yield from differences(before.get(key, _ABSENT), after.get(key, _ABSENT), inner)
    elif before != after:
        yield path
