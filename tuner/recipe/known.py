"""What did this recipe say when it was read the last time? The answer of `load`, kept on disk.

Reading YAML and building pydantic's validators takes 0.3 s, longer than all else that `tuner lr-find` does on cached
features. The answer depends on the text, the `--set`, the place, the code of this room and the two libraries it reads
with. A hash of all these names the file, so a stale answer is never found. A recipe with `extends`, whose answer
depends on other files as well, is read each time.

Only what was right is kept. What comes back has the settings, `to_json`, `start`, `path`, `text` and `provenance` of
a `Recipe`, equal in value and type; tests compare the two, setting by setting.
"""

import hashlib
import importlib.util
import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from tuner.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe

FORMAT = 1  # raise it when the form of the file changes
FOLDER = "recipes"  # in the cache
MOST = 100  # answers that stay; the oldest go
LARGEST = 1_000_000  # bytes of a recipe file; `load` refuses more, with a sentence
LIBRARIES = ("pydantic", "pydantic_core", "ruamel.yaml")
ROOM = Path(__file__).parent


class Settings:
    """The settings of a section, read only."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a recipe is frozen: {name} cannot be set")


def load_known(path: Path, settings: Sequence[str] = ()) -> "Recipe":
    """What `tuner.recipe.load` returns, from the cache if it was read before. Raises `RecipeError` as `load` does."""
    place = _place(path, settings)
    known = None if place is None else _recalled(place, path)
    if known is not None:
        return known
    from tuner.recipe.loading import load

    recipe = load(path, settings)
    if place is not None and not _has_parents(recipe) and _place(path, settings) == place:
        _keep(place, recipe)
    return recipe


def _has_parents(recipe: "Recipe") -> bool:
    from tuner.recipe.document import read_document
    from tuner.recipe.problems import Source

    return "extends" in read_document(recipe.text, Source(str(recipe.path))).data


def _place(path: Path, settings: Sequence[str]) -> Path | None:
    """The file in which the answer is, or will be; None if the recipe cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST)
        code = [(entry.name, *_state(entry.path)) for entry in os.scandir(ROOM) if entry.name.endswith(".py")]
    except OSError:
        return None
    code += [(name, *_state(_origin(name))) for name in LIBRARIES]
    where = (str(path), os.path.realpath(path), os.getcwd(), os.path.expanduser("~"))
    asked = (FORMAT, platform.python_version(), sorted(code), where, tuple(settings), text)
    return _folder(path) / f"{hashlib.sha256(repr(asked).encode('utf-8', 'surrogateescape')).hexdigest()}.json"


def _folder(path: Path) -> Path:
    """In $TUNER_CACHE_DIR or ~/.cache/tuner; `data.cache_dir` stands in the recipe, which is not read yet."""
    asked = Path(os.environ.get("TUNER_CACHE_DIR") or "~/.cache/tuner").expanduser()
    return path.parent.absolute() / asked / FOLDER


def _origin(name: str) -> str:
    """The file of an installed module, which is not imported for it."""
    spec = importlib.util.find_spec(name)
    return str(spec.origin) if spec else ""


def _state(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _recalled(place: Path, path: Path) -> "Recipe | None":
    """The recipe in the file; None if it is not there or not whole."""
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        settings = _plain(kept["settings"])
        start, text, provenance = (kept[key] for key in ("start", "text", "provenance"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    more = {
        "path": Path(os.path.realpath(path)),
        "text": text,
        "provenance": provenance,
        "start": lambda: Hyperparameters.from_json(json.loads(start)),
    }
    return cast("Recipe", Settings(vars(settings) | more))


def _keep(place: Path, recipe: "Recipe") -> None:
    """Write the answer down, whole or not at all. A cache that cannot be written to costs time and nothing else."""
    kept = {
        "settings": _tagged(recipe),
        "start": json.dumps(recipe.start().to_json()),
        "text": recipe.text,
        "provenance": dict(recipe.provenance),
    }
    temporary = place.with_name(f"{place.name}.tmp-{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(kept), encoding="utf-8")
            os.replace(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)
        for old in sorted(place.parent.glob("*.json"), key=lambda file: -file.stat().st_mtime_ns)[MOST:]:
            old.unlink(missing_ok=True)


def _tagged(value: Any) -> Any:
    """A setting as JSON from which `_plain` makes it again, of the same type."""
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        settings = {name: _tagged(getattr(value, name)) for name in type(value).model_fields}
        axis = getattr(value, "to_json", None)
        return {"settings": settings, "data": axis and json.dumps(axis())}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, Mapping):
        return {"map": {key: _tagged(item) for key, item in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [_tagged(item) for item in value]}
    return [_tagged(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """The inverse of `_tagged`, with `Settings` for every section. Raises `KeyError` for what `_tagged` never wrote."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "settings" in value:
        data, settings = value["data"], {name: _plain(item) for name, item in value["settings"].items()}
        return Settings(settings | ({} if data is None else {"to_json": lambda: json.loads(data)}))
    if "path" in value:
        return Path(value["path"])
    if "map" in value:
        return {key: _plain(item) for key, item in value["map"].items()}
    return tuple(_plain(item) for item in value["tuple"])
