"""Along the gradient: the figures are those of their formulas, and batch norm makes the way smoother."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from tuner.interrupts import StopFlag
from tuner.probes.stateless import gradient_function, values_of
from tuner.progress import Silent
from tuner.seeing.smoothness import LENGTHS, beta, descent, look, workable_rate


def quadratic(values, x, y):
    """0.5 w A w with A = diag(1, 9)."""
    (w,) = values
    stiff = np.array([1.0, 9.0], np.float32)

    class Loss:
        total = float(0.5 * keras.ops.sum(stiff * w * w))

    return Loss, [stiff * w]


def test_on_a_quadratic_bowl_everything_is_known():
    w, rate = np.array([1.0, 1.0], np.float32), 0.1
    seen, own = look(quadratic, [keras.ops.convert_to_tensor(w)], None, None, rate, 1)
    stiff = np.array([1.0, 9.0])
    assert np.asarray(own[0]) == pytest.approx(stiff)
    assert seen.gradient == pytest.approx(82**0.5, rel=1e-6)
    for length, loss, change in zip(LENGTHS, seen.losses, seen.changes, strict=True):
        there = w - length * rate * stiff
        assert loss == pytest.approx(0.5 * (stiff * there**2).sum(), rel=1e-5)
        assert change == pytest.approx(length * rate * ((stiff * stiff) ** 2).sum() ** 0.5, rel=1e-5)
    assert beta(seen, rate) == pytest.approx((1 + 9**4) ** 0.5 / 82**0.5, rel=1e-5)


def test_the_rate_is_the_largest_power_of_a_half_at_which_a_step_helps():
    start = [keras.ops.convert_to_tensor(np.array([1.0, 1.0], np.float32))]
    found = workable_rate(quadratic, start, None, None)
    assert found == 0.125  # 1/4 makes (1 - 9/4)^2 of the steep half: more than before


def net(normalized: bool) -> keras.Model:
    keras.utils.set_random_seed(1)
    parts = [keras.Input((8, 8, 1))]
    for _ in range(2):
        parts.append(layers.Conv2D(16, 3, padding="same", use_bias=not normalized, kernel_initializer="he_normal"))
        parts += [layers.BatchNormalization()] if normalized else []
        parts.append(layers.ReLU())
    model = keras.Sequential([*parts, layers.Flatten(), layers.Dense(10)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_with_batch_norm_the_gradient_holds_further_and_no_net_is_changed():
    digits = load_digits()
    images, labels = (digits.images[..., None] / 8 - 1).astype("float32"), digits.target
    batches = [(images[n : n + 64], labels[n : n + 64]) for n in range(0, 1024, 64)]
    change, spread = {}, {}
    for normalized in (False, True):
        model = net(normalized)
        before = model.get_weights()
        seen = descent(gradient_function(model), values_of(model), batches, 0.1, 31, 5, Silent(), StopFlag())
        assert [one.step for one in seen] == [1, 6, 11, 16, 21, 26, 31]
        assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))
        assert seen[-1].loss < 0.5 * seen[0].loss
        change[normalized] = np.mean([max(one.changes) / one.gradient for one in seen])
        spread[normalized] = np.mean([max(one.losses) - min(one.losses) for one in seen])
    assert change[True] < 0.75 * change[False]
    assert spread[True] < spread[False]
