"""Source `directory`: a folder with one folder of images for each class, or root/{train,validation,test}/class.

Classes are numbered in alphanumeric order of their folders' names, as Keras does it: "10" comes before "2". A different
order is had by `data.class_names`. Folders inside a class folder belong to the class.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.dataset import DataError
from tuner.data.frame import EXTENSIONS
from tuner.data.listing import Listing, Origin, Row, digest, file_state, listed, location, not_a_file, shown
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe

PART_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
CLUTTER = frozenset(("__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini", "lost+found"))  # and whatever starts with a dot


@dataclass
class Found:
    """What a walk over the folders has come across so far."""

    images: list[tuple[str, str, Path]] = field(default_factory=list)  # part, class, path
    states: list[tuple[str, tuple[int, int, int]]] = field(default_factory=list)  # name and state of each image
    skipped: list[tuple[str, str]] = field(default_factory=list)  # name and reason
    ignored: Counter[str] = field(default_factory=Counter)  # extension: how many files


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The images below a folder. Raises `DataError` where the folders are not laid out in classes."""
    root = location(recipe)
    if not root.is_dir():
        raise DataError(f"data.path: {shown(root)} is a file; source directory needs a folder of class folders.")
    found, classes = Found(), set()
    for part, folder in _parts(root).items():
        for name in _subfolders(folder):
            classes.add(name)
            _walk(root, folder / name, part, name, found)
        _stray(root, folder, found)
    names = _ordered(recipe, root, classes, found)
    key = digest("directory", str(root), names, sorted(found.states), sorted(found.skipped))
    return Origin(root.name, key, lambda: _listing(root, names, found))


def _listing(root: Path, names: tuple[str, ...], found: Found) -> Listing:
    found.images.sort()
    index = {name: i for i, name in enumerate(names)}

    def rows() -> Iterator[Row]:
        from tuner.data.decode import decode_file

        for part, name, path in found.images:
            yield Row(shown(path.relative_to(root)), index[name], part, partial(decode_file, path))

    notes = ("Classes are in the order of data.class_names or else alphanumeric: 10 comes before 2.",)
    shown_names = tuple(shown(name) for name in names)
    return Listing(shown_names, len(found.images), rows, tuple(sorted(found.skipped)), dict(found.ignored), notes)


def _parts(root: Path) -> dict[str, Path]:
    """The folder of each part; the root itself is `train` unless all its folders are named like parts."""
    folders = _subfolders(root)
    if not folders:
        raise DataError(
            f"{shown(root)} has no class folders: root/class/image.jpg is needed, one folder for each class."
        )
    if "train" not in folders or not set(folders) <= set(PART_FOLDERS) or not _subfolders(root / "train"):
        return {"train": root}
    parts: dict[str, Path] = {}
    for name in folders:
        part = PART_FOLDERS[name]
        if part in parts:
            raise DataError(f"{shown(root)} has both {parts[part].name} and {name}: which one is the {part} part?")
        parts[part] = root / name
    return parts


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not _is_clutter(entry.name) and entry.is_dir())


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name in CLUTTER


def _walk(root: Path, folder: Path, part: str, class_name: str, found: Found) -> None:
    """Everything below a class folder. Links are followed, but into no folder twice: a loop of links ends."""
    seen: set[tuple[int, int]] = set()
    todo = [folder]
    while todo:
        current = todo.pop()
        status = current.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(current) as entries:
            for entry in entries:
                if _is_clutter(entry.name):
                    continue
                if _is_folder(entry):
                    todo.append(Path(entry.path))
                else:
                    _file(root, entry, part, class_name, found)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _file(root: Path, entry: os.DirEntry[str], part: str, class_name: str, found: Found) -> None:
    path = Path(entry.path)
    kind = path.suffix.lower()
    if kind not in EXTENSIONS:
        found.ignored[shown(kind) or "without extension"] += 1
        return
    name = os.path.relpath(path, root)
    try:
        status = entry.stat()
    except OSError as error:
        found.skipped.append((shown(name), f"a link to nowhere: {error.strerror}"))
        return
    if reason := not_a_file(status):
        found.skipped.append((shown(name), reason))
        return
    found.images.append((part, class_name, path))
    found.states.append((name, file_state(status)))


def _stray(root: Path, folder: Path, found: Found) -> None:
    """Images beside the class folders: they have no class."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir() and not _is_clutter(entry.name):
                name = shown(os.path.relpath(entry.path, root))
                if Path(entry.name).suffix.lower() in EXTENSIONS:
                    found.skipped.append((name, "in no class folder"))


def _ordered(recipe: "Recipe", root: Path, classes: set[str], found: Found) -> tuple[str, ...]:
    """The classes in their order. Raises `DataError` for classes without images and names that differ."""
    filled = {name for part, name, _ in found.images if part == "train"}
    empty = sorted(classes - filled)
    if empty:
        names = ", ".join(f"'{shown(name)}'" for name in empty[:10])
        kinds = "".join(f" Files that are no images: {count} {kind}." for kind, count in found.ignored.most_common(3))
        few = listed(f"{name}: {reason}" for name, reason in found.skipped)
        raise DataError(
            f"{shown(root)}: no training images for class {names}. Add some, or remove the folder.{kinds}"
            + (f"\nSkipped:\n{few}" if few else "")
        )
    declared = tuple(recipe.data.class_names or ())
    if declared and set(declared) != classes:
        alone = sorted(set(declared) ^ classes)
        raise DataError(
            f"data.class_names and the folders of {shown(root)} differ in: {', '.join(map(shown, alone[:10]))}."
        )
    return declared or tuple(sorted(classes))
