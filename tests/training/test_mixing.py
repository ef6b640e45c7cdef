"""Mixed images have mixed labels: in the shares, in the loss of a trainee, and in the figures that it reports."""

from typing import Any

import keras
import numpy as np
import pytest
from scipy.stats import beta

from tuner.training.mixing import KNOTS, CutMix, Mixing, MixUp, beta_quantiles, mixed_truth
from tuner.training.trainee import Trainee, rekey, seed_states

LABELS = np.array([0, 1, 2, 1], np.int32)
IMAGES = np.stack([np.full((8, 8, 3), value) for value in (0, 80, 160, 240)]).astype("uint8")
PARTNERS = np.array([1, 0, 3, 2])


class FourTenths(MixUp):
    """A mix whose draw is known: 0.4 of the image, 0.6 of its partner."""

    def call(self, images: Any, shares: Any, training: bool = True) -> tuple[Any, Any]:
        """Of `PARTNERS`."""
        images, own = self.mixed(images, keras.ops.convert_to_tensor(PARTNERS), keras.ops.full((4,), 0.4))
        return images, own[:, None] * shares + (1 - own[:, None]) * keras.ops.take(shares, PARTNERS, axis=0)


@pytest.fixture(scope="module")
def net() -> keras.Model:
    """The mean of each channel times a fixed matrix: three scores."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
    model = keras.Model(images, keras.layers.Dense(3)(x))
    model.layers[-1].set_weights([np.array([[2, 0, -1], [0, 1, 0], [0, 0, 3]], np.float32), np.zeros(3, np.float32)])
    return model


def trained(net: keras.Model, mix: Mixing | None, weights: np.ndarray, smoothing: float = 0.0) -> tuple[float, ...]:
    """The loss that is minimized, and the loss and accuracy that are reported."""
    trainee = Trainee([net], [] if mix is None else [mix])
    trainee.label_smoothing.assign(smoothing)
    said = trainee(IMAGES, training=True)
    y, w = (keras.ops.convert_to_tensor(value) for value in (LABELS, weights.astype(np.float32)))
    report = trainee.compute_metrics(IMAGES, y, said, w)
    return tuple(float(value) for value in (trainee.compute_loss(IMAGES, y, said, w), *report.values()))


def expected(net: keras.Model, truth: np.ndarray, rows: np.ndarray) -> float:
    """Mean cross-entropy of labels (4, 3) at the images 0.4 x + 0.6 partner, in nats, by NumPy."""
    mixed = 0.4 * IMAGES + 0.6 * IMAGES[PARTNERS]
    scores = np.asarray(net(mixed.astype("float32")), np.float64)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-(truth * log_p).sum(axis=1)[rows].mean())


def test_four_tenths_of_a_cat_and_six_of_a_dog_have_labels_of_four_and_six_tenths(net: keras.Model) -> None:
    truth = 0.4 * np.eye(3)[LABELS] + 0.6 * np.eye(3)[LABELS[PARTNERS]]
    assert truth[0].tolist() == [0.4, 0.6, 0.0]
    loss, reported, accuracy = trained(net, FourTenths(0), np.ones(4))
    assert loss == pytest.approx(expected(net, truth, np.arange(4)), abs=1e-6)
    heavier = np.eye(3)[LABELS[PARTNERS]]
    assert reported == pytest.approx(expected(net, heavier, np.arange(4)), abs=1e-6)
    scores = np.asarray(net((0.4 * IMAGES + 0.6 * IMAGES[PARTNERS]).astype("float32")))
    assert accuracy == pytest.approx((scores.argmax(axis=1) == LABELS[PARTNERS]).mean())


def test_smoothing_is_added_to_mixed_labels(net: keras.Model) -> None:
    truth = 0.4 * np.eye(3)[LABELS] + 0.6 * np.eye(3)[LABELS[PARTNERS]]
    loss, *_ = trained(net, FourTenths(0), np.ones(4), smoothing=0.3)
    assert loss == pytest.approx(expected(net, 0.7 * truth + 0.1, np.arange(4)), abs=1e-6)


def test_what_fills_a_batch_up_stays_out_of_the_loss(net: keras.Model) -> None:
    truth = 0.4 * np.eye(3)[LABELS] + 0.6 * np.eye(3)[LABELS[PARTNERS]]
    loss, reported, _ = trained(net, FourTenths(0), np.array([1, 1, 1, 0]))
    assert loss == pytest.approx(expected(net, truth, np.array([0, 1, 2])), abs=1e-6)
    assert reported == pytest.approx(expected(net, np.eye(3)[LABELS[PARTNERS]], np.array([0, 1, 2])), abs=1e-6)


def test_labels_count_with_the_weight_of_their_own_image() -> None:
    shares = (0.4 * np.eye(4) + 0.6 * np.eye(4)[PARTNERS]).astype("float32")
    truth, total = mixed_truth(np.eye(3, dtype="float32")[LABELS], np.array([2.0, 1, 5, 0], "float32"), shares)
    assert np.asarray(total) == pytest.approx([0.4 * 2 + 0.6, 0.4 + 0.6 * 2, 5, 0])  # the third's partner fills up
    assert np.asarray(truth)[0] == pytest.approx([0.8 / 1.4, 0.6 / 1.4, 0])
    assert np.asarray(truth)[2] == pytest.approx([0, 0.6, 0.4])


def test_without_a_mix_the_trainee_is_what_it_was(net: keras.Model) -> None:
    loss, reported, _ = trained(net, None, np.ones(4))
    assert loss == reported


def test_a_box_of_the_partner_counts_by_its_pixels() -> None:
    layer = CutMix(seed=3)
    images = keras.ops.convert_to_tensor(np.arange(32, dtype="float32")[:, None, None, None] * np.ones((1, 8, 6, 1)))
    after, shares = layer(images, keras.ops.eye(32))
    after, shares = np.asarray(after)[..., 0], np.asarray(shares)
    own = np.array([(after[n] == n).mean() for n in range(32)])
    np.testing.assert_allclose(np.diag(shares)[shares.max(axis=1) < 1], own[shares.max(axis=1) < 1], atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    cut = [n for n in range(32) if 0 < own[n] < 1]
    assert len(cut) > 16
    for n in cut:
        rows, columns = np.nonzero(after[n] != n)
        box = after[n][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(box)) == 1


def test_one_mix_after_another_multiplies_the_shares() -> None:
    layers = (MixUp(seed=1, alpha=1.0), CutMix(seed=2))
    images, shares = keras.ops.eye(16)[:, :, None, None] * keras.ops.ones((1, 1, 4, 1)), keras.ops.eye(16)
    for layer in layers:
        images, shares = layer(images, shares)
    np.testing.assert_allclose(np.asarray(shares).sum(axis=1), 1, atol=1e-5)
    assert (np.asarray(shares) > 0.01).sum(axis=1).max() > 2


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 4.0, 8.0, 16.0, 32.0, 100.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    quantiles = beta_quantiles(alpha).astype(np.float64)
    middles = (quantiles[1:] + quantiles[:-1]) / 2
    assert middles.mean() == pytest.approx(0.5, abs=1e-4)
    assert middles.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=5e-3)
    assert (np.diff(quantiles) >= 0).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0, 8.0, 32.0, 100.0])
def test_quantiles_are_those_of_scipy(alpha: float) -> None:
    places = np.linspace(0, 1, KNOTS + 1)[1:-1]
    np.testing.assert_allclose(beta_quantiles(alpha)[1:-1], beta.ppf(places, alpha, alpha), atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_shares_add_up_whatever_the_precision_of_the_run(policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layers = (MixUp(seed=1, alpha=1.0), CutMix(seed=2))
    finally:
        keras.config.set_dtype_policy(before)
    images, shares = keras.ops.ones((16, 8, 8, 3)), keras.ops.eye(16)
    for layer in layers:
        images, shares = layer(images, shares)
        assert np.asarray(shares).dtype == np.asarray(images).dtype == np.float32
    np.testing.assert_allclose(np.asarray(shares).sum(axis=1), 1, atol=1e-6)


def test_a_mix_repeats_itself_by_seed_and_epoch(net: keras.Model) -> None:
    trainee = Trainee([net], [MixUp(seed=0, alpha=1.0)])
    trainee.compile(keras.optimizers.SGD(0.0))
    found = []
    for epoch in (0, 1, 0):
        rekey(seed_states(trainee), 5, epoch)
        found.append(float(trainee.train_on_batch(IMAGES, LABELS, np.ones(4, "float32"), return_dict=True)["loss"]))
    assert found[0] == found[2] != found[1]


def test_alpha_is_above_zero() -> None:
    with pytest.raises(ValueError, match="alpha should be above 0, not 0"):
        MixUp(seed=0, alpha=0.0)
