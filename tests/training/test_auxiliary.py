"""An auxiliary head adds its cross-entropy, times its weight, to the loss of training, and is nowhere else."""

import keras
import numpy as np
import pytest

from tuner.models import ModelError, structure_of, tapped
from tuner.training import export, fit, predict
from tuner.training.checkpoints import read
from tuner.training.families import family_of, fresh_weights
from tuner.training.variables import value_of

WEIGHT = 0.3
TRAINED = {"trainable": "all", "freeze_batch_norm": False, "auxiliary_head": WEIGHT}


def family(problem, point):
    """The family of a point, at the start of a trial."""
    made = family_of("net", problem, point)
    made.begin(fresh_weights(problem, structure_of(point), 0), point)
    return made


def test_its_cross_entropy_times_its_weight_is_added(problem, spec):
    trainee = family(problem, spec(**TRAINED, label_smoothing=0.2, l2=0.5).hyperparameters).trainee
    rng = np.random.default_rng(0)
    scores, second = (rng.normal(size=(5, 3)).astype("float32") for _ in range(2))
    labels, weights = np.array([0, 1, 2, 1, 0]), np.array([1, 2, 1, 0, 1], "float32")
    target = 0.8 * np.eye(3)[labels] + 0.2 / 3

    def entropy(logits):
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return (-(target * log_p).sum(axis=1) * weights).sum() / weights.sum()

    penalty = float(trainee.penalty())
    loss = float(trainee.compute_loss(None, labels, [scores, second], weights))
    assert loss == pytest.approx(entropy(scores) + WEIGHT * entropy(second) + penalty, rel=1e-5)
    reported = trainee.compute_metrics(None, labels, [scores, second], weights)
    assert reported["loss"] == trainee.compute_metrics(None, labels, scores, weights)["loss"]


def test_it_stands_in_the_middle_and_starts_at_zero(problem, spec):
    made = family(problem, spec(**TRAINED).hyperparameters)
    kernel = made.auxiliary[0]
    assert kernel.shape == (6, 3)  # of the first of two convolutions
    assert not value_of(kernel).any()
    images = problem.dataset.train.images[:4]
    scores, second = made.trainee(images, training=True)
    assert scores.shape == second.shape == (4, 3)
    assert made.trainee(images, training=False).shape == (4, 3)


def test_a_training_with_it_differs_and_can_be_repeated(problem, new_run, spec):
    with_it, again, without = (
        fit(problem, new_run(), spec(**TRAINED | {"auxiliary_head": weight})) for weight in (WEIGHT, WEIGHT, 0.0)
    )
    assert with_it.curves == again.curves
    assert with_it.curves.step_loss[0] == pytest.approx(without.curves.step_loss[0], rel=1e-5)
    assert with_it.curves.step_loss[-1] != without.curves.step_loss[-1]


def test_it_stands_beside_mixed_images_and_an_average_of_the_weights(problem, new_run, spec):
    more = {"augmentation": (("MixUp", (("alpha", 0.2),)),), "ema_momentum": 0.9}
    one, other = (fit(problem, new_run(), spec(**TRAINED | more | {"auxiliary_head": w})) for w in (0.0, WEIGHT))
    assert np.isfinite(other.curves.loss).all()
    assert one.curves.val_loss[-1] != other.curves.val_loss[-1]


def test_its_weight_is_a_variable(problem, spec):
    one, other = (
        family_of("net", problem, spec(**TRAINED | {"auxiliary_head": w}).hyperparameters) for w in (0.1, 2.0)
    )
    assert one is other


def test_it_lowers_no_head_that_trains_alone(problem, new_run, spec):
    one, other = (fit(problem, new_run(), spec(auxiliary_head=weight)) for weight in (0.0, WEIGHT))
    assert one.curves == other.curves
    assert other.engine == "heads"


def test_a_continued_trial_is_the_long_one(problem, new_run, spec):
    whole = fit(problem, new_run(), spec(**TRAINED, epochs=4, keep=True))
    run = new_run()
    first = fit(problem, run, spec(**TRAINED, epochs=2, keep=True))
    rest = fit(problem, run, spec(**TRAINED, epochs=2, keep=True, parent=first.number, continued=True))
    assert first.curves.loss + rest.curves.loss == whole.curves.loss


def test_no_file_that_is_handed_over_has_it(problem, run, spec, tmp_path):
    trial = fit(problem, run, spec(**TRAINED, keep=True))
    assert set(read(run.weights_path(trial)).best) == {"backbone", "head"}
    export(problem, run, trial, tmp_path / "best.keras")
    loaded = keras.saving.load_model(tmp_path / "best.keras", compile=False)
    images = problem.dataset.validation.images
    assert len(loaded.outputs) == 1
    assert not [weight.path for weight in loaded.weights if "auxiliary" in weight.path]
    np.testing.assert_allclose(loaded.predict(images, verbose=0), predict(problem, run, trial, images), atol=1e-5)


def test_a_stage_after_it_begins_without_it(problem, run, spec):
    first = fit(problem, run, spec(**TRAINED, keep=True))
    later = spec(trainable="all", freeze_batch_norm=False, parent=first.number, learning_rate=1e-12, weight_decay=0.0)
    assert fit(problem, run, later).curves.val_loss[0] == pytest.approx(first.val_loss, abs=0.2)


def test_a_whole_classifier_of_ones_own_may_have_it(make_problem, folder, new_run, spec):
    (folder / "deep_nets.py").write_text(
        "import keras\nfrom keras import layers\n\n\ndef whole(input_shape, num_classes):\n"
        "    images = x = keras.Input(input_shape)\n"
        "    for width in (4, 5):\n        x = layers.Conv2D(width, 3, strides=2, activation='relu')(x)\n"
        "    x = layers.GlobalAveragePooling2D()(x)\n"
        "    return keras.Model(images, layers.Dense(num_classes, activation='softmax')(x))\n"
    )
    own = make_problem(backbone=":python:deep_nets:whole")
    one, other = (fit(own, new_run(), spec(**TRAINED | {"auxiliary_head": w})) for w in (0.0, WEIGHT))
    assert one.curves.step_loss[-1] != other.curves.step_loss[-1]


def test_where_no_layer_trains_below_a_map_it_is_refused(problem):
    layers = keras.layers
    images = keras.Input((8, 8, 3))
    flat = keras.Model(images, layers.Dense(4)(layers.Flatten()(layers.Conv2D(4, 3, name="conv")(images))))
    assert tapped(flat, "all", False).outputs[0].shape == (None, 6, 6, 4)
    with pytest.raises(ModelError, match="auxiliary_head: 0"):
        tapped(flat, "last:1", False)
