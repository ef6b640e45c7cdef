"""Step 1: an untrained model starts at chance, and whatever keeps it from there gets its own name."""

import dataclasses
import math
from collections.abc import Callable

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Outcome, Verdict, to_json
from tuner.steps.initial_loss import InitialLoss, entropy, judge, measure, penalized, unpenalized
from tuner.store import Store

LN10 = math.log(10)
CHANCE = InitialLoss(
    expected=LN10,
    num_classes=10,
    balanced=True,
    measured=(2.31, 2.29, 2.35),
    regularization=0.1,
    regularized=(4.3, 4.2, 4.4),
    examples=256,
    trainable_weights=12_810,
    from_logits=True,
    declared_from_logits=None,
    output_sums_to_one=False,
    tolerance=0.25,
)


def judged(**other: object) -> list[Verdict]:
    return list(judge(dataclasses.replace(CHANCE, **other)))


def only(**other: object) -> Verdict:
    (verdict,) = judged(**other)
    return verdict


def test_chance_passes_and_the_sentence_gives_the_numbers() -> None:
    verdict = only()
    assert (verdict.name, verdict.outcome) == ("initial_loss_at_chance", Outcome.PASS)
    assert "2.32 nats" in verdict.sentence
    assert "ln 10 = 2.30" in verdict.sentence
    assert "raises it to 4.30" in verdict.sentence


def test_the_lectures_own_numbers_pass() -> None:
    verdict = only(measured=(2.30261216167,), regularized=(3.06859716482,), regularization=1e3)
    assert verdict.outcome is Outcome.PASS


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_fails(bad: float) -> None:
    verdict = only(measured=(2.3, bad, 2.3), regularized=(4.3, bad, 4.3))
    assert (verdict.name, verdict.outcome) == ("nan_or_inf", Outcome.FAIL)
    assert "1 of 3 seeds" in verdict.sentence


def test_a_model_without_trainable_weights_fails_and_nothing_else_is_said() -> None:
    assert only(trainable_weights=0, measured=(math.nan,) * 3).name == "nothing_trainable"


@pytest.mark.parametrize(
    ("declared", "sums", "swap"),
    [(True, True, "loss.from_logits to false"), (False, False, "loss.from_logits to true")],
)
def test_a_head_that_does_not_fit_its_loss_fails_with_the_swap(declared: bool, sums: bool, swap: str) -> None:
    verdict = only(declared_from_logits=declared, from_logits=declared, output_sums_to_one=sums)
    assert (verdict.name, verdict.outcome) == ("head_loss_mismatch", Outcome.FAIL)
    assert swap in verdict.sentence


def test_probabilities_declared_as_such_pass() -> None:
    assert only(declared_from_logits=None, from_logits=False, output_sums_to_one=True).outcome is Outcome.PASS


def test_a_confident_head_is_a_warning_that_asks_for_zeros() -> None:
    verdict = only(measured=(3.1, 2.9, 3.0))
    assert (verdict.name, verdict.outcome) == ("init_loss_above_chance", Outcome.WARN)
    (change,) = verdict.changes
    assert (change.path, change.value) == ("model.head_initializer", "zeros")
    assert "3.00" in change.because


def test_better_than_chance_untrained_fails() -> None:
    verdict = only(measured=(1.1, 1.2, 1.0), regularized=(3.0, 3.0, 3.0))
    assert (verdict.name, verdict.outcome) == ("init_loss_below_chance", Outcome.FAIL)


def test_with_rare_classes_everything_from_their_entropy_to_ln_c_is_chance() -> None:
    rare = {"num_classes": 2, "balanced": False, "expected": entropy((0.9, 0.1)), "regularized": (9.0,)}
    assert only(measured=(math.log(2),), **rare).outcome is Outcome.PASS
    assert only(measured=(0.35,), **rare).outcome is Outcome.PASS
    assert only(measured=(0.05,), **rare).name == "init_loss_below_chance"
    assert only(measured=(1.0,), **rare).name == "init_loss_above_chance"


@pytest.mark.parametrize("after", [2.31, 2.0, math.nan])
def test_a_penalty_that_does_not_raise_the_loss_warns_beside_the_start(after: float) -> None:
    start, penalty = judged(measured=(2.31,), regularized=(after,))
    assert start.outcome is Outcome.PASS
    assert "as it should" not in start.sentence
    assert (penalty.name, penalty.outcome) == ("reg_not_applied", Outcome.WARN)
    assert "weight_decay" in penalty.sentence


def test_the_tolerance_is_the_recipes() -> None:
    assert only(measured=(2.5,) * 3, tolerance=0.25).outcome is Outcome.PASS
    assert only(measured=(2.5,) * 3, tolerance=0.1).outcome is Outcome.WARN


def test_entropy_is_ln_c_for_equal_classes_and_less_for_unequal() -> None:
    assert entropy([0.1] * 10) == pytest.approx(LN10)
    assert entropy([0.9, 0.1]) == pytest.approx(0.3250829733914482)
    assert entropy([1.0, 0.0]) == 0


def test_everything_that_adds_to_the_loss_is_off_and_the_penalty_finds_weights_to_weigh() -> None:
    point = Hyperparameters(l1=0.1, l2=0.2, weight_decay=0.3, label_smoothing=0.1, head_initializer="zeros")
    clean = unpenalized(point)
    assert (clean.l1, clean.l2, clean.weight_decay, clean.label_smoothing) == (0, 0, 0, 0)
    assert clean.head_initializer == "zeros"
    heavy = penalized(clean, 0.5)
    assert (heavy.l2, heavy.head_initializer) == (0.5, "glorot_uniform")
    assert penalized(dataclasses.replace(clean, head_initializer="he_normal"), 0.5).head_initializer == "he_normal"


def test_evidence_has_the_keys_that_the_report_reads() -> None:
    assert set(to_json(CHANCE)) >= {
        "expected",
        "num_classes",
        "balanced",
        "measured",
        "regularization",
        "regularized",
        "examples",
        "trainable_weights",
        "from_logits",
        "declared_from_logits",
        "output_sums_to_one",
        "tolerance",
    }


def measured(make_problem: Callable[..., Problem], run: Store, net: str, **sections: object) -> InitialLoss:
    plan = {"steps": {"initial_loss": {"seeds": 2, "examples": 64}}}
    return measure(make_problem(net, **plan, **sections), run)


def test_real_models_start_at_chance_with_scores_and_with_probabilities(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    for net, probabilities in (("scores", False), ("probabilities", True)):
        seen = measured(make_problem, run, net)
        assert (seen.output_sums_to_one, seen.from_logits) == (probabilities, not probabilities)
        assert seen.trainable_weights == 650
        assert [verdict.outcome for verdict in judge(seen)] == [Outcome.PASS]
    assert run.trials == ()


def test_loud_features_ask_for_zeros_and_zeros_then_start_at_chance_and_can_be_penalized(
    make_problem: Callable[..., Problem], run: Store
) -> None:
    assert [verdict.name for verdict in judge(measured(make_problem, run, "loud"))] == ["init_loss_above_chance"]
    zeros = {"backbone": "python:small_nets:loud", "head_initializer": "zeros"}
    seen = measured(make_problem, run, "loud", model=zeros)
    assert seen.measured == pytest.approx([LN10, LN10], abs=1e-4)
    assert [verdict.name for verdict in judge(seen)] == ["initial_loss_at_chance"]


def test_a_real_softmax_declared_as_scores_is_found_out(make_problem: Callable[..., Problem], run: Store) -> None:
    seen = measured(make_problem, run, "probabilities", loss={"from_logits": True})
    assert [verdict.name for verdict in judge(seen)] == ["head_loss_mismatch"]
    seen = measured(make_problem, run, "scores", loss={"from_logits": False})
    assert [verdict.name for verdict in judge(seen)] == ["head_loss_mismatch"]


def test_a_real_model_that_nothing_trains_is_found_out(make_problem: Callable[..., Problem], run: Store) -> None:
    seen = measured(make_problem, run, "weightless")
    assert (seen.trainable_weights, seen.measured) == (0, ())
    assert [verdict.name for verdict in judge(seen)] == ["nothing_trainable"]
