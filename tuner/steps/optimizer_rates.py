"""What does a learning rate become when another optimizer takes its place? It is multiplied by the ratio of two optima.

A rate means something else to each optimizer, so none is handed on as it is. The best rate of each is found by the
sweep of step 3, with one start and one order of batches: of heads on frozen features as in step 3 (0.1 s), of whole
nets a short one around the usual rates. Where no sweep finds one, or the budget of trials has no room, the ratio of the
usual rates stands in, with its sources (tuner/search/usual_rates.py).

The sweeps are trials, and what they found is evidence of step 4: a resumed run takes both from its records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.data import Problem
from tuner.records import Change, Trial
from tuner.search.full_batch import NAME, RATE, SENTENCE, any_full_batch, optimizers_of
from tuner.search.rate_sweep import choose, rounded
from tuner.search.usual_rates import USUAL, has_rate, usual_ratio
from tuner.setting import Setting
from tuner.steps.situation import Situation, counted
from tuner.steps.sweep import at, extended, read, spec_of, swept_point
from tuner.store import Store
from tuner.training import fit_many

SHARES = (0.1, 1.0, 10.0)  # of the expected rate, from which the short sweep of a whole net begins
SHORT_ITERATIONS = 30  # of each of its rates at most
SHARE_OF_BUDGET = 0.25  # of the trials that are left, which sweeps may take
WAVES = 3  # trials that a sweep adds to those it begins with, as a rule


@dataclass(frozen=True)
class OptimizerRates:
    """The optimizers that trials of a round may have, and what their rates are to each other."""

    before: str  # the setting's, for which the rates of the axis are meant
    found: Mapping[str, float | None]  # optimizer -> its best rate; None where no sweep found one
    ratios: Mapping[str, float]  # optimizer -> by what a rate of `before` is multiplied
    iterations: int  # of a swept rate; 0 where nothing was swept


def optimizer_rates(
    problem: Problem, run: Store, now: Situation, space: Mapping[str, Any], listed: bool
) -> OptimizerRates | None:
    """The ratios for the optimizers of `space`; None where all trials have the setting's.

    Where the recipe lists the rates (`listed`), they are tried as they are: all ratios are 1.
    """
    before = now.setting.hyperparameters.optimizer
    names = optimizers_of(space, before)
    if names == (before,):
        return None
    if listed:
        return OptimizerRates(before, {}, dict.fromkeys(names, 1.0), 0)
    return _measured(problem, run, now, dict.fromkeys([before, *names]))


def _measured(problem: Problem, run: Store, now: Situation, names: Mapping[str, None]) -> OptimizerRates:
    before, iterations = now.setting.hyperparameters.optimizer, _iterations(problem, now.setting)
    found = _known(run, names)
    if found is None:
        fits = _within_budget(problem, run, now, sum(map(has_rate, names)))
        found = {name: _best_rate(problem, run, now, name) if fits else None for name in names}
    ratios = {name: ratio(found, before, name) for name in names}
    return OptimizerRates(before, found, ratios, iterations if any(found.values()) else 0)


def ratio(found: Mapping[str, float | None], before: str, after: str) -> float:
    """That of the two best rates where both were found, else that of the usual ones."""
    one, other = found.get(before), found.get(after)
    return other / one if one and other else usual_ratio(before, after)


def _known(run: Store, names: Mapping[str, None]) -> dict[str, float | None] | None:
    """What an earlier round found of all of them."""
    for finding in reversed(run.findings):
        known = (finding.evidence.get("optimizers") or {}).get("found", {}) if finding.step == "short_runs" else {}
        if set(names) <= set(known):
            return {name: known[name] for name in names}
    return None


def _best_rate(problem: Problem, run: Store, now: Situation, name: str) -> float | None:
    """The best rate of an optimizer on this task; None if the loss falls at none."""
    if not has_rate(name):
        return USUAL[name]
    plan, setting = problem.recipe.steps.learning_rate, now.setting
    point = swept_point(problem, setting.hyperparameters.replace(NAME, name))
    base = spec_of(problem, point, setting.stage, _iterations(problem, setting))
    rates = plan.rates if _on_features(setting) else _around(setting, name)
    best = choose(read(extended(problem, run, base, fit_many(problem, run, at(base, rates)), plan.refine)))
    return None if best is None else best.learning_rate


def _on_features(setting: Setting) -> bool:
    return setting.hyperparameters.trainable == "none"


def _iterations(problem: Problem, setting: Setting) -> int:
    asked: int = problem.recipe.steps.learning_rate.iterations
    return asked if _on_features(setting) else min(asked, SHORT_ITERATIONS)


def _around(setting: Setting, name: str) -> tuple[float, ...]:
    """Decades around what the setting's rate would be for the optimizer as a rule."""
    point = setting.hyperparameters
    expected = point.learning_rate * usual_ratio(point.optimizer, name)
    return tuple(rounded(expected * share) for share in SHARES)


def _within_budget(problem: Problem, run: Store, now: Situation, swept: int) -> bool:
    most = problem.recipe.budget.max_trials
    if most is None:
        return True
    own = ("short_runs", now.round)  # those of this round may be there already: a resumed run decides alike
    there = sum((t.spec.step, t.spec.round) not in (own, ("learning_rate", 0)) for t in counted(run))
    rates = len(problem.recipe.steps.learning_rate.rates if _on_features(now.setting) else SHARES)
    return swept * (rates + WAVES) <= SHARE_OF_BUDGET * (most - there)


def sentence(rates: OptimizerRates | None, best: str) -> str:
    """How the rates went with the optimizers, and what was left out for L-BFGS; empty where all is as it was."""
    tried = rates.ratios if rates else {best: 1.0}
    said = [_conversion(rates)] if rates else []
    if any_full_batch(tried):
        said.append(SENTENCE)
    return " ".join(filter(None, said))


def _conversion(rates: OptimizerRates) -> str:
    others = [name for name in rates.ratios if name != rates.before and has_rate(name)]
    if not others:
        return ""
    if not rates.found:
        return "The rates that the recipe lists were tried with each optimizer as they are."
    ratios = ", ".join(f"{name} × {rates.ratios[name]:.2g}{_how(rates, name)}" for name in others)
    swept = f" (sweeps of {rates.iterations} iterations)" if rates.iterations else ""
    return f"Where another optimizer took the place of {rates.before}, the rate was converted: {ratios}{swept}."


def rate_words(optimizer: str, rate: float, rates: OptimizerRates | None) -> str:
    """`at a rate of 1.0e-03`, with the optimizer where several were tried."""
    if not has_rate(optimizer):
        return f"by {optimizer}"
    return f"at a rate of {rate:.1e}" + (f" of {optimizer}" if rates else "")


def _how(rates: OptimizerRates, name: str) -> str:
    measured = rates.found.get(rates.before) and rates.found.get(name)
    if not measured:
        return ", by the usual rates"
    return f", best at {rates.found[name]:.2g}"


def with_rate_of_optimizer(
    problem: Problem, run: Store, now: Situation, parent: Trial, change: Change
) -> tuple[Change, ...]:
    """A change of optimizer with that of the rate which goes with it; nothing else is touched."""
    point = parent.hyperparameters
    if change.path != NAME or change.value == point.optimizer:
        return (change,)
    found = _measured(problem, run, now, dict.fromkeys([point.optimizer, str(change.value)])).found
    times = ratio(found, point.optimizer, str(change.value))
    rate = USUAL[str(change.value)] if not has_rate(str(change.value)) else point.learning_rate * times
    why = f"the rate goes with the optimizer: {point.optimizer} → {change.value}, × {times:.2g}"
    return (change, Change(RATE, rate, why, point.learning_rate))


def in_terms_of(
    evidence: Mapping[str, Any] | None, axis: Mapping[str, Any], rate: float, of: str, now: str
) -> tuple[Mapping[str, Any], float]:
    """A ranged axis of rates, and the rate of a trial with the optimizer `of`, both as the optimizer `now` means them.

    `evidence` is an `OptimizerRates` in JSON form, of the round whose axis it is.
    """
    if not evidence:
        return axis, rate
    ratios = evidence["ratios"]
    times = ratios.get(now, 1.0)
    moved = {**axis, "min_value": axis["min_value"] * times, "max_value": axis["max_value"] * times}
    return moved, rate * times / ratios.get(of, 1.0)


def as_sampled(rates: OptimizerRates | None, optimizer: str, rate: float) -> float:
    """The rate of a trial as the axis of its round means it."""
    return rate if rates is None else rate / rates.ratios.get(optimizer, 1.0)
