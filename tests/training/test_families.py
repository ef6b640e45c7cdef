"""Trials share compiled models, and a compiled model serves any of its trials as a new one would."""

import keras
import numpy as np
import pytest

from tuner.records import TrialSpec
from tuner.training import fit, fit_many, trace_count
from tuner.training.engines import ENGINES
from tuner.training.families import MOST_FAMILIES, _families, clear, family_of
from tuner.training.trainee import TRACES
from tuner.training.variables import value_of

VALUES = [
    {
        "learning_rate": 0.1,
        "weight_decay": 0.3,
        "dropout": 0.5,
        "label_smoothing": 0.2,
        "l1": 0.1,
        "l2": 0.01,
        "seed": 3,
    },
    {"schedule": "CosineDecay", "warmup_epochs": 1.0, "examples": 20, "blank_images": True},
    {"ramp": (1e-5, 1.0), "max_steps": 9, "validate": False},
]


@pytest.mark.parametrize("settings", [{}, {"trainable": "all"}], ids=["head", "net"])
def test_a_family_is_traced_once_for_training_and_once_for_prediction(problem, run, spec, settings):
    clear()
    before = trace_count()
    fit_many(problem, run, [spec(**settings | values) for values in ({}, *VALUES)])
    assert trace_count() - before <= 2


def test_traces_are_counted_by_kind(problem, run, spec):
    clear()
    before = dict(TRACES)
    fit(problem, run, spec(validate=False, trainable="all"))
    assert TRACES["train"] == before.get("train", 0) + 1
    assert TRACES["predict"] == before.get("predict", 0)


def test_the_most_recently_used_families_are_kept(problem, run, spec):
    clear()
    for batch_size in range(2, 2 + MOST_FAMILIES + 2):
        family_of("head", problem, spec(batch_size=batch_size).hyperparameters)
        family_of("head", problem, spec(batch_size=2).hyperparameters)
    assert len(_families) == MOST_FAMILIES
    assert {key.batch_size for key in _families} == {2, *range(5, 10)}


@pytest.mark.parametrize("name", ["heads", "head"])
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.4, "head_units": (6,), "l2": 1e-3}], ids=["linear", "hidden"])
def test_a_head_on_features_is_the_whole_model_with_its_backbone_frozen(problem, new_run, spec, settings, name):
    asked, engines = spec(epochs=3, **settings), {engine.name: engine for engine in ENGINES}
    head, net = (engines[each].serve(problem, new_run(), [asked])[0] for each in (name, "net"))
    assert (head.engine, net.engine) == (name, "net")
    if settings.get("dropout"):  # the two draw different masks: alike on the average of an epoch only
        np.testing.assert_allclose(head.curves.loss, net.curves.loss, atol=0.1)
        np.testing.assert_allclose(head.curves.val_loss, net.curves.val_loss, atol=0.1)
        return
    for curve in ("loss", "val_loss", "step_loss"):
        np.testing.assert_allclose(getattr(head.curves, curve), getattr(net.curves, curve), rtol=1e-4)


@pytest.mark.parametrize("settings", [{"label_smoothing": 0.2}, {"l2": 0.5}, {"l1": 0.5}, {"weight_decay": 5.0}])
def test_every_value_in_a_variable_acts(problem, run, spec, settings):
    plain, other = fit_many(problem, run, [spec(weight_decay=0.0), spec(**{"weight_decay": 0.0} | settings)])
    assert plain.curves.step_loss[0] == other.curves.step_loss[0]
    assert plain.curves.step_loss[-1] != other.curves.step_loss[-1]


def test_smoothing_and_penalties_enter_the_loss_as_keras_defines_them(problem, spec):
    point = spec(label_smoothing=0.2, l1=0.3, l2=0.7).hyperparameters
    trainee = family_of("head", problem, point).trainee
    trainee.label_smoothing.assign(0.2)
    trainee.l1.assign(0.3)
    trainee.l2.assign(0.7)
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(8, 3)).astype("float32"), rng.integers(0, 3, 8).astype("int32")
    weights = np.array([1, 2, 0, 1, 1, 0, 0, 3], "float32")
    loss = float(keras.ops.convert_to_numpy(trainee.compute_loss(None, labels, scores, weights)))
    crossentropy = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction=None)
    losses = keras.ops.convert_to_numpy(crossentropy(np.eye(3, dtype="float32")[labels], scores))
    kernel = value_of(trainee.parts[0].trainable_variables[0])
    penalty = 0.3 * np.abs(kernel).sum() + 0.7 * np.square(kernel).sum()
    assert loss == pytest.approx(np.average(losses, weights=weights) + penalty, rel=1e-5)


def test_a_users_classifier_that_ends_in_probabilities_is_trained_as_it_is(make_problem, run, spec):
    problem = make_problem(backbone="classifier")
    trial = fit(problem, run, spec(epochs=8, learning_rate=0.05, trainable="all"))
    assert trial.engine == "net"
    assert trial.curves.loss[0] == pytest.approx(np.log(3), abs=0.3)
    assert trial.curves.loss[-1] < trial.curves.loss[0]


def test_a_frozen_users_classifier_trains_its_last_layer(make_problem, run, spec):
    trial = fit(make_problem(backbone="classifier"), run, spec(epochs=1))
    assert trial.engine == "net"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_the_precision_is_the_recipes_and_is_put_back(make_problem, run, spec, precision):
    problem = make_problem(runtime={"precision": precision})
    trial = fit(problem, run, spec(trainable="all", epochs=4, learning_rate=0.02, freeze_batch_norm=False))
    assert keras.config.dtype_policy().name == "float32"
    assert np.isfinite(trial.curves.loss).all()
    assert trial.curves.loss[-1] < trial.curves.loss[0]


def test_equal_specs_are_equal_keys(spec):
    assert {spec(): 1}[spec()] == 1
    assert isinstance(spec(), TrialSpec)
