"""Laws of opening: decoded once, whole or not at all, and the same whatever source the images came from."""

import csv
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tuner.data import DataError, Dataset, Problem, cache_folder, open_dataset
from tuner.data import cache as cache_module
from tuner.interrupts import Interrupted, StopFlag
from tuner.progress import Silent
from tuner.recipe import Recipe

Open = Callable[..., Recipe]
Pictures = tuple[np.ndarray, np.ndarray]


def same(a: Dataset, b: Dataset) -> bool:
    """Equal arrays, labels, class names and fingerprints."""
    pairs = ((a.train, b.train), (a.validation, b.validation), (a.sealed_test, b.sealed_test))
    arrays = all(np.array_equal(x.images, y.images) and np.array_equal(x.labels, y.labels) for x, y in pairs)
    return arrays and a.class_names == b.class_names and a.fingerprint == b.fingerprint


def as_npz(tmp_path: Path, pictures: Pictures) -> dict[str, str]:
    np.savez(tmp_path / "pictures.npz", images=pictures[0], labels=pictures[1])
    return {"source": "npz", "path": str(tmp_path / "pictures.npz")}


def as_floats(tmp_path: Path, pictures: Pictures) -> dict[str, str]:
    one_hot = np.eye(3)[pictures[1]]
    np.savez(tmp_path / "floats.npz", x_train=pictures[0][..., None] / 255, y_train=one_hot)
    return {"source": "npz", "path": str(tmp_path / "floats.npz")}


def as_table(tmp_path: Path, folder: Path) -> dict[str, str]:
    with open(tmp_path / "table.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["path", "label"])
        writer.writerows([os.path.relpath(p, tmp_path), p.parent.name] for p in sorted(folder.glob("*/*.png")))
    return {"source": "csv", "path": str(tmp_path / "table.csv")}


def as_function(tmp_path: Path, pictures: Pictures) -> dict[str, str]:
    np.savez(tmp_path / "hidden.npz", x=pictures[0], y=pictures[1])
    code = f"""
    import numpy as np
    def load():
        with np.load({str(tmp_path / "hidden.npz")!r}) as file:
            return ((np.repeat(file["x"][::-1, :, :, None], 3, axis=-1), file["y"][::-1]),)
    """
    (tmp_path / "mine.py").write_text(textwrap.dedent(code))
    return {"source": "python", "path": "mine.py:load"}


@pytest.mark.parametrize("settings", [{}, {"image_size": [9, 12], "color_mode": "grayscale"}, {"seed": 3}])
def test_the_same_images_are_the_same_data_set_from_every_source(
    recipe: Open, tmp_path: Path, pictures: Pictures, folder: Path, settings: dict[str, object]
) -> None:
    sources = [
        {"source": "directory", "path": str(folder)},
        as_npz(tmp_path, pictures),
        as_floats(tmp_path, pictures),
        as_table(tmp_path, folder),
        as_function(tmp_path, pictures),
    ]
    first, *others = (open_dataset(recipe(**source, **settings), Silent()) for source in sources)
    assert not first.manifest["cached"]
    assert [same(first, other) for other in others] == [True] * 4
    channels = 1 if "color_mode" in settings else 3
    assert first.image_shape == (*settings.get("image_size", [8, 8]), channels)


def test_pixels_and_labels_arrive_unchanged(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    dataset = open_dataset(recipe(**as_npz(tmp_path, pictures), color_mode="grayscale"), Silent())
    label_of = {image.tobytes(): label for image, label in zip(*pictures, strict=True)}
    for split in (dataset.train, dataset.validation, dataset.sealed_test):
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        assert [label_of.pop(image.tobytes()) for image in split.images] == split.labels.tolist()
    assert not label_of


def test_the_second_open_reads_nothing_again(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    asked = recipe(**as_npz(tmp_path, pictures))
    first = open_dataset(asked, Silent())
    started = time.perf_counter()
    second = open_dataset(asked, Silent())
    assert time.perf_counter() - started < 0.5
    assert second.manifest["cached"]
    assert same(first, second)
    assert isinstance(second.train.images, np.memmap)
    assert not second.train.images.flags.writeable


@pytest.mark.parametrize("change", [{"image_size": [9, 8]}, {"seed": 1}, {"validation_split": 0.3}, {"limit": 30}])
def test_another_setting_is_another_cache(
    recipe: Open, tmp_path: Path, pictures: Pictures, change: dict[str, object]
) -> None:
    source = as_npz(tmp_path, pictures)
    first = open_dataset(recipe(**source), Silent())
    second = open_dataset(recipe(**source, **change), Silent())
    assert not second.manifest["cached"]
    assert first.fingerprint != second.fingerprint


def test_a_limit_keeps_every_class_in_its_share(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    dataset = open_dataset(recipe(**as_npz(tmp_path, pictures), limit=30), Silent())
    counts = np.sum([dataset.manifest["counts"][part] for part in ("train", "validation", "test")], axis=0)
    assert counts.tolist() == [10, 10, 10]
    assert dataset.manifest["limit"] == 30


def test_digits_need_nothing(recipe: Open) -> None:
    dataset = open_dataset(recipe(source="digits", limit=100), Silent())
    assert dataset.class_names == tuple("0123456789")
    assert dataset.manifest["value_range"] == [0, 255]
    np.testing.assert_allclose(dataset.class_frequencies.sum(), 1)
    assert dataset.num_classes == 10


@pytest.mark.parametrize("damage", ["truncated", "missing", "manifest"])
def test_a_broken_cache_is_made_again(recipe: Open, tmp_path: Path, pictures: Pictures, damage: str) -> None:
    asked = recipe(**as_npz(tmp_path, pictures))
    first = open_dataset(asked, Silent())
    expected = [np.array(first.train.images), first.fingerprint]
    folder = Path(first.manifest["cache"])
    if damage == "truncated":
        os.truncate(folder / "train.npy", 200)
    elif damage == "missing":
        (folder / "validation_labels.npy").unlink()
    else:
        (folder / "manifest.json").write_text('{"files"')
    again = open_dataset(asked, Silent())
    assert not again.manifest["cached"]
    assert again.fingerprint == expected[1]
    np.testing.assert_array_equal(again.train.images, expected[0])


def open_once(asked: Recipe, barrier: object, answers: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    answers.put(open_dataset(asked, Silent()).fingerprint)  # type: ignore[attr-defined]


@pytest.mark.filterwarnings(
    "ignore:os.fork:RuntimeWarning"
)  # JAX warns of its threads; these processes have none of it
def test_processes_that_race_get_the_same_and_leave_nothing_behind(
    recipe: Open, tmp_path: Path, pictures: Pictures
) -> None:
    asked = recipe(**as_npz(tmp_path, pictures))
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=open_once, args=(asked, barrier, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    fingerprints = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(fingerprints) == 1
    assert len(list((tmp_path / "cache" / "data").iterdir())) == 1


def test_a_process_that_is_killed_leaves_no_half_of_a_cache(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    asked = recipe(**as_npz(tmp_path, pictures))
    code = """
    import os, signal, sys
    from pathlib import Path
    from tuner.data import cache, opening
    from tuner.progress import Silent
    from tuner.recipe import load
    def killed(*args): os.kill(os.getpid(), signal.SIGKILL)
    cache._put = killed
    opening.open_dataset(load(Path(sys.argv[1])), Silent())
    """
    root = Path(cache_module.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(asked.path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (tmp_path / "cache" / "data").iterdir()
    assert ".tmp-" in left.name
    os.utime(left, (0, 0))
    dataset = open_dataset(asked, Silent())
    assert not dataset.manifest["cached"]
    assert [p.name for p in (tmp_path / "cache" / "data").iterdir()] == [Path(dataset.manifest["cache"]).name]


def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, object]:
        (folder / "half").write_text("x")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=rf"data.cache_dir: writing to {tmp_path} failed: No space left"):
        cache_module.store(tmp_path / "key", write)
    assert not list(tmp_path.iterdir())


def test_a_stop_ends_decoding_and_leaves_nothing_behind(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    stop = StopFlag()
    stop.signal_number = signal.SIGTERM
    with pytest.raises(Interrupted):
        open_dataset(recipe(**as_npz(tmp_path, pictures)), Silent(), stop)
    assert not list((tmp_path / "cache" / "data").iterdir())


class Heard(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.total, self.done, self.open = 0, 0, 0

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        self.total, self.open = total or 0, self.open + 1

    def advance(self, by: int = 1, note: str = "") -> None:
        self.done += by

    def end(self) -> None:
        self.open -= 1


def test_progress_counts_every_image_once(recipe: Open, tmp_path: Path, pictures: Pictures) -> None:
    heard = Heard()
    open_dataset(recipe(**as_npz(tmp_path, pictures)), heard)
    assert (heard.total, heard.done, heard.open) == (60, 60, 0)


def test_the_cache_folder_is_the_recipes_or_the_environments(
    recipe: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder(recipe(source="digits")) == tmp_path / "cache"
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert cache_folder(recipe(source="digits", cache_dir="none")) == tmp_path / "elsewhere"
    monkeypatch.delenv("TUNER_CACHE_DIR")
    assert cache_folder(recipe(source="digits", cache_dir="none")) == Path.home() / ".cache" / "tuner"


def test_a_problem_starts_where_the_recipe_says(recipe: Open, tmp_path: Path) -> None:
    asked = recipe(source="digits", limit=50, batch_size=7)
    assert Problem(asked, open_dataset(asked, Silent()), tmp_path).start.batch_size == 7


def test_black_images_are_divided_like_any_others_so_that_they_can_be_told(recipe: Open, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    for black in (slice(60), slice(1)):  # all of them, or one
        images[black] = 0
        dataset = open_dataset(recipe(**as_npz(tmp_path, (images, np.arange(60) % 3))), Silent())
        assert len(dataset.train) + len(dataset.validation) + len(dataset.sealed_test) == 60
        assert len(dataset.validation) == 9
        assert len(dataset.manifest["constant_images"]) == len(images[black])
        images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)


def test_what_is_cached_is_opened_without_the_libraries_that_decoded_it(tmp_path: Path, folder: Path) -> None:
    recipes = []
    for source in ({"source": "digits"}, {"source": "directory", "path": str(folder)}):
        text = {"version": 1, "name": "test", "data": source | {"image_size": [8, 8]}, "model": {"backbone": "LeNet5"}}
        recipes.append(tmp_path / f"{source['source']}.yaml")
        recipes[-1].write_text(json.dumps(text))
    code = f"""
    import sys
    from pathlib import Path
    from tuner.data import kept_samples, open_dataset
    from tuner.progress import Silent
    from tuner.recipe.known import load_known
    for path in {list(map(str, recipes))!r}:
        kept_samples(open_dataset(load_known(Path(path)), Silent()), 4, 0)
    print([name for name in ("sklearn", "PIL.Image", "pydantic", "tensorflow") if name in sys.modules])
    """
    command, environment = (
        [sys.executable, "-c", textwrap.dedent(code)],
        {**os.environ, "TUNER_CACHE_DIR": str(tmp_path)},
    )
    said = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert said == ["['sklearn', 'PIL.Image', 'pydantic']\n", "[]\n"]
