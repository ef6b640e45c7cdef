"""Laws of the sample grid: small JPEG files, the classes in turn, the same for the same seed."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuner.data import Dataset, Split, data_uri, jpeg, kept_samples, sample_grid

RNG = np.random.default_rng(0)
TRAIN = Split(RNG.integers(0, 256, (40, 8, 8, 3), np.uint8), np.array([0] * 36 + [1] * 4))
DATASET = Dataset("made", "0", TRAIN, TRAIN, ("many", "few"), {}, TRAIN)


def test_the_classes_take_turns_until_one_is_used_up() -> None:
    assert [name for _, name in sample_grid(DATASET, 12, 0)] == ["many", "few"] * 4 + ["many"] * 4


def test_no_more_than_there_are() -> None:
    assert len(sample_grid(DATASET, 100, 0)) == 40


def test_the_seed_decides() -> None:
    assert sample_grid(DATASET, 4, 1) == sample_grid(DATASET, 4, 1) != sample_grid(DATASET, 4, 2)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((8, 8, 3), (64, 64)), ((28, 28, 1), (84, 84)), ((300, 200, 3), (85, 128)), ((100, 90, 1), (90, 100))],
)
def test_pictures_are_between_64_and_128_pixels(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    data = jpeg(RNG.integers(0, 256, shape, np.uint8))
    assert Image.open(io.BytesIO(data)).size == size
    assert len(data) < 20_000
    assert data_uri(data).startswith("data:image/jpeg;base64,/9j/")


def test_augmented_images_in_floating_point_are_clipped() -> None:
    picture = Image.open(io.BytesIO(jpeg(np.full((64, 64, 3), 300.0, np.float32))))
    assert np.asarray(picture).min() > 250


def test_kept_samples_are_those_of_the_grid_and_are_read_back(tmp_path: Path) -> None:
    dataset = dataclasses.replace(DATASET, manifest={"cache": str(tmp_path)})
    grid = [(data_uri(image), label) for image, label in sample_grid(DATASET, 4, 1)]
    assert kept_samples(DATASET, 4, 1) == kept_samples(dataset, 4, 1) == kept_samples(dataset, 4, 1) == grid
    (kept,) = tmp_path.iterdir()
    kept.write_text(json.dumps([["data:image/jpeg;base64,", "told"]]))
    assert kept_samples(dataset, 4, 1) == [("data:image/jpeg;base64,", "told")]
    assert kept_samples(dataset, 4, 2) != grid
    kept.write_text("[[")
    assert kept_samples(dataset, 4, 1) == grid


def test_samples_need_no_cache_that_can_be_written(tmp_path: Path) -> None:
    nowhere = dataclasses.replace(DATASET, manifest={"cache": str(tmp_path / "nowhere")})
    assert len(kept_samples(nowhere, 4, 1)) == 4
