"""A rate is converted when another optimizer takes its place: by two sweeps, or by the usual rates."""

import dataclasses
from collections.abc import Callable

import pytest

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Outcome, TrialSpec, to_json
from tuner.search.scaling import proposed
from tuner.search.usual_rates import usual_ratio
from tuner.steps import learning_rate, short_runs
from tuner.steps.optimizer_rates import (
    OptimizerRates,
    as_sampled,
    in_terms_of,
    optimizer_rates,
    rate_words,
    sentence,
    with_rate_of_optimizer,
)
from tuner.steps.situation import situation
from tuner.store import Store
from tuner.training import fit
from tuner.tune import take

AXIS = {"optimizer.name": {"values": ["AdamW", "SGD", "NovoGrad", "LBFGS"]}}
QUICK = {
    "learning_rate": {"iterations": 30, "range_test": False, "refine": False},
    "short_runs": {"trials": 8, "epochs": 1},
}


@pytest.fixture
def task(make_problem: Callable[..., Problem]) -> Callable[..., Problem]:
    """A head on frozen features, its optimizers searched over."""

    def make(**sections: object) -> Problem:
        stages = [{"name": "head", "trainable": "none"}]
        given = {"transfer": stages, "search": {"space": AXIS}, "steps": QUICK, "optimizer": {"weight_decay": 0.0}}
        return make_problem(**{**given, **sections})

    return make


def test_the_ratio_is_that_of_the_best_rates_of_two_sweeps(task: Callable[..., Problem], run: Store) -> None:
    problem = task()
    take(learning_rate.STEP, problem, run, 0)
    before = len(run.trials)
    now = situation(problem, run)
    rates = optimizer_rates(problem, run, now, AXIS, listed=False)
    assert rates is not None
    assert rates.found["AdamW"] == now.setting.hyperparameters.learning_rate  # step 3 found it by the same sweep
    for name in ("SGD", "NovoGrad"):
        losses = {
            t.hyperparameters.learning_rate: t.curves.step_loss[-1]
            for t in run.trials
            if t.hyperparameters.optimizer == name and len(t.curves.step_loss) == 30
        }
        assert len(losses) >= 4
        slower = [loss for rate, loss in losses.items() if rate < rates.found[name]]
        assert losses[rates.found[name]] < min(slower)
        assert rates.ratios[name] == pytest.approx(rates.found[name] / rates.found["AdamW"])
    assert rates.ratios["SGD"] != 1
    assert rates.ratios["LBFGS"] == pytest.approx(1 / rates.found["AdamW"])
    swept = len(run.trials)
    assert {t.hyperparameters.optimizer for t in run.trials[before:]} == {"SGD", "NovoGrad"}  # AdamW's were there
    assert optimizer_rates(problem, run, now, AXIS, listed=False) == rates  # again: from the records
    assert len(run.trials) == swept


def test_step_4_trains_each_optimizer_at_its_own_rate_and_says_so(task: Callable[..., Problem], run: Store) -> None:
    problem = task()
    take(learning_rate.STEP, problem, run, 0)
    finding = take(short_runs.STEP, problem, run, 1)
    ratios, axis = finding.evidence["optimizers"]["ratios"], finding.evidence["space"]["optimizer.learning_rate"]
    trials = [run.trials[number - 1] for number in finding.evidence["trials"]]
    assert len({trial.hyperparameters.optimizer for trial in trials}) >= 3
    for point in (trial.hyperparameters for trial in trials):
        sampled = point.learning_rate / ratios[point.optimizer]
        if point.optimizer == "LBFGS":
            assert point.learning_rate == 1
        else:
            assert axis["min_value"] <= sampled <= axis["max_value"] * (1 + 1e-9)
    (verdict,) = finding.verdicts
    assert "the rate was converted: SGD × " in verdict.sentence
    assert "L-BFGS sees all images" in verdict.sentence
    assert situation(problem, run).setting.hyperparameters.optimizer == finding.evidence["best_optimizer"]
    again = short_runs.measure(problem, run)  # a second round takes the ratios from the finding
    assert to_json(again.optimizers)["found"] == finding.evidence["optimizers"]["found"]


def test_a_whole_net_gets_a_short_sweep(task: Callable[..., Problem], run: Store) -> None:
    problem = task(transfer=[{"name": "all", "trainable": "all"}])
    space = {"optimizer.name": {"values": ["SGD"]}}
    now = situation(problem, run)
    rates = optimizer_rates(problem, run, now, space, listed=False)
    assert rates is not None
    assert rates.iterations == 30
    assert all(rates.found.values())
    assert {t.engine for t in run.trials} == {"net"}
    swept = {t.hyperparameters.learning_rate for t in run.trials if t.hyperparameters.optimizer == "SGD"}
    assert {1e-3, 1e-2, 1e-1} <= swept  # around the usual ten times that of AdamW


def test_without_room_for_sweeps_the_usual_rates_stand_in(task: Callable[..., Problem], run: Store) -> None:
    problem = task(budget={"max_trials": 20})
    rates = optimizer_rates(problem, run, situation(problem, run), AXIS, listed=False)
    assert rates is not None
    assert run.trials == ()
    assert rates.ratios["SGD"] == usual_ratio("AdamW", "SGD")
    assert "SGD × 10, by the usual rates" in sentence(rates, "SGD")


def test_listed_rates_are_tried_as_they_are(task: Callable[..., Problem], run: Store) -> None:
    rates = optimizer_rates(task(), run, situation(task(), run), AXIS, listed=True)
    assert rates is not None
    assert set(rates.ratios.values()) == {1.0}
    assert "as they are" in sentence(rates, "SGD")
    assert optimizer_rates(task(), run, situation(task(), run), {}, listed=False) is None


RATES = OptimizerRates("AdamW", {"AdamW": 0.001, "SGD": 0.02}, {"AdamW": 1.0, "SGD": 20.0}, 100)


def test_a_rate_means_the_same_on_the_axis_of_its_round() -> None:
    point = Hyperparameters(optimizer="AdamW", learning_rate=0.001)
    values = {"optimizer.name": "SGD", "optimizer.learning_rate": 0.002}
    assert proposed(point, values, False, RATES.ratios).learning_rate == pytest.approx(0.04)
    assert as_sampled(RATES, "SGD", 0.04) == pytest.approx(0.002)
    assert as_sampled(None, "SGD", 0.04) == 0.04
    axis, rate = in_terms_of(to_json(RATES), {"min_value": 1e-3, "max_value": 1e-2}, 0.04, "SGD", "SGD")
    assert (axis["min_value"], axis["max_value"], rate) == pytest.approx((0.02, 0.2, 0.04))
    axis, rate = in_terms_of(to_json(RATES), {"min_value": 1e-3, "max_value": 1e-2}, 0.04, "SGD", "AdamW")
    assert (axis["min_value"], rate) == pytest.approx((1e-3, 0.002))


def test_the_words() -> None:
    assert "SGD × 20, best at 0.02 (sweeps of 100 iterations)" in sentence(RATES, "SGD")
    assert sentence(None, "SGD") == ""
    assert rate_words("LBFGS", 1.0, None) == "by LBFGS"
    assert rate_words("SGD", 0.04, RATES) == "at a rate of 4.0e-02 of SGD"


def test_a_remedy_that_changes_the_optimizer_takes_its_rate_along(task: Callable[..., Problem], run: Store) -> None:
    problem = task()
    now = situation(problem, run)
    point = dataclasses.replace(now.setting.hyperparameters, optimizer="SGD", learning_rate=0.5)
    parent = fit(problem, run, TrialSpec(point, epochs=1, seed=0, step="short_runs", keep=True))
    change, rate = with_rate_of_optimizer(problem, run, now, parent, Change("optimizer.name", "Adam", "it adapts"))
    assert (change.value, rate.path, rate.before) == ("Adam", "optimizer.learning_rate", 0.5)
    assert rate.value < 0.5
    assert rate.because.startswith("the rate goes with the optimizer: SGD → Adam, × 0.")
    other = Change("model.dropout", 0.1, "x")
    assert with_rate_of_optimizer(problem, run, now, parent, other) == (other,)


def test_step_3_has_nothing_to_find_for_l_bfgs(task: Callable[..., Problem], run: Store) -> None:
    problem = task(optimizer={"name": "LBFGS"}, search={})
    finding = take(learning_rate.STEP, problem, run, 0)
    (verdict,) = finding.verdicts
    assert verdict.outcome is Outcome.PASS
    assert "no learning rate to find" in verdict.sentence
    assert "The best linear head on these features" in verdict.sentence
    assert (run.trials, finding.evidence["sweep"]) == ((), [])
    assert situation(problem, run).setting.hyperparameters.learning_rate == 1
