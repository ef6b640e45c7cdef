import base64
import math

import keras
import numpy as np
import signal_models as signals
from keras import layers
from scipy.ndimage import gaussian_filter

from tuner.probes.filters import filters, noise
from tuner.probes.readings import layers as readings


def test_random_filters_are_rough_and_smooth_ones_are_not() -> None:
    rough = np.random.default_rng(0).normal(size=(7, 7, 3, 32))
    assert noise(rough) > 0.85
    assert noise(gaussian_filter(rough, (1.5, 1.5, 0, 0))) < 0.4
    assert math.isnan(noise(rough[:3, :3]))
    assert math.isnan(noise(np.zeros((5, 5, 1, 4))))


def test_every_filter_becomes_a_picture() -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(6, 5), layers.Flatten(), layers.Dense(2)])
    found = filters(signals.Subject(model))
    assert found is not None
    assert len(found.pictures) == 6
    kind, data = found.pictures[0].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert filters(signals.Subject(signals.dense())) is None


def test_a_reading_for_every_layer() -> None:
    x, y = signals.digits()
    found = readings(signals.fresh(signals.dense(), "adam", x, y))
    assert [reading.kind for reading in found] == ["Dense", "Dense", "Dense"]
    assert found[0].parameters == 64 * 32 + 32
    assert all(0 < reading.update_ratio < 1 and reading.gradient_norm > 0 for reading in found)
    assert 0 <= found[0].dead_share <= 1
    assert math.isnan(found[2].dead_share)
