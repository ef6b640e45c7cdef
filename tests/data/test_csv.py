"""Laws of the table: every line is used or listed, and what is wrong is named by its line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuner.data import DataError, Dataset, open_dataset
from tuner.progress import Silent
from tuner.recipe import Recipe


@pytest.fixture
def opened(recipe: Callable[..., Recipe], tmp_path: Path) -> Callable[..., Dataset]:
    """`opened(table, **settings)`: the data set of a table in a folder with images/0.png to images/11.png."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / "images" / f"{i}.png")

    def make(table: str | bytes, **data: object) -> Dataset:
        raw = table.encode() if isinstance(table, str) else table
        (tmp_path / "table.csv").write_bytes(raw)
        return open_dataset(recipe(source="csv", path="table.csv", **data), Silent())

    return make


LINES = [(f"images/{i}.png", "ab"[i % 2]) for i in range(12)]


def table(separator: str = ",", newline: str = "\n", header: str = "path,label") -> str:
    lines = [header.replace(",", separator), *(separator.join(line) for line in LINES)]
    return newline.join(lines) + newline


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_dialect_says_the_same(opened: Callable[..., Dataset], separator: str, newline: str, mark: str) -> None:
    dataset = opened(mark + table(separator, newline))
    assert dataset.class_names == ("a", "b")
    assert sum(map(sum, dataset.manifest["counts"].values())) == 12


def test_columns_may_be_named_and_stand_anywhere(opened: Callable[..., Dataset]) -> None:
    text = "kind,extra,file\n" + "".join(f'{label},"1,5",{path}\n' for path, label in LINES)
    assert opened(text, image_column="file", label_column="kind").class_names == ("a", "b")


def test_a_split_column_names_the_parts(opened: Callable[..., Dataset]) -> None:
    parts = ["train"] * 6 + ["val"] * 2 + ["Test"] * 2 + [""] * 2
    text = "path,label,split\n" + "".join(f"{p},{y},{part}\n" for (p, y), part in zip(LINES, parts, strict=True))
    dataset = opened(text)
    assert (len(dataset.train), len(dataset.validation), len(dataset.sealed_test)) == (8, 2, 2)


def test_missing_files_are_listed_with_their_line(opened: Callable[..., Dataset]) -> None:
    dataset = opened(table() + "images/gone.png,a\nimages,b\n")
    assert dataset.manifest["skipped"] == [
        ["images/gone.png", "line 14: No such file or directory"],
        ["images", "line 15: a folder, not a file"],
    ]
    with pytest.raises(DataError, match=r"images/gone\.png: line 14"):
        opened(table() + "images/gone.png,a\n", on_corrupt="fail")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("path,label\n", "no images at all"),
        ("file,label\nx,y\n", "no column 'path', only file, label"),
        ("path,label\nimages/0.png\n", "line 2 has 1 cells"),
        ("path,label\nimages/0.png,\n", "line 2 has no label"),
        ("path,label\n\n ,a\n", "line 3 has no path"),
        ("path,label,split\nimages/0.png,a,holdout\n", "line 2: 'holdout' is no part"),
        ("path,label\nnowhere/0.png,a\nnowhere/1.png,b\n", "none of its 2 files can be found. Paths are relative to"),
        ('path,label\n"images/0.png,a\n', "line 2"),
        (b"path,label\nimages/\xff.png,a\n", "not UTF-8"),
        ("path,label\nimages/0.png,a\nimages/1.png,a\n", "only one class, 'a'"),
    ],
)
def test_wrong_tables_are_refused(opened: Callable[..., Dataset], text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(text)


def test_a_label_outside_of_the_declared_names_is_refused(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match=r"line 14: label '99' of images/0\.png is not in data\.class_names"):
        opened(table() + "images/0.png,99\n", class_names=["a", "b"])


def test_a_column_that_the_recipe_names_has_to_be_there(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="no column 'part'"):
        opened(table(), split_column="part")
