"""How does a file become a recipe? Read, laid over its parents, `--set` applied, every law checked in one go.

Source: the rules in the README's "The recipe" section.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tuner.recipe.augmentation_checks import one_channel
from tuner.recipe.axes import in_point_form, space
from tuner.recipe.checks import CHECKS, Complaint
from tuner.recipe.document import Document, Keys, dotted, read_document
from tuner.recipe.explain import place_of, problems_of
from tuner.recipe.layers import keys_of, laid_over, with_setting
from tuner.recipe.paths import nearest
from tuner.recipe.problems import Place, Problem, RecipeError, Source
from tuner.recipe.schema import Origin, Recipe
from tuner.recipe.sections import IMAGENET
from tuner.recipe.unread import UNREAD

MODULE = r"[\w.]+(?<!\.py):\w+"  # module:function, which is found by importing it
LARGEST = 1_000_000  # bytes of a recipe file
MOST_PARENTS = 5
RELATIVE = ("data.path", "data.data_dir", "data.cache_dir", "model.weights")
"""Settings that are paths relative to the file in which they are written; in a --set, to the working directory."""


def load(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """The recipe in the file `path`, with the `path=value` of each `--set`. Raises `RecipeError` with all problems."""
    text = read_text(path, Place(Source(str(path))))
    try:
        document = _with_parents(path, text, ())
    except RecipeError as error:
        raise RecipeError(error.problems, str(path)) from None
    refused: list[Problem] = []
    for setting in settings:
        try:
            document = with_setting(document, setting)
        except RecipeError as error:
            refused.extend(error.problems)
    recipe, problems = _validated(_with_whole_paths(document), Place(Source(str(path))))
    if refused or problems or recipe is None:
        raise RecipeError([*refused, *_in_reading_order(problems, str(path))], str(path))
    provenance = {dotted(keys): str(place) for keys, place in document.values.items() if keys}
    recipe = in_point_form(recipe)
    recipe._origin = Origin(Path(os.path.realpath(path)), text, provenance)
    return recipe


def read_text(path: Path, asked_at: Place) -> str:
    """The text of a recipe file; what is wrong with it is told at `asked_at`. Raises `RecipeError`."""
    try:
        if not path.is_file():
            message, hint = _no_file(path)
            at = "extends" if asked_at.line else ""
            raise RecipeError([Problem(asked_at, message, at, hint)], asked_at.source.name)
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise RecipeError([Problem(asked_at, f"{path} is larger than {LARGEST:,} bytes")], asked_at.source.name)
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        source = Source(str(path))
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise RecipeError([Problem(Place(source, line, column), message, hint="save it as UTF-8")], str(path)) from None
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise RecipeError([Problem(asked_at, message)], asked_at.source.name) from None


def _no_file(path: Path) -> tuple[str, str]:
    if path.exists():
        return f"{path} is not a file", ""
    siblings = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = nearest(path.name, siblings)
    return f"no file {path}", f"did you mean '{path.parent / near}'?" if near else ""


def _with_parents(path: Path, text: str, below: tuple[Path, ...]) -> Document:
    """The file's document over those of its parents; `below` are the files that led here."""
    document = read_document(text, Source(str(path), tuple(text.splitlines()), path.parent))
    if not isinstance(document.data, dict) or "extends" not in document.data:
        return document
    place = document.values[("extends",)]
    data = {key: value for key, value in document.data.items() if key != "extends"}
    child = Document(data, document.keys, document.values)
    parent = _parent(document.data["extends"], path, place, (*below, path))
    return child if parent is None else laid_over(parent, child)


def _parent(name: Any, path: Path, place: Place, below: tuple[Path, ...]) -> Document | None:
    if name is None or name == "none":
        return None
    known = isinstance(name, str) and name.isprintable()
    parent = Path(os.path.normpath(path.parent / name)) if known else path
    if not known:
        problem = Problem(place, "should be the path of one other recipe", "extends")
    elif os.path.realpath(parent) in map(os.path.realpath, below):
        circle = " -> ".join(file.name for file in (*below, parent))
        problem = Problem(place, f"goes in a circle: {circle}", "extends")
    elif len(below) > MOST_PARENTS:
        problem = Problem(place, f"more than {MOST_PARENTS} parents, one above the other", "extends")
    else:
        return _with_parents(parent, read_text(parent, place), below)
    raise RecipeError([problem], str(path))


def _with_whole_paths(document: Document) -> Document:
    """Relative paths as absolute ones, seen from where they are written."""
    data = document.data
    for section, key in map(keys_of, RELATIVE):
        given = data.get(section) if isinstance(data, dict) else None
        value = given.get(key) if isinstance(given, dict) else None
        if not isinstance(value, str) or value in ("none", "", IMAGENET) or re.fullmatch(MODULE, value):
            continue
        folder = document.values[section, key].source.folder
        data = {**data, section: {**data[section], key: os.path.abspath(folder / os.path.expanduser(value))}}
    return Document(data, document.keys, document.values)


def _validated(document: Document, whole_file: Place) -> tuple[Recipe | None, list[Problem]]:
    if not isinstance(document.data, dict):
        message = "the file is empty" if document.data is None else "a recipe is a map of settings"
        hint = "every recipe has version, name, data and model"
        return None, [Problem(document.values.get((), whole_file), message, hint=hint)]
    recipe: Recipe | None = None
    broken: dict[Keys, Problem] = {}
    try:
        recipe = Recipe.model_validate(document.data)
    except ValidationError as error:
        broken = problems_of(error.errors(include_url=False), document)
    mended = recipe or _mended(document.data, broken)
    checks = (*CHECKS, *UNREAD, one_channel, space)
    complaints = [complaint for check in checks for complaint in check(mended)] if mended else []
    together = [_problem(complaint, document) for complaint in complaints if not _concerns(complaint, broken)]
    return recipe, [*broken.values(), *together]


def _mended(data: Mapping[str, Any], broken: Mapping[Keys, Problem]) -> Recipe | None:
    """A valid recipe that has every setting of `data` that is not broken."""
    touched = {keys[:depth] for keys in broken for depth in range(1, len(keys) + 1)}
    mended = _kept(data, (), set(broken), touched)
    least = {"version": 1, "name": "any", "data": {"source": "digits"}, "model": {"backbone": "LeNet5"}}
    for key, value in least.items():
        mended[key] = {**value, **mended.get(key, {})} if isinstance(value, dict) else mended.get(key, value)
    if isinstance(mended.get("target"), dict):
        mended["target"] = {"at_least": 1.0, **mended["target"]}
    try:
        return Recipe.model_validate(mended)
    except ValidationError:
        return None


def _kept(data: Any, path: Keys, broken: set[Keys], touched: set[Keys]) -> Any:
    """The data without what is broken; a list is left out as a whole, lest its items change places."""
    if not isinstance(data, dict):
        return data
    below = {(*path, key): value for key, value in data.items()}
    whole = {keys: value for keys, value in below.items() if not (isinstance(value, list) and keys in touched)}
    return {keys[-1]: _kept(value, keys, broken, touched) for keys, value in whole.items() if keys not in broken}


def _concerns(complaint: Complaint, broken: Mapping[Keys, Problem]) -> bool:
    """Whether a complaint speaks of a setting that is broken, and so is not to be trusted."""
    spoken_of = [keys_of(path) for path in (complaint.path, *complaint.depends)]
    return any(a[: len(b)] == b or b[: len(a)] == a for a in spoken_of for b in broken)


def _problem(complaint: Complaint, document: Document) -> Problem:
    place = place_of(_written(complaint, document), document, complaint.at_key)
    return Problem(place, complaint.message, complaint.path, complaint.hint)


def _written(complaint: Complaint, document: Document) -> Keys:
    """The path whose place is shown: the complaint's own, or the first it depends on that stands in the file."""
    paths = [keys_of(path) for path in (complaint.path, *complaint.depends)]
    return next((keys for keys in paths if keys in document.values), paths[0])


def _in_reading_order(problems: list[Problem], main: str) -> list[Problem]:
    """Those of the file itself first."""
    return sorted(problems, key=lambda problem: (problem.file != main, problem.file, problem.line, problem.column))
