"""What `tuner cache` finds, and that it deletes what it was asked to and nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.cli.cache import ago, size
from tuner.data import cache as data_cache

Tuner = Callable[..., Any]
KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
MONTH = 31 * 86400


def old(path: Path, seconds: float = MONTH) -> Path:
    """As if nobody had touched it for so long."""
    for each in (*path.rglob("*"), path):
        os.utime(each, (time.time() - seconds,) * 2)
    return path


def data_set(root: Path, key: str) -> Path:
    """A decoded data set, made by what makes them."""

    def write(folder: Path) -> dict[str, Any]:
        for part, count in (("train", 3), ("validation", 2), ("test", 1)):
            data_cache.write_rows(folder / f"{part}.npy", (count, 4, 4, 1), iter(np.zeros((count, 4, 4, 1), np.uint8)))
            np.save(folder / f"{part}_labels.npy", np.zeros(count, np.int64))
        counts = {"train": [2, 1], "validation": [1, 1], "test": [1, 0]}
        return {"source": "digits", "image_size": [4, 4], "channels": 1, "counts": counts}

    data_cache.store(root / "data" / key, write)
    return root / "data" / key


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one of everything, and things in it that are nobody's or somebody else's."""
    root = tmp_path / "cache"
    monkeypatch.setenv("TUNER_CACHE_DIR", str(root))
    data_set(root, KEY)
    for folder in ("features/known", "recipes", "tfds/digits"):
        (root / folder).mkdir(parents=True)
    np.save(root / "features" / f"train-{KEY}.npy", np.zeros((3, 8), np.float32))
    (root / "features" / "known" / f"{KEY}.json").write_text("{}")
    (root / "recipes" / f"{KEY}{KEY}.json").write_text("{}")
    (root / "tfds" / "digits" / "images.npy").write_bytes(b"somebody's")
    (root / "features" / "mine.npy").write_bytes(b"somebody's")
    (root / "data" / "holiday").mkdir()
    (root / "data" / "holiday" / "photo.jpg").write_bytes(b"somebody's")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / f"train-{KEY}.npy").write_bytes(b"behind a link")
    (root / "features" / "link").symlink_to(tmp_path / "far")
    (root / "data" / OTHER).symlink_to(tmp_path / "far")
    return root


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


FOREIGN = {"tfds/digits/images.npy", "features/mine.npy", "data/holiday/photo.jpg"}


def test_it_lists_what_is_kept_with_images_sizes_and_a_total(tuner: Tuner, root: Path) -> None:
    done = tuner("cache")
    head, data, features, notes, recipes, *rest = done.out.splitlines()
    assert done.code == 0
    assert head.split()[:4] == ["kind", "what", "images", "size"]
    assert data.split()[:8] == ["data", "digits", "4", "x", "4", "x", "1", "6"]
    assert features.split()[:6] == ["features", "train,", "8", "an", "image", "3"]
    assert features.endswith(f"today  features/train-{KEY}.npy")
    assert (notes.split()[:2], recipes.split()[:2]) == (["features", "1"], ["recipes", "1"])
    assert str(root) in rest[1]
    assert "Not ours, and never deleted: data, features, tfds (30 B)." in rest


def test_json_has_every_file_and_the_sum(tuner: Tuner, root: Path) -> None:
    found = json.loads(tuner("cache", "--json").out)
    assert found["schema"] == "tuner.cache/1"
    assert [one["kind"] for one in found["stored"]] == ["data", "features", "features", "recipes"]
    assert [one["images"] for one in found["stored"]].count(6) == 1
    assert found["bytes"] == sum(one["bytes"] for one in found["stored"])
    assert found["bytes"] + found["other_bytes"] == sum((root / name).stat().st_size for name in everything(root))


def test_an_empty_or_missing_cache_is_no_error(tuner: Tuner, tmp_path: Path) -> None:
    assert "Nothing is kept" in tuner("cache", "--dir", str(tmp_path / "none")).out
    assert tuner("cache", "clear", "--yes", "--dir", str(tmp_path / "none")).out == "There is nothing to delete.\n"


def test_without_yes_and_without_a_terminal_nothing_goes(tuner: Tuner, root: Path) -> None:
    before = everything(root)
    done = tuner("cache", "clear")
    assert done.code == 0
    assert "Nothing was deleted; with --yes these" in done.out
    assert not json.loads(tuner("cache", "clear", "--json").out)["deleted"]
    assert everything(root) == before


def test_clear_deletes_all_that_is_ours_and_nothing_else(tuner: Tuner, root: Path, tmp_path: Path) -> None:
    assert tuner("cache", "clear", "-y").out.startswith("Deleted 4 of them: ")
    assert everything(root) == FOREIGN
    assert everything(tmp_path / "far") == {f"train-{KEY}.npy"}
    assert (root / "data" / OTHER).is_symlink()
    assert not (root / "data" / KEY).exists()


@pytest.mark.parametrize(
    ("kind", "gone"), [("--data", "data/0"), ("--features", "features/"), ("--recipes", "recipes/")]
)
def test_a_kind_can_be_named(tuner: Tuner, root: Path, kind: str, gone: str) -> None:
    before = everything(root)
    tuner("cache", "clear", kind, "--yes")
    assert before - everything(root) == {name for name in before - FOREIGN if name.startswith(gone)}


def test_what_was_used_lately_stays(tuner: Tuner, root: Path) -> None:
    old(data_set(root, OTHER[:31] + "0"))
    done = tuner("cache", "clear", "--older-than", "30d", "--yes", "--json")
    assert [Path(one["path"]).name for one in json.loads(done.out)["stored"]] == [OTHER[:31] + "0"]
    assert (root / "data" / KEY).is_dir()
    assert json.loads(tuner("cache", "clear", "--older-than", "4w", "--json").out)["stored"] == []


def test_listing_does_not_make_things_look_used(tuner: Tuner, root: Path) -> None:
    old(root / "data" / KEY)
    old(root / "features" / f"train-{KEY}.npy")
    before = tuner("cache", "--json").out
    assert tuner("cache", "--json").out == before
    assert "31 d ago" in tuner("cache").out


@pytest.mark.parametrize("text", ["30", "d", "1x", "-3d", "1.5d"])
def test_an_age_that_is_no_time_is_wrong_use(tuner: Tuner, root: Path, text: str) -> None:
    done = tuner("cache", "clear", "--older-than", text, "--yes")
    assert done.code == 2
    assert everything(root) > FOREIGN


def test_a_folder_can_be_named_before_or_after_clear(tuner: Tuner, root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for arguments in (("--dir", str(elsewhere), "clear"), ("clear", "--dir", str(elsewhere))):
        data_set(elsewhere, KEY)
        assert tuner("cache", *arguments, "--yes").code == 0
        assert everything(elsewhere) == set()
    assert everything(root) > FOREIGN


def test_what_a_living_process_writes_stays_and_what_a_dead_one_left_goes(tuner: Tuner, root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    living = old(root / "data" / KEY, 0).with_name(f"{OTHER}.tmp-{os.getpid()}-00ff00ff")
    dead = root / "data" / f"{OTHER}.tmp-{ended.pid}-00ff00ff"
    for folder in (living, dead):
        folder.mkdir()
        (folder / "staging").write_bytes(b"half")
    young, aged = root / "features" / f".train-{KEY}-x.tmp", root / "features" / f".train-{OTHER}-x.tmp"
    for file in (young, aged):
        file.write_bytes(b"half")
    for path in (living, dead, aged):
        old(path)
    tuner("cache", "clear", "--data", "--yes")
    assert (living / "staging").exists()
    assert young.exists()
    assert not dead.exists()
    assert not aged.exists()


def test_no_keras_is_imported(root: Path) -> None:
    code = "import sys; from tuner.cli.main import main; main(['cache']); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_broken_files_are_listed_all_the_same(tuner: Tuner, root: Path) -> None:
    (root / "data" / KEY / "manifest.json").write_text("[")
    (root / "features" / f"train-{KEY}.npy").write_bytes(b"\x93NUMPY")
    done = tuner("cache")
    assert done.code == 0
    assert "unknown" in done.out
    assert tuner("cache", "clear", "--yes").code == 0
    assert everything(root) == FOREIGN


def test_sizes_and_ages_are_told_in_the_unit_that_says_enough() -> None:
    assert [size(n) for n in (0, 999, 1000, 34_400, 999_600, 1.2e9, 3.4e13)] == [
        "0 B", "999 B", "1.0 kB", "34 kB", "1.0 MB", "1.2 GB", "34000 GB",
    ]  # fmt: skip
    assert [ago(time.time() - days * 86400) for days in (0, 0.9, 3, 400)] == ["today", "today", "3 d ago", "400 d ago"]
