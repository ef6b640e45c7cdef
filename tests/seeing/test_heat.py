"""The heat lies on what the class is, and it is the formula of the two papers."""

import blob_nets
import keras
import numpy as np
import pytest
from keras import layers

from tuner.data import Split
from tuner.models import Classifier
from tuner.seeing.heat import heat, last_map, looking, slope
from tuner.seeing.looks import hottest, looks, surest_mistakes


def test_the_heat_is_highest_on_the_blob_that_makes_the_class(finder):
    images, labels, middles = blob_nets.blobs(3, 64)
    seeing = looking(finder)
    assert seeing is not None
    warm = heat(seeing, images, labels)
    assert warm.shape == (64, 6, 6)
    assert warm.max() == 1.0
    assert warm.min() >= 0.0
    reach = (blob_nets.BLOB / 2 + 24 / 6) / blob_nets.SIZE  # the blob's edge, and one cell of the map
    off = np.abs(np.array([hottest(one) for one in warm]) - middles).max(axis=1)
    assert (off <= reach).mean() > 0.95
    assert (off.mean()) < reach / 2


def test_under_average_pooling_and_a_linear_head_it_is_the_class_activation_map(finder):
    images, labels, _ = blob_nets.blobs(4, 8)
    seeing = looking(finder)
    maps = keras.ops.convert_to_numpy(seeing.lower(images.astype("float32"), training=False))
    kernel = keras.ops.convert_to_numpy(finder.head.get_layer("logits").kernel.value)
    by_hand = np.maximum(np.einsum("nhwd,dn->nhw", maps, kernel[:, labels]), 0)
    by_hand /= by_hand.max(axis=(1, 2), keepdims=True)
    assert heat(seeing, images, labels) == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize(("hidden", "flat"), [(5, False), (0, True)])
def test_the_slope_of_any_head_is_what_differences_say(hidden, flat):
    made = blob_nets.classifier(hidden, flat)
    images, labels, _ = blob_nets.blobs(5, 2)
    seeing = looking(made)
    maps = seeing.lower(images.astype("float32"), training=False)
    found = keras.ops.convert_to_numpy(slope(seeing, maps, labels))
    plain = np.array(keras.ops.convert_to_numpy(maps), np.float32)
    for place in ((0, 1, 2, 3), (1, 5, 0, 7)):
        sides = []
        for step in (-1e-2, 1e-2):
            moved = plain.copy()
            moved[place] += step
            scores = keras.ops.convert_to_numpy(seeing.scores(keras.ops.convert_to_tensor(moved)))
            sides.append(scores[place[0], labels[place[0]]])
        assert found[place] == pytest.approx((sides[1] - sides[0]) / 2e-2, abs=2e-3)


def test_a_class_that_nothing_speaks_for_stays_cold(finder):
    seeing = looking(finder)
    dark = np.zeros((1, blob_nets.SIZE, blob_nets.SIZE, 3), np.uint8)
    maps = keras.ops.convert_to_numpy(seeing.lower(dark.astype("float32"), training=False))
    assert np.isfinite(heat(seeing, dark, np.array([0]))).all()
    assert np.isfinite(maps).all()


def test_where_the_last_map_is_too_coarse_an_earlier_one_is_taken():
    images = keras.Input((24, 24, 3))
    fine = layers.Conv2D(4, 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(images))
    around = layers.Add()([layers.Conv2D(4, 1)(fine), fine])  # no place to cut: what is added goes around
    coarse = layers.Conv2D(4, 3, strides=6)(around)
    for merged in (layers.GlobalAveragePooling2D(), layers.Flatten()):
        seeing = looking(Classifier(None, None, True, keras.Model(images, layers.Dense(3)(merged(coarse)))))
        assert seeing.lower.outputs[0] is around
        assert heat(seeing, np.zeros((2, 24, 24, 3)), np.array([0, 1])).shape == (2, 12, 12)
    whole = keras.Model(images, layers.Dense(3)(layers.Flatten()(layers.Conv2D(4, 12, strides=12)(images))))
    assert looking(Classifier(None, None, True, whole)).lower.output_shape == (None, 2, 2, 4)  # there is no finer one


def test_inner_poolings_are_not_taken_for_the_last_one():
    images = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same")(images)
    squeezed = layers.Reshape((1, 1, 4))(layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))
    last = layers.Multiply()([x, squeezed])
    model = keras.Model(images, layers.GlobalMaxPooling2D()(last))
    assert last_map(model) is last


@pytest.mark.parametrize("kind", ["no convolution", "one place", "two ends", "around"])
def test_a_net_without_one_last_map_has_no_heat(kind):
    images = keras.Input((8, 8, 3))
    flat = layers.GlobalAveragePooling2D
    small, large = layers.Conv2D(4, 8)(images), layers.Conv2D(4, 3)(images)
    ends = {
        "no convolution": lambda: layers.Flatten()(images),
        "one place": lambda: flat()(small),
        "two ends": lambda: layers.Concatenate()([flat()(small), flat()(large)]),
        "around": lambda: layers.Concatenate()([flat()(large), layers.Dense(2)(layers.Flatten()(images))]),
    }
    made = keras.Model(images, layers.Dense(3)(ends[kind]()))
    assert looking(Classifier(None, None, True, made)) is None


def test_the_surest_mistakes_come_first_and_say_where_it_looked(finder):
    images, labels, middles = blob_nets.blobs(6, 16)
    scores = keras.ops.convert_to_numpy(finder.model(images.astype("float32"), training=False))
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    told = (labels + (np.arange(16) % 2)) % 3  # every second label is wrong
    split = Split(images, told)
    found = looks(finder, split, chances, ("red", "green", "blue"), most=4)
    rows = surest_mistakes(chances, told, 4)
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    assert len(found) == 4
    for one, row in zip(found, rows, strict=True):
        assert one.predicted == ("red", "green", "blue")[labels[row]] != one.true
        assert one.image.startswith("data:image/jpeg;base64,")
        assert np.abs(np.array(one.place) - middles[row]).max() < 0.35
    assert looks(finder, split, np.eye(3)[told], ("red", "green", "blue")) == ()
