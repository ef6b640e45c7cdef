"""Who decides what trains after the head? The measurement, on a user's own network with weights from a file."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tuner import recipe as recipes
from tuner import tune
from tuner.data import Problem
from tuner.data.dataset import Dataset, Split
from tuner.interrupts import StopFlag
from tuner.models.stage import HALF, HEAD, REGIMES, SMALL, WHOLE, Field
from tuner.progress import Silent
from tuner.steps import transfer
from tuner.steps.situation import TRANSFER, planned
from tuner.steps.transfer import WORTH, Answers, choose, paired
from tuner.store import Store

NET = '''
import keras
from keras import layers


def own(input_shape):
    """Four convolutions of the user's own."""
    x = images = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255.0)(x)
    for place, stride in enumerate((1, 2, 1, 2)):
        x = layers.Conv2D(8, 3, stride, padding="same", activation="relu", name=f"conv{place}")(x)
    return keras.Model(images, x)
'''
OFF = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
STEPS = {**OFF, "short_runs": {"trials": 3, "epochs": 1}, "change": {"top_k": 1, "epochs": 1, "duel_epochs": 0}}
SECTIONS = {
    "model": {"backbone": "python:own_net.py:own", "weights": "own.weights.h5"},
    "optimizer": {"learning_rate": 0.1},
    "data": {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale", "batch_size": 64},
    "steps": {**STEPS, "repeat": {"max_rounds": 2, "confirm_seeds": 1}},
}


Made = Callable[..., Problem]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A problem on the user's network, whose weights lie in a file beside the recipe."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_net.py").write_text(NET)
    space: dict[str, Any] = {}
    exec(NET, space)  # the user's file, as the tool will import it
    space["own"]((8, 8, 1)).save_weights(folder / "own.weights.h5")
    found = load_digits()
    images = np.rint(found.images[:420, :, :, None] * 255 / 16).astype(np.uint8)
    parts = [Split(images[rows], found.target[rows].astype(np.int64)) for rows in (slice(256), slice(256, 356))]
    dataset = Dataset("digits", "digits-356", *parts, tuple("0123456789"), {}, parts[1])

    def make(**sections: Any) -> Problem:
        path = folder / "own.yaml"
        path.write_text(json.dumps({"version": 1, "name": "own", **SECTIONS, **sections}))
        return Problem(recipes.load(path), dataset, folder / "cache")

    return make


@pytest.fixture(scope="module")
def trained_head(own: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A run in which the head's first round has reached step 6."""
    with Store.create(tmp_path_factory.mktemp("runs"), "own", {}, "", {}, Silent(), StopFlag()) as run:
        tune.tune(own(), run, tune.Window(last="change"))
        yield run


IMAGES = 100


def answers(right: int, loss: float, jitter: float = 0.0) -> Answers:
    """So many of the first images right; losses around `loss`, with noise that no two networks share."""
    noise = np.random.default_rng(right).normal(0, jitter, IMAGES) if jitter else np.zeros(IMAGES)
    return Answers(np.arange(IMAGES) < right, loss + noise)


@pytest.mark.parametrize(
    ("half", "small", "whole", "chosen"),
    [
        ((80, 0.5), (80, 0.5), (80, 0.5), HEAD),  # nobody is better
        ((84, 0.5), (85, 0.5), (80, 0.5), HALF),  # one image more is within the noise, and no more than a point
        ((82, 0.5), (84, 0.5), (80, 0.5), SMALL),
        ((80, 0.4), (70, 0.1), (70, 0.1), HALF),  # as often right, and surer; a lower loss pays for no accuracy
        ((70, 0.1), (70, 0.1), (99, 0.9), WHOLE),
        ((84, 0.5), (84, 0.4), (80, 0.5), SMALL),
    ],
)
def test_a_regime_has_to_beat_what_is_cheaper(half: Any, small: Any, whole: Any, chosen: str) -> None:
    tried = {name: answers(*one) for name, one in zip((SMALL, WHOLE, HALF), (small, whole, half), strict=True)}
    assert choose({HEAD: answers(80, 0.5), **tried}) == chosen


def test_a_gain_of_more_than_a_point_counts_even_where_it_is_uncertain() -> None:
    right = np.zeros(IMAGES, bool)
    right[:80] = True
    shuffled = np.roll(right, 10)  # twenty answers differ: the error is 0.045
    shuffled[np.flatnonzero(~shuffled)[:3]] = True
    gain, error = paired(shuffled, right)
    assert WORTH < gain < error
    flat = np.full(IMAGES, 0.5)
    assert choose({HEAD: Answers(right, flat), SMALL: Answers(shuffled, flat)}) == SMALL


def test_a_lower_loss_within_its_noise_is_none() -> None:
    assert choose({HEAD: answers(80, 0.5), SMALL: answers(80, 0.48, jitter=1.0)}) == HEAD


def test_a_regime_that_diverged_is_not_taken() -> None:
    assert choose({HEAD: answers(80, 0.5)}) == HEAD


def test_the_error_is_that_of_the_differences() -> None:
    one, other = np.array([1, 1, 1, 0, 1.0]), np.array([1, 0, 1, 0, 1.0])
    assert paired(one, other) == pytest.approx((0.2, 0.2))  # one of five differs
    assert paired(one, one) == (0.0, 0.0)


def test_auto_measures_tries_chooses_and_goes_on_with_its_tries(own: Made, run: Store) -> None:
    problem = own()
    tune.tune(problem, run, tune.Window(last="change"))
    found = tune.take(transfer.STEP, problem, run, 1)
    evidence, trials = found.evidence, len(run.trials)
    assert 0 <= evidence["likeness"]["similarity"] <= 1
    assert evidence["field"]["large"] is False
    assert {one["regime"] for one in evidence["tried"]} == {HALF, SMALL}
    assert [one["regime"] for one in evidence["left_out"]] == [WHOLE]  # too few steps
    assert {run.trials[n - 1].spec.step for n in found.trials} == {TRANSFER}

    again = transfer.measure(problem, run)  # as if the run had died before the record
    assert (again.chosen, len(run.trials)) == (evidence["chosen"], trials)
    assert tune.take(transfer.STEP, problem, run, 1) == found

    tune.tune(problem, run)
    order = [finding.step for finding in run.findings if finding.round == 1]
    assert order == ["short_runs", "learning_curves", "change", TRANSFER, "repeat"]
    names = {stage.name for stage in planned(problem, run)}
    second = next(finding for finding in run.findings if (finding.step, finding.round) == ("short_runs", 2))
    if evidence["chosen"] != HEAD:
        assert set(second.evidence["trials"]) <= set(found.trials)  # nothing was trained twice
    kept = {t.spec.stage for t in run.trials if t.spec.step == TRANSFER and t.weights is not None}
    assert kept <= names  # what was not taken is not there to be chosen


@pytest.mark.parametrize(
    ("sections", "due"),
    [
        ({}, True),
        ({"steps": {**STEPS, "repeat": {"max_rounds": 1, "confirm_seeds": 1}}}, False),
        ({"target": {"metric": "val_accuracy", "at_least": 0.01}}, False),
        ({"target": {"metric": "val_accuracy", "at_least": 1.0}}, True),
        ({"transfer": [{"name": "head", "trainable": "none"}]}, False),
    ],
)
def test_nothing_is_decided_where_nothing_can_follow(own: Made, trained_head: Store, sections: Any, due: bool) -> None:
    assert transfer.due(own(**sections), trained_head, 1) is due


def test_without_trials_left_the_table_decides_and_says_so(own: Made, trained_head: Store) -> None:
    before = len(trained_head.trials)
    evidence = transfer.measure(own(budget={"max_trials": before + 1}), trained_head)
    assert len(trained_head.trials) == before
    assert evidence.chosen == evidence.field.regime
    assert {one.regime for one in evidence.left_out} == set(REGIMES) - {HEAD}
    assert "nothing could be tried" in next(iter(transfer.judge(evidence))).sentence


def test_batch_norm_never_learns_from_one_image_at_a_time(
    own: Made, trained_head: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's network may have some; without trials left the table decides, and would say the whole model."""
    monkeypatch.setattr(transfer, "field_of", lambda images, similarity: Field(WHOLE, True, False, "many, different"))
    sections = {"data": {**SECTIONS["data"], "batch_size": 1}, "budget": {"max_trials": len(trained_head.trials) + 1}}
    evidence = transfer.measure(own(**sections), trained_head)
    why = {one.regime: one.why for one in evidence.left_out}
    assert "one image" in why[WHOLE]
    assert "one image" not in why[SMALL]
    assert evidence.chosen == SMALL
    assert evidence.because.endswith(f"{REGIMES[SMALL]} is taken, with batch norm held")
    assert "one image" in " ".join(verdict.sentence for verdict in transfer.judge(evidence))
