"""N times the batch, N times the rate, up to the critical batch."""

import math

import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.records import Change
from tuner.search.scaling import (
    BATCH,
    batch_ratio,
    proposed,
    rate_for_batch,
    scaled_axis,
    scaled_words,
    two_digits,
    with_rate,
)
from tuner.search.space import RATE

SGD = Hyperparameters(optimizer="SGD", learning_rate=0.1, batch_size=32)
ADAM = Hyperparameters(optimizer="Adam", learning_rate=0.001, batch_size=32)
BIGGER = Change(BATCH, 128, "more images at a time")


@pytest.mark.parametrize(
    ("optimizer", "before", "after", "ratio"),
    [
        ("SGD", 32, 128, 4.0),  # the lecture: batch x N, rate x N
        ("SGD", 256, 8192, 32.0),  # Goyal et al.: 0.1 at 256, 3.2 at 8,192
        ("SGD", 128, 32, 0.25),
        ("Adam", 32, 128, 2.0),
        ("AdamW", 64, 16, 0.5),
        ("RMSprop", 10, 1000, 10.0),
        ("LBFGS", 32, 128, 1.0),
        ("SGD", 48, 48, 1.0),
    ],
)
def test_the_rate_goes_with_the_batch(optimizer, before, after, ratio):
    assert batch_ratio(optimizer, before, after) == pytest.approx(ratio)
    assert rate_for_batch(0.1, optimizer, before, after) == pytest.approx(0.1 * ratio)
    assert batch_ratio(optimizer, before, after) * batch_ratio(optimizer, after, before) == pytest.approx(1)


@pytest.mark.parametrize(("limit", "ratio"), [(64, 2.0), (1000, 4.0), (16, 1.0), (0, 1.0), (math.inf, 4.0)])
def test_beyond_the_critical_batch_the_rate_stays(limit, ratio):
    assert batch_ratio("SGD", 32, 128, limit) == pytest.approx(ratio)


def test_a_proposed_rate_is_meant_for_the_batch_of_the_setting():
    values = {RATE: 0.2, BATCH: 128, "model.dropout": 0.3}
    found = proposed(SGD, values, listed=False)
    assert (found.learning_rate, found.batch_size, found.dropout) == (pytest.approx(0.8), 128, 0.3)
    assert proposed(ADAM, values, listed=False).learning_rate == pytest.approx(0.4)
    assert proposed(SGD, values, listed=True).learning_rate == 0.2  # the recipe says which rates to try
    assert proposed(SGD, {RATE: 0.2}, listed=False) == SGD.replace(RATE, 0.2)


def test_a_change_of_the_batch_brings_that_of_the_rate():
    first, second = with_rate(SGD, (BIGGER,), 210.4)
    assert first == BIGGER
    assert (second.path, second.value, second.before) == (RATE, pytest.approx(0.4), 0.1)
    assert second.because == "batch 32 → 128: rate × 4 (in proportion, SGD), holds up to a batch of about 210"
    assert with_rate(SGD, (BIGGER,), 64)[1].value == pytest.approx(0.2)
    assert with_rate(SGD, (BIGGER,))[1].because.endswith("SGD)")
    own = Change(RATE, 0.7, "found anew")
    assert with_rate(SGD, (BIGGER, own)) == (BIGGER, own)
    assert with_rate(SGD, (own,)) == (own,)


def test_the_words_say_the_law_and_the_limit():
    assert scaled_words("Adam", 32, 128) == "batch 32 → 128: rate × 2 (by the square root, Adam)"
    assert scaled_words("SGD", 32, 128, 64) == (
        "batch 32 → 128: rate × 2 (in proportion, SGD), holds up to a batch of about 64"
    )
    assert scaled_words("SGD", 32, 64, math.inf).endswith("any batch of these data: their gradient is nearly all noise")


@pytest.mark.parametrize(
    ("batch", "word"), [(0.2, "1"), (7.4, "7"), (43.2, "43"), (214, "210"), (1289.0, "1,300"), (99999, "100,000")]
)
def test_a_critical_batch_has_two_digits(batch, word):
    assert two_digits(batch) == word


def test_an_axis_of_rates_in_terms_of_another_batch():
    ranged = {"min_value": 0.01, "max_value": 1.0, "sampling": "log"}
    assert scaled_axis(ranged, 4.0) == {"min_value": 0.04, "max_value": 4.0, "sampling": "log"}
    assert scaled_axis({"values": [0.1]}, 4.0) == {"values": [0.1]}
