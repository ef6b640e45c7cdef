"""Laws of the folder of class folders: found as it lies there, nothing skipped in silence, nothing waits for ever."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuner.data import DataError, Dataset, check_dataset, open_dataset
from tuner.progress import Silent
from tuner.recipe import Recipe

Open = Callable[..., Recipe]


def save(path: Path, value: int = 0) -> Path:
    """An 8x8 image that shows a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of six images."""
    for i in range(12):
        save(tmp_path / "root" / ("cat" if i % 2 else "dog") / f"{i}.png", i)
    return tmp_path / "root"


@pytest.fixture
def opened(recipe: Open, root: Path) -> Callable[..., Dataset]:
    def open_root(**data: object) -> Dataset:
        return open_dataset(recipe(source="directory", path=str(root), **data), Silent())

    return open_root


def total(dataset: Dataset) -> int:
    return len(dataset.train) + len(dataset.validation) + len(dataset.sealed_test)


def test_folders_are_classes_in_alphanumeric_order(opened: Callable[..., Dataset], root: Path) -> None:
    for name in ("10", "9"):
        for i in range(3):
            save(root / name / f"{i}.png", hash((name, i)) % 1000 + 100)
    dataset = opened()
    assert dataset.class_names == ("10", "9", "cat", "dog")
    assert total(dataset) == 18
    assert "10 comes before 2" in dataset.manifest["notes"][0]


def test_class_names_of_the_recipe_set_the_order(opened: Callable[..., Dataset]) -> None:
    assert opened(class_names=["dog", "cat"]).class_names == ("dog", "cat")
    with pytest.raises(DataError, match=r"differ in: bird, dog"):
        opened(class_names=["cat", "bird"])


def test_folders_inside_a_class_belong_to_it(opened: Callable[..., Dataset], root: Path) -> None:
    save(root / "cat" / "kittens" / "small" / "1.png", 99)
    assert total(opened()) == 13


@pytest.mark.parametrize("name", ["validation", "val", "valid"])
def test_part_folders_are_kept(recipe: Open, tmp_path: Path, name: str) -> None:
    for i in range(20):
        part = ("train", name, "test", "train")[i % 4]
        save(tmp_path / "root" / part / "ab"[i % 5 % 2] / f"{i}.png", i)
    dataset = open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())
    assert (len(dataset.train), len(dataset.validation), len(dataset.sealed_test)) == (10, 5, 5)
    assert dataset.manifest["given"] == ["test", "validation"]


def test_a_class_called_train_among_others_is_a_class(opened: Callable[..., Dataset], root: Path) -> None:
    for i in range(3):
        save(root / "train" / f"{i}.png", 50 + i)
    assert opened().class_names == ("cat", "dog", "train")


def test_two_folders_for_one_part_are_refused(recipe: Open, tmp_path: Path) -> None:
    for part in ("train", "val", "validation"):
        save(tmp_path / "root" / part / "a" / "1.png")
    with pytest.raises(DataError, match="both val and validation"):
        open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())


def test_damaged_files_are_listed_by_name_with_the_reason(opened: Callable[..., Dataset], root: Path) -> None:
    (root / "cat" / "empty.jpg").touch()
    (root / "cat" / "page.jpg").write_text("<html>404</html>")
    whole = save(root / "dog" / "whole.png", 77).read_bytes()
    (root / "dog" / "half.png").write_bytes(whole[: len(whole) // 2])
    dataset = opened()
    reasons = dict(map(tuple, dataset.manifest["skipped"]))
    assert set(reasons) == {"cat/empty.jpg", "cat/page.jpg", "dog/half.png"}
    assert "empty" in reasons["cat/empty.jpg"]
    assert "HTML" in reasons["cat/page.jpg"]
    assert total(dataset) == 13
    assert "corrupt_files" in [verdict.name for verdict in check_dataset(dataset)]


@pytest.mark.parametrize("times", [1, 2])
def test_on_corrupt_fail_names_all_of_them_the_first_time_and_the_next(
    opened: Callable[..., Dataset], root: Path, times: int
) -> None:
    for i in range(12):
        (root / "cat" / f"empty{i}.jpg").touch()
    for _ in range(times):
        with pytest.raises(DataError, match="12 images cannot be used") as caught:
            opened(on_corrupt="fail")
    assert "cat/empty0.jpg: empty file (0 bytes)" in str(caught.value)
    assert "... and 2 more" in str(caught.value)
    manifest = Path(str(caught.value).rpartition("All of them: ")[2])
    assert len(json.loads(manifest.read_text())["skipped"]) == 12


def test_kinds_that_are_not_read_are_counted_and_clutter_is_not(opened: Callable[..., Dataset], root: Path) -> None:
    for name in ("a.heic", "b.HEIC", "notes.txt", "README", ".DS_Store", "Thumbs.db"):
        (root / "cat" / name).write_text("x")
    save(root / ".ipynb_checkpoints" / "1-checkpoint.png", 1)
    save(root / "cat" / ".ipynb_checkpoints" / "1-checkpoint.png", 1)
    dataset = opened()
    assert dataset.class_names == ("cat", "dog")
    assert dataset.manifest["ignored"] == {".heic": 2, ".txt": 1, "without extension": 1}
    (verdict,) = (v for v in check_dataset(dataset) if v.name == "corrupt_files")
    assert "2 .heic" in verdict.sentence


def test_images_outside_of_class_folders_are_listed(opened: Callable[..., Dataset], root: Path) -> None:
    save(root / "stray.png", 5)
    assert opened().manifest["skipped"] == [["stray.png", "in no class folder"]]


def test_pipes_and_loops_of_links_do_not_hang(opened: Callable[..., Dataset], root: Path) -> None:
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "cat" / "loop").symlink_to(root / "cat", target_is_directory=True)
    (root / "cat" / "up").symlink_to(root, target_is_directory=True)
    (root / "cat" / "self.png").symlink_to(root / "cat" / "self.png")
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    reasons = dict(map(tuple, opened().manifest["skipped"]))
    assert "named pipe" in reasons["cat/pipe.jpg"]
    assert "link to nowhere" in reasons["cat/gone.png"]
    assert "link to nowhere" in reasons["cat/self.png"]


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.png",
        b"[v1].png",
        b"a\nb.png",
        b"tab\there.png",
        b"x" * 250 + b".png",
        "日本語.png".encode(),
        b"%s{}.png",
    ],
)
def test_any_file_name_is_read_and_can_be_shown(opened: Callable[..., Dataset], root: Path, name: bytes) -> None:
    save(root / "cat" / os.fsdecode(name), 300)
    Path(root / "dog" / os.fsdecode(name)).write_bytes(b"")
    dataset = opened()
    assert total(dataset) == 13
    ((shown, _),) = dataset.manifest["skipped"]
    assert shown.isprintable()
    shown.encode("utf-8")


def test_class_folders_may_have_odd_names(opened: Callable[..., Dataset], root: Path) -> None:
    for i in range(3):
        save(root / os.fsdecode(b"b\xe9b\xe9 [v1]") / f"{i}.png", 400 + i)
    assert opened().class_names == (r"b\xe9b\xe9 [v1]", "cat", "dog")


def test_an_empty_class_is_refused_by_name(opened: Callable[..., Dataset], root: Path) -> None:
    (root / "bird").mkdir()
    (root / "bird" / "photo.heic").write_text("x")
    with pytest.raises(DataError, match=r"no training images for class 'bird'.*1 \.heic"):
        opened()


def test_a_class_of_damaged_files_only_is_refused_by_name(opened: Callable[..., Dataset], root: Path) -> None:
    (root / "bird").mkdir()
    (root / "bird" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"No training images for class 'bird'.*skipped"):
        opened()


def test_one_class_is_refused(recipe: Open, tmp_path: Path) -> None:
    save(tmp_path / "root" / "cat" / "1.png")
    with pytest.raises(DataError, match="only one class, 'cat'"):
        open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())


def test_a_folder_without_class_folders_is_refused(recipe: Open, tmp_path: Path) -> None:
    save(tmp_path / "root" / "1.png")
    with pytest.raises(DataError, match="no class folders"):
        open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())


def test_one_image_a_class_is_refused_because_nothing_is_left_to_validate_on(recipe: Open, tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / "root" / str(i) / "1.png", i)
    with pytest.raises(DataError, match="nothing left to validate on"):
        open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())


def test_a_missing_folder_is_named_with_what_is_there(recipe: Open, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no {tmp_path}/not/here .*existing folder is {tmp_path}"):
        open_dataset(recipe(source="directory", path=str(tmp_path / "not" / "here")), Silent())


def test_a_changed_file_is_decoded_again_even_if_its_date_was_put_back(
    opened: Callable[..., Dataset], root: Path
) -> None:
    before = opened()
    path = root / "cat" / "1.png"
    status = path.stat()
    save(path, 4711)
    path.write_bytes(path.read_bytes().ljust(status.st_size, b"\0")[: max(status.st_size, path.stat().st_size)])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = opened()
    assert not after.manifest["cached"]
    assert before.fingerprint != after.fingerprint
    assert opened().manifest["cached"]


def test_copies_across_given_parts_are_dropped_from_train_and_listed(recipe: Open, tmp_path: Path) -> None:
    for i in range(20):
        save(tmp_path / "root" / ("train" if i < 14 else "test") / "ab"[i % 2] / f"{i}.png", i)
    save(tmp_path / "root" / "train" / "a" / "copy.png", 14)
    dataset = open_dataset(recipe(source="directory", path=str(tmp_path / "root")), Silent())
    assert dataset.manifest["duplicates"] == [["test/a/14.png", "train/a/copy.png", "test/train"]]
    assert total(dataset) == 20
    (verdict,) = (v for v in check_dataset(dataset) if v.name == "duplicates")
    assert "train/a/copy.png" in verdict.sentence
