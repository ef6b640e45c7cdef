"""Step 3: the sweep decides, the range test is a second opinion, and a rate that the recipe fixes is checked too."""

import dataclasses
import math
from collections.abc import Callable

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import LearningCurves, Outcome, Trial, TrialSpec, TrialState, Verdict, to_json
from tuner.search.rate_rules import Suggestions
from tuner.search.rate_sweep import read_runs
from tuner.steps.learning_rate import FoundRate, agreement, found, judge, measure, range_test_of, second_opinion
from tuner.store import Store
from tuner.training import fit

LN10 = math.log(10)
RAMP = tuple(1e-7 * (10 / 1e-7) ** (i / 100) for i in range(100))


def falling(speed: float, floor: float = 0.2) -> list[float]:
    return [floor + (LN10 - floor) * math.exp(-speed * step) for step in range(100)]


SWEEP = {0.1: [LN10, 5.0, math.nan], 0.01: falling(0.05), 0.001: falling(0.01), 0.0001: falling(0.001)}
FLAT = {rate: falling(1e-9) for rate in SWEEP}
LOST = {rate: [LN10, math.nan] for rate in SWEEP}


def ramp_loss(centre: float) -> tuple[float, ...]:
    return tuple(LN10 - 1.5 / (1 + (centre / rate) ** 2) + max(0.0, rate - 1) ** 2 for rate in RAMP)


def ramp(
    losses: tuple[float, ...],
    state: TrialState = TrialState.COMPLETED,
    reason: str = "",
) -> Trial:
    spec = TrialSpec(Hyperparameters(), 1, 0, "learning_rate", max_steps=100, ramp=(1e-7, 10.0))
    curves = LearningCurves(step_loss=losses, step_learning_rate=RAMP[: len(losses)])
    return Trial(1, spec, state, curves, 1.0, "keras", reason)


def evidence(
    sweep: dict[float, list[float]], *tests: Trial, given: float | None = None, planned: int = 100
) -> FoundRate:
    return found(read_runs(sweep), tests, 100, 1e-5, planned, given)


def only(seen: FoundRate) -> Verdict:
    (verdict,) = judge(seen)
    return verdict


def test_the_rate_found_becomes_the_setting_and_says_why() -> None:
    verdict = only(evidence(SWEEP, ramp(ramp_loss(3e-3))))
    assert (verdict.name, verdict.outcome) == ("learning_rate_found", Outcome.PASS)
    (change,) = verdict.changes
    assert (change.path, change.value) == ("optimizer.learning_rate", 0.01)
    assert "0.01 is the largest rate whose loss falls steadily" in change.because
    assert verdict.sentence.startswith(change.because)


@pytest.mark.parametrize(
    ("suggestions", "said"),
    [
        (Suggestions(valley=5e-3, minimum=5e-2), "The range test agrees within a decade: valley 0.005, minimum 0.05."),
        (Suggestions(valley=5e-4, steep=0.2), "disagrees by more than a decade (valley 0.0005, steep 0.2); the sweep"),
        (Suggestions(valley=5e-4, steep=0.02), "rules steep 0.02 agree within a decade, valley 0.0005 not."),
        (Suggestions(), "suggests nothing"),
    ],
)
def test_the_range_test_is_compared_with_the_sweep(suggestions: Suggestions, said: str) -> None:
    assert said in second_opinion(0.01, suggestions)


def test_the_reason_ends_with_the_second_opinion() -> None:
    seen = evidence(SWEEP, ramp(ramp_loss(3e-3)))
    assert seen.why.endswith(second_opinion(0.01, seen.suggestions))


def test_a_range_test_without_descent_suggests_nothing() -> None:
    seen = evidence(SWEEP, ramp((LN10,) * 100))
    assert seen.suggestions == Suggestions()
    assert "suggests nothing" in seen.why


def test_without_a_range_test_nothing_is_said_of_one() -> None:
    seen = evidence(SWEEP)
    assert seen.range_test is None
    assert "range test" not in seen.why


@pytest.mark.parametrize(
    ("sweep", "cause"), [(FLAT, "stays where it began"), (LOST, "leaves the finite numbers at each")]
)
def test_no_rate_that_falls_fails_with_its_cause(sweep: dict[float, list[float]], cause: str) -> None:
    verdict = only(evidence(sweep, ramp((LN10,) * 100)))
    assert (verdict.name, verdict.outcome, verdict.changes) == ("no_rate_falls", Outcome.FAIL, ())
    assert cause in verdict.sentence
    assert "0.0001 to 0.1" in verdict.sentence


def test_where_step_2_cleared_the_model_no_rate_that_falls_is_no_end() -> None:
    (slow,) = judge(dataclasses.replace(evidence(FLAT, ramp((LN10,) * 100)), by_heart=160))
    assert (slow.name, slow.outcome, slow.changes) == ("no_rate_falls", Outcome.WARN, ())
    assert "step 2 learned 160 images by heart" in slow.sentence
    (lost,) = judge(dataclasses.replace(evidence(LOST, ramp((LN10,) * 100)), by_heart=160))
    assert lost.outcome is Outcome.FAIL


def test_a_fixed_rate_within_a_decade_is_kept() -> None:
    for given in (0.01, 0.001):
        verdict = only(evidence(SWEEP, given=given))
        assert (verdict.name, verdict.outcome, verdict.changes) == ("learning_rate_found", Outcome.PASS, ())


@pytest.mark.parametrize(
    ("given", "losses", "name"),
    [
        (10.0, [LN10, math.nan], "rate_too_high"),
        (0.1, [LN10, 5.0, math.nan], "rate_too_high"),
        (1.0, falling(0.0, floor=3.0), "rate_too_high"),
        (1e-9, falling(1e-9), "rate_too_low"),
        (1e-4, falling(0.001), "rate_too_low"),
    ],
)
def test_a_fixed_rate_that_fails_or_lies_far_off_warns_with_the_change(
    given: float, losses: list[float], name: str
) -> None:
    verdict = only(evidence({**SWEEP, given: losses}, given=given))
    assert (verdict.name, verdict.outcome) == (name, Outcome.WARN)
    (change,) = verdict.changes
    assert (change.path, change.value) == ("optimizer.learning_rate", 0.01)
    assert f"the recipe's rate {given:g} is too" in change.because


def test_a_rate_that_falls_only_after_rising_is_a_warning() -> None:
    sweep = {r: [LN10, *[8.0] * 20, *[0.5] * 79] for r in (0.01,)} | {0.001: [LN10] * 3 + [9.0] * 40 + [1.5] * 57}
    verdict = only(evidence(sweep))
    assert (verdict.name, verdict.outcome) == ("learning_rate_unsteady", Outcome.WARN)
    assert verdict.changes[0].value == 0.01


def test_suggestions_over_seeds_are_averaged_by_decades_and_their_spread_told() -> None:
    one = Suggestions(valley=1e-3, slide=None, steep=1e-2, minimum=1e-2)
    other = Suggestions(valley=1e-1, slide=1e-2, steep=1e-2, minimum=None)
    mean, spread = agreement([one, other])
    assert mean.valley == pytest.approx(1e-2)
    assert mean.slide == pytest.approx(1e-2)
    assert spread == {"valley": pytest.approx(math.sqrt(2)), "steep": pytest.approx(0)}
    assert agreement([]) == (Suggestions(), {})
    assert agreement([one])[1] == {}


def test_the_range_test_says_why_it_ended() -> None:
    assert "was reached" in range_test_of(ramp((LN10,) * 100)).stopped
    assert "4 times its best" in range_test_of(ramp((*[0.5] * 80, *[1e3] * 20))).stopped
    assert "left the finite numbers" in range_test_of(ramp((*[2.3] * 80, math.nan))).stopped
    assert range_test_of(ramp((LN10,) * 50, TrialState.DIVERGED, "NaN at step 51")).stopped == "NaN at step 51"


def test_evidence_has_the_keys_that_the_report_reads() -> None:
    data = to_json(evidence(SWEEP, ramp(ramp_loss(3e-3))))
    assert set(data) >= {"iterations", "weight_decay", "sweep", "range_test", "suggestions", "spread", "chosen", "why"}
    assert set(data["sweep"][0]) >= {"learning_rate", "step_loss", "first", "last", "state", "falls"}
    assert set(data["range_test"]) >= {"rates", "losses", "smoothed", "stopped"}
    assert set(data["suggestions"]) == {"valley", "slide", "steep", "minimum"}
    assert data["sweep"][-1]["last"] == "nan"


def test_evidence_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        evidence(SWEEP).chosen = 1.0  # type: ignore[misc]


def quick(**settings: object) -> dict[str, object]:
    return {"learning_rate": {"iterations": 30, "num_steps": 40, **settings}}


def test_a_real_sweep_finds_a_rate_inside_those_it_tried(make_problem: Callable[..., Problem], run: Store) -> None:
    seen = measure(make_problem(steps=quick(seeds=2)), run)
    rates = [each.learning_rate for each in seen.sweep]
    assert rates == sorted(set(rates))
    assert {0.1, 0.01, 0.001, 0.0001} < set(rates)
    assert seen.chosen is not None
    assert rates[0] < seen.chosen < rates[-1]
    assert seen.range_test is not None
    assert seen.range_test.rates[0] == pytest.approx(1e-7)
    assert set(seen.spread) <= {"valley", "slide", "steep", "minimum"}
    assert only(seen).outcome is Outcome.PASS
    assert all(t.hyperparameters.weight_decay == 1e-5 and not t.spec.validate for t in run.trials)
    assert len({t.curves.step_loss[0] for t in run.trials if t.spec.ramp is None}) == 1  # one start, one first batch


@pytest.mark.parametrize(("rate", "name"), [(10.0, "rate_too_high"), (1e-9, "rate_too_low")])
def test_a_real_wrong_rate_is_measured_and_replaced(
    rate: float, name: str, make_problem: Callable[..., Problem], run: Store
) -> None:
    seen = measure(make_problem(steps=quick(range_test=False, refine=False), optimizer={"learning_rate": rate}), run)
    assert only(seen).name == name
    assert 1e-4 <= only(seen).changes[0].value <= 1


def test_a_search_for_the_rate_leaves_no_trace(
    make_problem: Callable[..., Problem], new_run: Callable[[], Store]
) -> None:
    problem = make_problem(steps=quick(rates=[1e-1, 1e-3], refine=False))
    spec = TrialSpec(Hyperparameters(learning_rate=1e-2), epochs=2, seed=7, step="test")
    plain = fit(problem, new_run(), spec)
    searched = new_run()
    measure(problem, searched)
    after = fit(problem, searched, spec)
    assert after.curves == plain.curves
