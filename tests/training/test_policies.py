"""AutoAugment and RandAugment draw operations for each image, with the paper's ranges."""

from typing import Any

import keras
import numpy as np
import pytest

from tuner.training import policies
from tuner.training.framing import RandomCrop
from tuner.training.policies import DRAWN, NAMES, POLICIES, AutoAugment, RandAugment, apply_operation, pairs_of

GRAY = np.full((1, 8, 8, 3), 100, "float32")


def at(name: str, magnitude: int, images: np.ndarray = GRAY) -> np.ndarray:
    one = keras.ops.ones(len(images))
    after = apply_operation(name, keras.ops.convert_to_tensor(images), one * (magnitude / 9), one)
    return keras.ops.convert_to_numpy(after)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_25_pairs_of_known_operations(policy: str) -> None:
    pairs = pairs_of(policy)
    assert len(pairs) == 25
    for name, chance, magnitude in (one for pair in pairs for one in pair):
        assert name in NAMES
        assert 0 <= chance <= 1
        assert 0 <= magnitude <= 9


def test_the_ranges_are_those_of_the_paper() -> None:
    assert at("Brightness", 0).max() == pytest.approx(10, abs=0.1)  # factors from 0.1 ...
    assert at("Brightness", 9).max() == pytest.approx(190, abs=0.1)  # ... to 1.9
    assert at("Posterize", 9).max() == 96  # 4 bits
    assert at("Posterize", 0).max() == 100  # 8 bits
    assert at("Solarize", 9).max() == 155  # from 0 on
    assert at("Solarize", 0).max() == 100  # from 256 on
    ramp = np.tile(np.arange(20, dtype="float32")[None, None, :, None], (1, 20, 1, 1))
    shift = at("TranslateX", 9, ramp)[0, 0, 0, 0]
    assert shift == pytest.approx(20 * 150 / 331, abs=0.01)
    assert np.ptp(at("ShearX", 9, ramp)[0, :, 10, 0]) == pytest.approx(19 * 0.3, abs=0.01)
    assert at("Rotate", 9, ramp)[0, 10, 12, 0] - at("Rotate", 9, ramp)[0, 10, 10, 0] == pytest.approx(3**0.5, abs=0.01)


def test_every_image_draws_its_own_pair() -> None:
    images = keras.ops.convert_to_tensor(np.repeat(np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)), 64, 0))
    layer = AutoAugment("imagenet", seed=0)
    after = keras.ops.convert_to_numpy(layer(keras.ops.cast(images, "float32")))
    assert len(np.unique(after.round(2), axis=0)) > 16
    assert after.std(axis=0).max() > 20
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(GRAY, training=False)), GRAY)


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="cifar10, svhn, imagenet, not cifar100"):
        AutoAugment("cifar100", seed=0)


def drawing(monkeypatch: pytest.MonkeyPatch, name: str, factor: float, images: np.ndarray) -> np.ndarray:
    """Images after one operation of RandAugment, all of whose draws but NOTHING are this one."""
    monkeypatch.setattr(policies, "DRAWN", (name,) * 1000)
    return np.asarray(RandAugment(seed=0, num_ops=1, factor=factor)(keras.ops.convert_to_tensor(images)))


MANY = np.repeat(GRAY, 64, axis=0)
RAMP = np.tile(np.arange(24, dtype="float32")[None, None, :, None] + 60, (64, 24, 1, 3))


@pytest.mark.parametrize("name", [name for name in DRAWN if name not in ("AutoContrast", "Equalize")])
def test_a_factor_of_zero_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    np.testing.assert_allclose(drawing(monkeypatch, name, 0.0, RAMP), RAMP, atol=1e-3)


def test_the_ranges_of_randaugment_are_those_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    brightness = np.unique(drawing(monkeypatch, "Brightness", 1.0, MANY).round(1))
    assert brightness == pytest.approx([10, 190], abs=0.1)  # factors 0.1 and 1.9: both directions
    half = np.unique(drawing(monkeypatch, "Brightness", 0.5, MANY).round(1))
    assert half == pytest.approx([55, 145], abs=0.1)
    assert drawing(monkeypatch, "Posterize", 1.0, MANY).max() == 96  # 4 bits
    assert drawing(monkeypatch, "Posterize", 0.5, MANY + 3).max() == 100  # 6 bits
    assert drawing(monkeypatch, "Solarize", 1.0, MANY).max() == 155  # from 0 on
    shifted = drawing(monkeypatch, "TranslateX", 1.0, RAMP)[:, 12, 12, 0] - RAMP[:, 12, 12, 0]
    assert np.unique(shifted.round(2)) == pytest.approx([-24 * 150 / 331, 24 * 150 / 331], abs=0.01)
    sheared = drawing(monkeypatch, "ShearX", 1.0, RAMP)
    assert np.unique((sheared[:, 15, 10, 0] - sheared[:, 5, 10, 0]).round(2)) == pytest.approx([-3, 3], abs=0.01)
    turned = drawing(monkeypatch, "Rotate", 1.0, RAMP)
    slopes = np.unique((turned[:, 12, 10, 0] - turned[:, 10, 10, 0]).round(2))
    assert slopes == pytest.approx([-1, 1], abs=0.01)  # 2 sin 30 degrees


def test_randaugment_draws_every_operation_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def marked(images: Any, kinds: Any, *others: Any) -> Any:
        seen.append(np.asarray(kinds))
        return images

    monkeypatch.setattr(policies, "_applied", marked)
    RandAugment(seed=0, num_ops=3)(keras.ops.zeros((4096,)))
    kinds = np.stack(seen)
    assert kinds.shape == (3, 4096)
    numbers, counts = np.unique(kinds, return_counts=True)
    assert [NAMES[n] if n >= 0 else "nothing" for n in numbers] == ["nothing", *(n for n in NAMES if n != "Invert")]
    assert np.abs(counts / kinds.size * 14 - 1).max() < 0.15  # five standard deviations
    assert len({tuple(column) for column in kinds.T}) > 1000


def test_every_image_of_randaugment_draws_its_own() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    layer = RandAugment(seed=0)
    after = np.asarray(layer(keras.ops.convert_to_tensor(np.repeat(image, 64, axis=0))))
    assert len(np.unique(after.round(2), axis=0)) > 32
    assert after.std(axis=0).max() > 20
    np.testing.assert_array_equal(np.asarray(layer(GRAY, training=False)), GRAY)


@pytest.mark.parametrize(("num_ops", "factor"), [(0, 0.5), (2, 1.1), (2, -0.1)])
def test_what_randaugment_cannot_do_is_refused(num_ops: int, factor: float) -> None:
    with pytest.raises(ValueError, match="num_ops from 1 on and factor from 0 to 1"):
        RandAugment(seed=0, num_ops=num_ops, factor=factor)


def test_a_padded_crop_moves_each_image_by_whole_pixels_of_its_own() -> None:
    images = np.random.default_rng(0).uniform(1, 255, (40, 8, 9, 2)).astype("float32")
    after = keras.ops.convert_to_numpy(RandomCrop(padding=2, seed=0)(keras.ops.convert_to_tensor(images)))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    places = set()
    for image, found in zip(padded, after, strict=True):
        here = [(y, x) for y in range(5) for x in range(5) if (image[y : y + 8, x : x + 9] == found).all()]
        assert len(here) == 1
        places.update(here)
    assert len(places) > 12


def test_a_mirrored_border_needs_an_image_larger_than_it() -> None:
    with pytest.raises(ValueError, match="padding 8 needs images larger than 8 x 8"):
        RandomCrop(padding=8, seed=0, fill_mode="reflect")(GRAY)
    assert RandomCrop(padding=2, seed=0, fill_mode="reflect")(GRAY).shape == GRAY.shape
