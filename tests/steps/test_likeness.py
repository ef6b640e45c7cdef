"""What is similarity? The share of a plain readout's errors that the features spare, whatever the task's difficulty."""

import numpy as np
import pytest

from tuner.steps.likeness import SIDE, similarity, small_images, width_of


@pytest.mark.parametrize(
    ("chance", "pixels", "features", "expected"),
    [
        (0.1, 0.5, 0.75, 0.5),  # half of the pixels' errors
        (0.1, 0.95, 0.96, 0.2),  # an easy task: high accuracy, little of it due to the features
        (0.6, 0.4, 0.8, 0.5),  # pixels below chance: chance is the baseline
        (0.1, 0.9, 0.7, 0.0),  # features worse than pixels
        (0.1, 0.5, 1.0, 1.0),
        (0.1, 1.0, 1.0, 0.0),  # nothing to spare
    ],
)
def test_similarity(chance: float, pixels: float, features: float, expected: float) -> None:
    assert similarity(chance, pixels, features) == pytest.approx(expected)


def test_images_become_block_means() -> None:
    images = np.zeros((3, 40, 32, 1), np.uint8)
    images[1] = 255
    images[2, :, 16:] = 255
    rows = np.array([2, 1])
    found = small_images(images, rows)
    assert found.shape == (2, width_of((40, 32, 1))) == (2, SIDE * SIDE)
    np.testing.assert_allclose(found[1], 1.0)
    halves = found[0].reshape(SIDE, SIDE)
    np.testing.assert_allclose(halves[:, : SIDE // 2], 0.0)
    np.testing.assert_allclose(halves[:, SIDE // 2 :], 1.0)


def test_small_images_stay_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    np.testing.assert_allclose(small_images(images, np.arange(4)), images.reshape(4, -1) / 255, rtol=1e-6)
