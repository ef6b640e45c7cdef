"""Many heads at once are the heads that would have been trained alone."""

import dataclasses

import numpy as np
import pytest

from tuner.records import TrialState
from tuner.training import fit, fit_many, trace_count
from tuner.training.checkpoints import read
from tuner.training.engines import ENGINES
from tuner.training.heads import engine as heads
from tuner.training.heads.stream import HORIZONTAL_FLIP

ROTATED = (("RandomRotation", (("factor", 0.1),)), ("RandomContrast", (("factor", 0.2),)))
OPTIMIZERS = (
    {"optimizer": "SGD", "momentum": 0.0},
    {"optimizer": "SGD", "momentum": 0.9},
    {"optimizer": "SGD", "momentum": 0.9, "nesterov": True},
    {"optimizer": "Adam"},
    {"optimizer": "AdamW", "weight_decay": 0.1},
    {"optimizer": "RMSprop", "momentum": 0.0},
    {"optimizer": "RMSprop", "momentum": 0.5},
    {"optimizer": "AdamW", "label_smoothing": 0.2, "l2": 0.01},
    {"optimizer": "AdamW", "global_clipnorm": 0.05, "l1": 0.001},
    {"optimizer": "SGD", "schedule": "CosineDecay", "warmup_epochs": 1.0},
)


def served(name, problem, run, specs):
    """The trials by that engine, whichever would be chosen."""
    return next(engine for engine in ENGINES if engine.name == name).serve(problem, run, specs)


def assert_alike(one, other, run, other_run, tolerance=1e-5):
    for name in ("loss", "val_loss", "step_loss", "accuracy", "val_accuracy", "step_learning_rate"):
        np.testing.assert_allclose(getattr(one.curves, name), getattr(other.curves, name), atol=tolerance)
    here, there = read(run.weights_path(one)), read(other_run.weights_path(other))
    for mine, theirs in zip(here.last["head"], there.last["head"], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=tolerance)


@pytest.mark.parametrize("units", [(), (6,)], ids=["linear", "hidden"])
def test_heads_of_all_optimizers_in_one_bank_are_those_that_keras_trains_alone(problem, new_run, spec, units):
    together, alone = new_run(), new_run()
    asked = [spec(epochs=5, keep=True, head_units=units, **settings) for settings in OPTIMIZERS]
    fused = fit_many(problem, together, asked)
    separate = served("head", problem, alone, asked)
    assert {trial.engine for trial in fused} == {"heads"}
    for one, other in zip(fused, separate, strict=True):
        assert_alike(one, other, together, alone)


def test_a_bank_is_recorded_in_one_commit_in_the_askers_order(problem, run, spec):
    commits = []
    record = run.record_trials
    run.record_trials = lambda results: commits.append(len(results)) or record(results)
    asked = [spec(dropout=rate, learning_rate=0.01 / (1 + n)) for n, rate in enumerate((0.3, 0.0, 0.2, 0.0))]
    trials = fit_many(problem, run, asked)
    assert commits == [4]
    assert [trial.spec for trial in trials] == asked
    assert [trial.number for trial in trials] == [1, 2, 3, 4]


def test_training_any_number_of_heads_traces_nothing(problem, run, spec):
    fit(problem, run, spec())
    traced = trace_count()
    fit_many(problem, run, [spec(learning_rate=0.001 * n, dropout=0.1) for n in range(1, 70)])
    assert trace_count() == traced


def test_a_head_that_diverges_leaves_its_neighbors_alone(problem, run, new_run, spec):
    wild = spec(optimizer="SGD", learning_rate=1e38, keep=True)
    calm = [spec(optimizer="SGD", learning_rate=rate, keep=True) for rate in (0.01, 0.02)]
    first, bad, last = fit_many(problem, run, [calm[0], wild, calm[1]])
    other = new_run()
    without = fit_many(problem, other, calm)
    assert bad.state is TrialState.DIVERGED
    assert bad.weights is None
    for one, alone in zip((first, last), without, strict=True):
        assert_alike(one, alone, run, other)


def test_heads_that_are_over_early_are_those_trained_alone(problem, run, new_run, spec):
    """Half of them lose patience at once, so that the rest goes on in a smaller bank."""
    hasty = [spec(epochs=9, keep=True, patience=1, learning_rate=rate) for rate in (3.0, 5.0, 9.0)]
    steady = [spec(epochs=9, keep=True, patience=9, learning_rate=rate) for rate in (0.01, 0.02)]
    together = fit_many(problem, run, [*hasty, *steady])
    assert any(trial.curves.epochs < 9 for trial in together)
    other = new_run()
    for one, asked in zip(together, [*hasty, *steady], strict=True):
        (alone,) = served("head", problem, other, [asked])
        assert one.curves.epochs == alone.curves.epochs
        assert one.best_epoch == alone.best_epoch
        assert one.curves.val_accuracy == pytest.approx(alone.curves.val_accuracy, abs=0.051)  # one image of 20


def test_dropout_of_one_rate_is_one_mask_for_all_heads_and_repeats(problem, run, new_run, spec):
    asked = [spec(dropout=rate, epochs=3) for rate in (0.0, 0.3, 0.6)]
    together = fit_many(problem, run, asked)
    other = new_run()
    for one, each in zip(together, asked, strict=True):
        alone = fit(problem, other, each)
        np.testing.assert_allclose(one.curves.step_loss, alone.curves.step_loss, atol=1e-5)
    assert len({trial.curves.step_loss for trial in together}) == 3


def test_an_augmented_stream_shows_all_heads_what_the_whole_model_would_see(problem, new_run, spec):
    together, alone = new_run(), new_run()
    asked = [spec(epochs=2, keep=True, augmentation=ROTATED, learning_rate=rate) for rate in (0.003, 0.03)]
    fused = fit_many(problem, together, asked)
    separate = served("net", problem, alone, asked)
    assert {trial.engine for trial in fused} == {"heads"}
    for one, other in zip(fused, separate, strict=True):
        assert_alike(one, other, together, alone, tolerance=1e-4)
    plain = fit(problem, together, spec(epochs=2, learning_rate=0.003))
    assert plain.curves.loss != fused[0].curves.loss


def test_flips_are_drawn_between_two_cached_views(problem, run, new_run, spec):
    asked = spec(epochs=3, augmentation=HORIZONTAL_FLIP)
    flipped = fit(problem, run, asked)
    assert flipped.engine == "heads"
    assert fit(problem, new_run(), asked).curves == flipped.curves
    assert flipped.curves.loss != fit(problem, run, spec(epochs=3)).curves.loss
    mirrored = dataclasses.replace(problem.dataset.train, images=problem.dataset.train.images[:, :, ::-1])
    turned = dataclasses.replace(problem, dataset=dataclasses.replace(problem.dataset, train=mirrored, fingerprint="m"))
    there = fit(turned, new_run(), asked)  # the other view of each image, with the same coins
    assert there.curves.loss != flipped.curves.loss


@pytest.mark.parametrize(
    ("settings", "engine"),
    [
        ({}, "heads"),
        ({"head_units": (4,)}, "heads"),
        ({"head_units": (4, 4)}, "head"),
        ({"optimizer": "Lion"}, "head"),
        ({"head_initializer": "orthogonal"}, "head"),
        ({"augmentation": ROTATED}, "heads"),
        ({"augmentation": ROTATED, "optimizer": "Lion"}, "net"),
        ({"trainable": "all"}, "net"),
    ],
)
def test_the_spec_alone_decides_which_engine_serves(problem, run, spec, settings, engine):
    asked = spec(**settings)
    assert next(each for each in ENGINES if each.can_serve(problem, run, asked)).name == engine


@pytest.mark.parametrize(
    "sections", [{"runtime": {"precision": "mixed_bfloat16"}}, {"loss": {"from_logits": False}}], ids=["bf16", "probs"]
)
def test_a_bank_serves_float32_and_logits_only(make_problem, run, spec, sections):
    assert not heads.can_serve(make_problem(**sections), run, spec())


def test_banks_have_a_bound_and_a_resume_forms_the_same_ones(problem, new_run, spec, monkeypatch):
    monkeypatch.setattr(heads, "MOST", 3)
    asked = [spec(epochs=1, learning_rate=0.001 * n) for n in range(1, 8)]
    whole, resumed = new_run(), new_run()
    fit_many(problem, whole, asked)
    fit_many(problem, resumed, asked[:3])  # a run that died after its first bank
    fit_many(problem, resumed, asked)
    assert [trial.curves for trial in resumed.trials] == [trial.curves for trial in whole.trials]
