"""The real thing: TFDS' own fashion_mnist, prepared without a network, read through the source `tfds`."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tuner.data import DataError, Dataset, open_dataset
from tuner.progress import Silent
from tuner.recipe import Recipe

Open = Callable[..., Recipe]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx(name: str, header: int) -> np.ndarray:
    with gzip.open(DEBIAN / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


@pytest.fixture
def opened(recipe: Open, fashion_mnist_dir: Path) -> Callable[..., Dataset]:
    def make(**data: object) -> Dataset:
        settings = {"source": "tfds", "name": "fashion_mnist", "data_dir": str(fashion_mnist_dir)}
        return open_dataset(recipe(**settings | data), Silent())

    return make


def test_tfds_and_npz_of_the_same_images_are_the_same_data_set(
    opened: Callable[..., Dataset], recipe: Open, tmp_path: Path
) -> None:
    settings = {"splits": {"train": "test"}, "image_size": [28, 28], "color_mode": "grayscale"}
    ours = opened(**settings)
    assert ours.class_names[:3] == ("T-shirt/top", "Trouser", "Pullover")
    images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    np.savez(tmp_path / "fm.npz", images=images, labels=idx("t10k-labels-idx1-ubyte.gz", 8))
    del settings["splits"]
    theirs = open_dataset(recipe(source="npz", path="fm.npz", class_names=list(ours.class_names), **settings), Silent())
    assert ours.fingerprint == theirs.fingerprint
    np.testing.assert_array_equal(ours.train.images, theirs.train.images)
    np.testing.assert_array_equal(ours.validation.labels, theirs.validation.labels)
    assert opened(splits={"train": "test"}, image_size=[28, 28], color_mode="grayscale").manifest["cached"]


def test_split_expressions_and_limits_are_kept(opened: Callable[..., Dataset]) -> None:
    dataset = opened(splits={"train": "train[:600]", "validation": "train[600:800]", "test": "test[:2%]"}, limit=500)
    counts = {part: sum(classes) for part, classes in dataset.manifest["counts"].items()}
    assert counts["train"] == pytest.approx(300, abs=12)
    assert sum(counts.values()) == 500


def test_an_unknown_split_is_refused_with_those_that_exist(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="no split 'tests\\[:10\\]', only test, train"):
        opened(splits={"train": "train", "test": "tests[:10]"})


def test_an_unknown_builder_is_refused(opened: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="has no 'fashion_mnis'"):
        opened(name="fashion_mnis")


def test_what_is_prepared_and_decoded_opens_without_tensorflow(opened: Callable[..., Dataset], recipe: Open) -> None:
    settings = {"splits": {"train": "test[:200]"}}
    asked = opened(**settings)
    code = (
        "import sys\nfrom pathlib import Path\nfrom tuner.data import open_dataset\nfrom tuner.progress import Silent\n"
        "from tuner.recipe import load\ndataset = open_dataset(load(Path(sys.argv[1])), Silent())\n"
        "print(dataset.fingerprint, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    path = Path(asked.manifest["cache"]).parents[2] / "recipe.yaml"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [asked.fingerprint, "False", "False"]


def test_the_script_refuses_files_that_are_something_else(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "prepare_fashion_mnist.py"
    code = (
        f"import runpy, sys\nfrom pathlib import Path\nnames = runpy.run_path({str(script)!r})\n"
        "try:\n    names['prepare'](Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except (FileNotFoundError, ValueError) as error:\n    print(error)"
    )

    def said() -> str:
        arguments = [sys.executable, "-c", code, str(tmp_path / "to"), str(tmp_path)]
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

    assert "apt-get install dataset-fashion-mnist" in said()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    assert "is not Fashion-MNIST" in said()
