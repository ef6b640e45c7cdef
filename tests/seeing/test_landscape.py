"""The landscape is the loss it says it is, along directions that are as long as the filters."""

import blob_nets
import keras
import numpy as np
import pytest
from keras import layers

from tuner.interrupts import Interrupted, StopFlag
from tuner.progress import Silent
from tuner.records import number, to_json
from tuner.seeing import survey
from tuner.seeing.ground import Ground, Kernel, cross_entropy, ground_of, kernels_of, plane
from tuner.seeing.landscape import coordinates, directions, normalized, rows, surface
from tuner.seeing.smoothness import of_trial
from tuner.training import fit


def lengths(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.sqrt(np.square(array, dtype=np.float64).sum(axis=axes))


@pytest.fixture(scope="module")
def ground() -> Ground:
    made = blob_nets.classifier()
    images, labels, _ = blob_nets.blobs(1, 50)
    return Ground(made.model, kernels_of(made.model), images, labels.astype(np.int64), True, "all", 17)


def test_every_filter_of_a_direction_is_as_long_as_the_networks_own(ground):
    first, second = directions(ground.kernels, seed=0)
    assert [kernel.variable.path.split("/")[-2:] for kernel in ground.kernels] == [
        ["conv0", "kernel"], ["conv1", "kernel"], ["logits", "kernel"],
    ]  # fmt: skip
    for way in (first, second):
        for kernel, array in zip(ground.kernels, way, strict=True):
            assert array.shape == kernel.value.shape
            assert lengths(array, kernel.axes) == pytest.approx(lengths(kernel.value, kernel.axes), rel=1e-5)
    cosine = sum((a * b).sum() for a, b in zip(first, second, strict=True)) / sum((a * a).sum() for a in first)
    assert abs(cosine) < 0.25


def test_a_seed_is_a_pair_of_directions(ground):
    one, same, other = (directions(ground.kernels, seed)[0] for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert not all((a == b).all() for a, b in zip(one, other, strict=True))


def test_normalization_is_per_output_channel_and_of_depthwise_kernels_per_channel():
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.DepthwiseConv2D(3), layers.BatchNormalization(), layers.SeparableConv2D(4, 2)]
    )
    model.trainable = False
    found = {tuple(kernel.variable.shape): kernel.axes for kernel in kernels_of(model)}
    assert found == {(3, 3, 3, 1): (0, 1), (2, 2, 3, 1): (0, 1), (1, 1, 3, 4): (0, 1, 2)}
    assert kernels_of(model, trained_only=True) == ()
    kernel = np.stack([np.zeros((3, 2)), np.ones((3, 2))], axis=-1)
    moved = normalized(np.random.default_rng(0).normal(size=kernel.shape), kernel, (0, 1))
    assert (moved[..., 0] == 0).all()  # a filter of zeros stays
    assert lengths(moved, (0, 1))[1] == pytest.approx(6**0.5)


def test_the_center_is_the_models_own_loss_and_nothing_moved(ground):
    loss = surface(ground, seed=0)
    before = [kernel.value.copy() for kernel in ground.kernels]
    scores = ground.network(ground.inputs.astype("float32"), training=False)
    own = float(keras.ops.mean(cross_entropy(scores, ground.labels, True)))
    named = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(ground.labels, scores)
    assert loss((0.0, 0.0)) == pytest.approx(own, abs=1e-6)
    assert own == pytest.approx(float(named), abs=1e-6)
    assert loss((0.5, -0.5)) != pytest.approx(own, abs=1e-4)
    assert all((kernel.value == value).all() for kernel, value in zip(ground.kernels, before, strict=True))


def test_a_point_of_the_plane_is_the_loss_of_the_model_with_those_weights(ground):
    ways = directions(ground.kernels, seed=1)
    expected = plane(ground, ways)((0.3, -0.7))
    before = [kernel.value.copy() for kernel in ground.kernels]
    for kernel, value, a, b in zip(ground.kernels, before, *ways, strict=True):
        kernel.variable.assign(value + 0.3 * a - 0.7 * b)
    here = float(keras.ops.mean(cross_entropy(ground.network(ground.inputs.astype("float32")), ground.labels, True)))
    for kernel, value in zip(ground.kernels, before, strict=True):
        kernel.variable.assign(value)
    assert expected == pytest.approx(here, rel=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Bowl(layers.Layer):
    """Two scores whose difference makes the cross-entropy of class 0 a function of the kernel's squared length only."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(4, 1), initializer="ones", name="kernel")

    def call(self, x):
        squared = keras.ops.sum(keras.ops.square(self.kernel - 1.0)) * keras.ops.ones_like(x[:, :1])
        return keras.ops.concatenate([-keras.ops.log(keras.ops.expm1(squared + 1e-3)), squared * 0.0], axis=1)


def test_a_bowl_has_the_loss_of_its_formula_and_circles_around_its_lowest_place():
    layer = Bowl()
    model = keras.Sequential([keras.Input((1,)), layer])
    inputs, labels = np.zeros((3, 1), np.float32), np.zeros(3, np.int64)
    ground = Ground(model, (Kernel(layer.kernel, (0,)),), inputs, labels, True, "all", 3)
    first, second = np.eye(4, dtype=np.float32)[:2, :, None]  # at right angles, of one length
    loss = plane(ground, [[first], [second]])
    for radius in (0.25, 0.5, 1.0):
        around = [loss((radius * np.cos(turn), radius * np.sin(turn))) for turn in np.linspace(0, 6, 9)]
        assert around == pytest.approx([radius**2 + 1e-3] * 9, rel=1e-3)  # -log p = log(1 + e^(s - t)), by design


def test_a_side_has_an_odd_number_of_points():
    assert coordinates(5) == (-1.0, -0.5, 0.0, 0.5, 1.0)
    with pytest.raises(ValueError, match=r"odd number of points from 5 to 101.*got 20. Try 21"):
        coordinates(20)
    with pytest.raises(ValueError, match="Try 5"):
        coordinates(3)


def test_rows_are_kept_one_by_one_and_a_stopped_picture_goes_on():
    stop, kept, asked = StopFlag(), [], []

    def loss(at):
        asked.append(at)
        return at[0] + 10 * at[1]

    def keep(found):
        kept.append(found)
        if len(found) == 2:
            stop.signal_number = 2

    with pytest.raises(Interrupted):
        rows(loss, coordinates(5), (), keep, Silent(), stop)
    assert [len(found) for found in kept] == [1, 2]
    asked.clear()
    whole = rows(loss, coordinates(5), kept[-1], lambda found: None, Silent(), StopFlag())
    assert len(asked) == 15
    assert whole == tuple(tuple(a + 10 * b for a in coordinates(5)) for b in coordinates(5))


def test_the_center_of_a_heads_landscape_is_its_training_loss(make_problem, run, spec):
    problem = make_problem(train=40)
    trial = fit(problem, run, spec(keep=True, epochs=1))
    plan = survey.planned(problem, run, trial, points=5, images=40, seed=0)
    kept = []
    done = survey.finished(plan, plan.empty, kept.append, Silent(), StopFlag())
    assert done.complete
    assert [len(one.rows) for one in kept] == [1, 2, 3, 4, 5]
    again = ground_of(problem, run, trial, 40, whole=True)
    assert ([again.part, plan.asked.part], len(again.kernels), done.kernels) == (["all", "head"], 3, 1)
    scores = again.network(problem.dataset.train.images.astype("float32"), training=False)
    own = float(keras.ops.mean(cross_entropy(scores, problem.dataset.train.labels, True)))
    assert done.rows[2][2] == pytest.approx(own, abs=1e-5)
    half = to_json(kept[1])
    assert survey.begun(plan, half).rows == done.rows[:2]
    assert survey.begun(plan, {**half, "asked": {**half["asked"], "seed": 1}}) == plan.empty
    assert survey.begun(plan, None) == plan.empty
    assert number(half["seconds"]) > 0
    way = of_trial(problem, run, trial)
    assert (way.part, way.trial, way.batch) == ("head", trial.number, 40)
    assert way.steps[-1].loss < way.steps[0].loss
