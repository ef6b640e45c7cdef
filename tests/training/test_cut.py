"""A net whose lower layers are held is trained on kept feature maps, and is the net that it would have been."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from tuner import recipe as recipes
from tuner.data import Dataset, Problem, Split
from tuner.models import structure_of
from tuner.models.work import operations
from tuner.records import LearningCurves, TrialState
from tuner.training import cut as cut_engine
from tuner.training import export, fit, fit_many, initial_losses, predict
from tuner.training.checkpoints import read
from tuner.training.engines import ENGINES
from tuner.training.families import clear, lower_of
from tuner.training.trainee import TRACES

CUT, NET = (next(engine for engine in ENGINES if engine.name == name) for name in ("cut", "net"))

NETS = '''
import keras
from keras import layers


def block(x, width, place):
    y = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv{place}")(x)
    y = layers.BatchNormalization(name=f"norm{place}")(y)
    y = layers.ReLU(name=f"relu{place}")(y)
    return layers.SpatialDropout2D(0.2, name=f"drop{place}")(y)


def backbone(input_shape, flip=False):
    """Batch norm, dropout and a residual connection on either side of the cut."""
    images = x = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, -1.0, name="scale")(x)
    if flip:
        x = layers.RandomFlip(name="flip")(x)
    x = layers.Conv2D(24, 3, strides=2, padding="same", name="stem")(x)
    for place in range(4):
        x = layers.Add(name=f"add{place}")([x, block(x, 24, place)])
    return keras.Model(images, x)


def flipping(input_shape):
    return backbone(input_shape, flip=True)
'''


@pytest.fixture
def problem(make_problem, folder):
    """The tiny images on a backbone that is worth cutting, computed layer by layer."""
    (folder / "cut_nets.py").write_text(NETS)
    return make_problem(backbone=":python:cut_nets:backbone", runtime={"exact": True})


@pytest.fixture
def half(spec):
    """Makes specs of trials that train the upper half."""
    return lambda **settings: spec(**{"trainable": "half", "epochs": 3, "keep": True} | settings)


def both(problem, new_run, asked):
    """The same trial by the two engines, each with its run."""
    return [(engine.serve(problem, run, [asked])[0], run) for engine in (CUT, NET) for run in (new_run(),)]


def close(mine, theirs, tolerance=1e-5):
    """Equal within `tolerance` of the largest value."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    assert mine.shape == theirs.shape
    assert np.abs(mine - theirs).max(initial=0) <= tolerance * np.abs(theirs).max(initial=1e-12)


def same(one, other, tolerance=1e-5):
    """Two trials with the same curves and the same kept weights."""
    (mine, my_run), (theirs, their_run) = one, other
    for name in ("loss", "val_loss", "step_loss"):
        np.testing.assert_allclose(getattr(mine.curves, name), getattr(theirs.curves, name), rtol=tolerance)
    assert mine.curves.learning_rate == theirs.curves.learning_rate
    assert mine.best_epoch == theirs.best_epoch
    kept, expected = read(my_run.weights_path(mine)), read(their_run.weights_path(theirs))
    assert set(kept.best) == set(expected.best) == {"backbone", "head"}
    for part in kept.best:
        for here, there in zip(
            [*kept.best[part], *kept.last[part]], [*expected.best[part], *expected.last[part]], strict=True
        ):
            close(here, there, tolerance)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "SGD"},
        {"freeze_batch_norm": False, "optimizer": "SGD"},
        {"dropout": 0.3, "head_units": (6,), "l2": 1e-3, "label_smoothing": 0.1, "weight_decay": 0.01},
        {"trainable": "last:2", "examples": 20, "schedule": "CosineDecay", "warmup_epochs": 1.0},
        {"trainable": "from:norm1", "blank_images": True, "optimizer": "SGD", "learning_rate": 1e-3},
        {"patience": 1, "epochs": 30, "optimizer": "SGD", "learning_rate": 0.1},
        {"auxiliary_head": 0.3, "optimizer": "SGD"},
        {"layer_decay": 0.3, "optimizer": "SGD"},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_a_trial_above_the_cut_is_the_trial_of_the_whole_net(problem, new_run, half, settings):
    one, other = both(problem, new_run, half(**settings))
    assert (one[0].engine, other[0].engine) == ("cut", "net")
    same(one, other)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="XLA folds by itself")
def test_with_batch_norm_folded_into_the_lower_layers_the_trial_differs_by_rounding(
    make_problem, problem, new_run, half
):
    folding = make_problem(backbone=":python:cut_nets:backbone")
    lower = lower_of(folding, structure_of(half().hyperparameters), 0)
    assert lower.network is not lower.backbone
    assert lower.digest != lower_of(problem, structure_of(half().hyperparameters), 0).digest
    one, other = both(folding, new_run, half(optimizer="SGD"))
    same(one, other)
    one, other = both(folding, new_run, half())
    same(one, other, 1e-3)  # AdamW divides by the size of gradients, small ones included


def chosen(problem, run, asked):
    """The name of the engine that would serve."""
    return next(engine.name for engine in ENGINES if engine.can_serve(problem, run, asked))


def test_the_engine_is_chosen_by_the_spec_and_the_line_that_it_comes_from(problem, run, half):
    def parent(**settings):
        done = {"state": TrialState.COMPLETED, "curves": LearningCurves(), "seconds": 1.0, "engine": "net"}
        return run.record_trial(half(**settings), **done).number

    def engine(**settings):
        return chosen(problem, run, half(**settings))

    head, lower, whole = parent(trainable="none"), parent(), parent(trainable="all")
    upper = parent(trainable="from:add3")
    assert engine() == engine(parent=head) == engine(parent=lower) == "cut"
    assert engine(trainable="half", parent=upper) == "cut"  # what moved lies above
    assert engine(trainable="from:add3", parent=lower) == "net"  # what moved lies below this cut
    assert engine(parent=whole) == engine(parent=parent(parent=whole)) == "net"
    assert engine(augmentation=(("RandomFlip", ()),)) == "net"
    assert engine(trainable="from:stem") == "net"  # nothing with weights lies below


def test_maps_of_a_layer_that_costs_next_to_nothing_are_not_kept(problem, half):
    point = half().hyperparameters
    lower = lower_of(problem, structure_of(point), 0)
    assert operations(lower.backbone) == 2 * 64 * 24 * (27 + 24 * 9)  # the stem and a convolution
    assert lower.width == 64 * 24
    early = dataclasses.replace(point, trainable="from:conv0")  # the stem alone: 54 operations for 4 bytes
    assert not cut_engine.pays(problem, structure_of(early), 0)
    assert cut_engine.pays(problem, structure_of(point), 0)


def test_more_maps_than_the_limit_are_not_kept(problem, run, half, monkeypatch):
    monkeypatch.setattr(cut_engine, "MOST_BYTES", 70 * 64 * 24 * 4)
    assert CUT.can_serve(problem, run, half())
    monkeypatch.setattr(cut_engine, "MOST_BYTES", 70 * 64 * 24 * 4 - 1)
    assert not CUT.can_serve(problem, run, half())


def test_without_room_on_the_disk_the_trial_is_trained_as_a_net(problem, new_run, half, monkeypatch, tmp_path):
    asked = half(epochs=1)
    elsewhere = Problem(problem.recipe, problem.dataset, tmp_path / "empty")
    monkeypatch.setattr(cut_engine, "SHARE_OF_FREE_DISK", 0.0)
    assert CUT.can_serve(elsewhere, new_run(), asked)
    full = fit(elsewhere, new_run(), asked)
    assert full.engine == "net"
    monkeypatch.undo()
    run = new_run()
    trial = fit(elsewhere, run, asked)
    assert trial.engine == "cut"
    np.testing.assert_allclose(trial.curves.val_loss, full.curves.val_loss, rtol=1e-5)
    monkeypatch.setattr(cut_engine, "SHARE_OF_FREE_DISK", 0.0)
    assert fit(elsewhere, new_run(), asked).engine == "cut"  # the maps are there


def test_below_a_layer_that_acts_in_training_only_nothing_is_kept(make_problem, folder, run, half):
    (folder / "cut_nets.py").write_text(NETS)
    assert chosen(make_problem(backbone=":python:cut_nets:flipping"), run, half()) == "net"


def test_a_users_whole_classifier_is_not_cut(make_problem, run, half):
    assert chosen(make_problem(backbone="classifier"), run, half(trainable="last:1")) == "net"


@pytest.mark.parametrize("continued", [False, True], ids=["child", "continued"])
@pytest.mark.parametrize("first", [CUT, NET], ids=["from cut", "from net"])
def test_a_trial_goes_on_from_either_engine_in_either(problem, new_run, half, first, continued):
    ends = []
    for second in (CUT, NET):
        run = new_run()
        parent = first.serve(problem, run, [half(epochs=2, dropout=0.2)])[0]
        child = half(epochs=2, dropout=0.2, parent=parent.number, continued=continued, seed=0 if continued else 4)
        ends.append((second.serve(problem, run, [child])[0], run))
    same(*ends)
    if continued:
        run = new_run()
        straight = CUT.serve(problem, run, [half(epochs=4, dropout=0.2)])[0]
        np.testing.assert_allclose(straight.curves.loss[2:], ends[0][0].curves.loss, rtol=1e-5)


def test_a_trial_above_the_cut_starts_from_a_trained_head(problem, new_run, half):
    ends = []
    for engine in (CUT, NET):
        run = new_run()
        head = fit(problem, run, half(trainable="none", epochs=4))
        still = {"learning_rate": 1e-30, "weight_decay": 0.0, "epochs": 1, "seed": 7}
        ends.append((engine.serve(problem, run, [half(parent=head.number, **still)])[0], run))
        assert ends[-1][0].curves.val_loss[0] == pytest.approx(head.val_loss, rel=1e-5)
    same(*ends)


def test_the_whole_net_and_a_head_go_on_from_above_the_cut(problem, run, half):
    parent = fit(problem, run, half(freeze_batch_norm=False))
    for trainable in ("all", "none"):
        still = {"learning_rate": 1e-30, "weight_decay": 0.0, "epochs": 1, "trainable": trainable}
        child = fit(problem, run, half(parent=parent.number, **still))
        assert child.engine == "net"
        assert child.curves.val_loss[0] == pytest.approx(parent.val_loss, rel=1e-5)


def test_what_lies_below_the_cut_is_kept_as_the_recipe_says_it(problem, run, half):
    trial, fresh = fit_many(
        problem, run, [half(), half(trainable="all", learning_rate=0.0, weight_decay=0.0, epochs=1)]
    )
    kept, start = read(run.weights_path(trial)).best["backbone"], read(run.weights_path(fresh)).best["backbone"]
    moved = [not np.array_equal(mine, theirs) for mine, theirs in zip(kept, start, strict=True)]
    assert not any(moved[:8])  # stem, the first convolution and its norm
    assert any(moved)


def test_predictions_and_the_exported_model_agree_with_the_record(problem, run, half, tmp_path):
    trial = fit(problem, run, half(epochs=4))
    images, labels = problem.dataset.validation.images, problem.dataset.validation.labels
    found = predict(problem, run, trial, images)
    assert -np.log(found[np.arange(len(labels)), labels]).mean() == pytest.approx(trial.val_loss, rel=1e-5)
    np.testing.assert_allclose(predict(problem, run, trial, images.copy()), found, atol=1e-6)
    np.testing.assert_allclose(predict(problem, run, trial, images[:3].copy()), found[:3], atol=1e-6)
    export(problem, run, trial, tmp_path / "best.keras")
    exported = keras.saving.load_model(tmp_path / "best.keras").predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(exported, found, atol=1e-5)


def test_trials_above_one_cut_share_their_traces_and_their_maps(problem, new_run, half):
    clear()
    before = dict(TRACES)
    point = half().hyperparameters
    initial_losses(problem, point, 0, 20)
    first = fit_many(problem, new_run(), [half(learning_rate=rate) for rate in (0.1, 0.01)])
    fit(problem, new_run(), half(dropout=0.4, blank_images=True, examples=20))
    assert [TRACES[kind] - before.get(kind, 0) for kind in ("train", "predict")] == [1, 1]
    maps = {path: path.stat().st_mtime_ns for path in (problem.cache / "features").iterdir()}
    again = fit(problem, new_run(), half(learning_rate=0.1))
    assert again.curves == first[0].curves  # and what ran in between left no trace
    assert {path: path.stat().st_mtime_ns for path in (problem.cache / "features").iterdir()} == maps


@pytest.mark.parametrize("freeze_batch_norm", [True, False])
def test_the_untrained_loss_is_that_of_the_net(problem, half, freeze_batch_norm, monkeypatch):
    point = half(freeze_batch_norm=freeze_batch_norm, dropout=0.3).hyperparameters
    above = initial_losses(problem, point, seed=0, examples=20)
    monkeypatch.setattr(cut_engine, "MOST_BYTES", 0)
    whole = initial_losses(problem, point, seed=0, examples=20)
    assert above.data_loss == pytest.approx(whole.data_loss, rel=1e-5)


@pytest.mark.parametrize("name", ["EfficientNetLite0", "MobileNetV2"])
def test_a_known_backbone_is_cut_and_stays_the_net_that_it_was(folder, new_run, spec, name):
    text = {
        "version": 1,
        "name": "known",
        "data": {"source": "digits", "image_size": [32, 32]},
        "model": {"backbone": name, "weights": "none"},
        "runtime": {"exact": True},
    }
    path = folder / "known.yaml"
    path.write_text(json.dumps(text))
    rng = np.random.default_rng(0)

    parts = [Split(rng.integers(0, 256, (n, 32, 32, 3), np.uint8), np.arange(n) % 3) for n in (24, 8, 8)]
    problem = Problem(
        recipes.load(path), Dataset(name, name, parts[0], parts[1], tuple("abc"), {}, parts[2]), folder / "cache"
    )
    asked = spec(trainable="half", epochs=2, optimizer="SGD", learning_rate=1e-3, keep=True)
    run = new_run()
    assert CUT.can_serve(problem, run, asked)
    same(*both(problem, new_run, asked))
