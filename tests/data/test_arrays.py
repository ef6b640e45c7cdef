"""Laws of arrays, from a file or a function: understood, or refused with the index, the value and the remedy."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data import DataError, Dataset, open_dataset
from tuner.progress import Silent
from tuner.recipe import Recipe

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 8, 8), np.uint8)
Y = np.arange(30) % 3


@pytest.fixture
def opened(recipe: Callable[..., Recipe], tmp_path: Path) -> Callable[..., Dataset]:
    """`opened(x_train=..., y_train=...)`: the data set of an .npz file with these arrays; `data` adds settings."""

    def make(data: dict[str, Any] | None = None, **arrays: np.ndarray) -> Dataset:
        np.savez(tmp_path / "a.npz", **arrays)
        asked = recipe(source="npz", path="a.npz", color_mode="grayscale", **(data or {}))
        return open_dataset(asked, Silent())

    return make


@pytest.mark.parametrize(
    "images",
    [
        X,
        X[..., None],
        np.repeat(X[..., None], 3, axis=-1),
        X / 255.0,
        (X / 255).astype(np.float32),
        X.astype(np.float64),
        X.astype(np.int64),
        X.astype(np.uint16) * 257,
        np.asfortranarray(X),
    ],
)
def test_images_of_every_form_become_the_same(opened: Callable[..., Dataset], images: np.ndarray) -> None:
    assert opened(images=images, labels=Y).fingerprint == opened(images=X, labels=Y).fingerprint


def test_booleans_become_black_and_white(opened: Callable[..., Dataset]) -> None:
    assert opened(images=X > 128, labels=Y).manifest["value_range"] == [0, 255]


def test_one_scale_serves_all_parts(opened: Callable[..., Dataset]) -> None:
    dark = np.zeros((9, 8, 8))
    dark[:, 0, 0] = np.arange(9) / 9
    dataset = opened(x_train=X.astype(float), y_train=Y, x_test=dark, y_test=Y[:9])
    assert dataset.sealed_test.images.max() == 1


@pytest.mark.parametrize(
    "labels", [Y[:, None], np.eye(3)[Y], np.eye(3, dtype=int)[Y], Y.astype(np.float32), Y.astype("u1")]
)
def test_labels_of_every_form_become_the_same(opened: Callable[..., Dataset], labels: np.ndarray) -> None:
    assert opened(images=X, labels=labels).fingerprint == opened(images=X, labels=Y).fingerprint


def test_names_as_labels_are_classes_in_alphanumeric_order(opened: Callable[..., Dataset]) -> None:
    dataset = opened(images=X, labels=np.array(["dog", "bird", "cat"])[Y])
    assert dataset.class_names == ("bird", "cat", "dog")


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
        ("images", "labels", *["x_validation", "y_validation"]),
    ],
)
def test_parts_are_known_by_the_names_of_their_arrays(opened: Callable[..., Dataset], names: tuple[str, ...]) -> None:
    arrays = {}
    for k in range(0, len(names), 2):
        arrays |= {names[k]: X[k * 5 : k * 5 + 10], names[k + 1]: Y[k * 5 : k * 5 + 10]}
    dataset = opened(**arrays)
    assert len(dataset.validation) == 10
    assert len(dataset.sealed_test) == (10 if len(names) == 6 else 2 + 1)


def with_label(index: int, value: float) -> np.ndarray:
    labels = Y.astype(float)
    labels[index] = value
    return labels if value % 1 else labels.astype(int)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (with_label(7, 99), r"labels\[7\] is 99, but 4 different labels make the labels 0\.\.3\. Correct"),
        (with_label(4, -1), r"labels\[4\] is -1"),
        (with_label(5, 0.5), r"labels\[5\] is 0\.5; a label is a whole number"),
        (with_label(5, float("nan")), r"labels\[5\] is nan"),
        (Y + 1, r"seem to start at 1: subtract 1"),
        (Y[:-1], "30 images but 29 labels"),
        (np.zeros((30, 3)), r"shape \(30, 3\); labels are \(N,\), \(N, 1\) or one-hot"),
        (Y.astype(complex), "dtype complex"),
        (np.zeros(30, int), "only one class, '0'"),
    ],
)
def test_wrong_labels_are_refused(opened: Callable[..., Dataset], labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(images=X, labels=labels)


def test_declared_names_bound_the_labels(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match=r"y_test\[2\] is 2, but 2 declared classes"):
        opened({"class_names": ["a", "b"]}, x_train=X, y_train=Y % 2, x_test=X[:3], y_test=Y[:3])
    with pytest.raises(DataError, match=r"labels\[1\] is 'b', which is not in data.class_names"):
        opened({"class_names": ["a", "c"]}, images=X, labels=np.array(["a", "b", "c"])[Y])
    with pytest.raises(DataError, match="No training images for class 'd'"):
        opened({"class_names": ["a", "b", "c", "d"]}, images=X, labels=Y)


def test_numbers_and_names_do_not_mix(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="some labels are numbers and some are names"):
        opened(x_train=X, y_train=Y, x_test=X, y_test=Y.astype(str))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (X.reshape(30, 64), r"shape \(30, 64\).*Flat rows\? x\.reshape\(-1, 8, 8\)"),
        (np.zeros((30, 3, 8, 8), np.uint8), "channels seem to come first"),
        (np.zeros((30, 8, 8, 7), np.uint8), r"shape \(30, 8, 8, 7\)"),
        (np.zeros((30, 0, 8), np.uint8), "no pixel"),
        (np.zeros((30, 8, 8), "S3"), r"dtype \|S3"),
        (X / 127.5 - 1, r"from -1 to 1.*The first is number 0 of the train images"),
        (np.where(np.arange(30)[:, None, None] == 4, np.nan, X), "number 4 of the train images"),
        (X * 300.0, "0..255"),
        (X[:0], "30 labels"),
    ],
)
def test_wrong_images_are_refused(opened: Callable[..., Dataset], images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(images=images, labels=Y)


def test_no_images_at_all_are_refused(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="no images at all"):
        opened(images=X[:0], labels=Y[:0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X}, "holds x_train but no y_train"),
        ({"pictures": X, "classes": Y}, "it needs x_train and y_train, or images and labels"),
        ({"x_test": X, "y_test": Y}, "it needs x_train"),
    ],
)
def test_missing_arrays_are_named(opened: Callable[..., Dataset], arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(**arrays)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken", b"\x93NUMPY"])
def test_a_file_that_is_no_archive_is_refused(recipe: Callable[..., Recipe], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz is no archive"):
        open_dataset(recipe(source="npz", path="a.npz"), Silent())


def test_an_archive_of_python_objects_is_refused_unread(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "exploded").touch, ())

    np.savez(tmp_path / "a.npz", images=np.array([Bomb()], dtype=object), labels=Y)
    with pytest.raises(DataError, match="no archive of plain numeric arrays"):
        open_dataset(recipe(source="npz", path="a.npz"), Silent())
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("mine.py:load", "def load(): return 3", "must return .x, y. pairs"),
        ("mine.py:load", "def load(): return (1, 2)", "for train it returned int"),
        ("mine.py:other", "def load(): return 3", "has no function 'other'"),
        ("no_such_module_here:load", "", "No module named"),
        ("gone.py:load", "", "there is no"),
    ],
)
def test_functions_that_cannot_be_used_are_refused(
    recipe: Callable[..., Recipe], tmp_path: Path, path: str, code: str, message: str
) -> None:
    (tmp_path / "mine.py").write_text(textwrap.dedent(code))
    with pytest.raises(DataError, match=message):
        open_dataset(recipe(source="python", path=path), Silent())


def test_a_function_that_returns_something_else_is_decoded_again(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    code = "import numpy as np\ndef load():\n    x = np.random.default_rng({}).integers(0, 256, (20, 8, 8), np.uint8)\n"
    code += "    return ((x, np.array(['a', 'b'])[np.arange(20) % 2]),)\n"
    fingerprints = []
    for seed in (0, 0, 1):
        (tmp_path / "mine.py").write_text(code.format(seed))
        dataset = open_dataset(recipe(source="python", path="mine.py:load"), Silent())
        fingerprints.append((dataset.fingerprint, dataset.manifest["cached"]))
    assert fingerprints[0][0] == fingerprints[1][0] != fingerprints[2][0]
    assert [cached for _, cached in fingerprints] == [False, True, False]
