"""Step 7: is it good enough, or back to step 4?

A round ends with one of five words: target met, budget spent, nothing left to change, nothing gained beyond noise, or
again. "Again" says what the next round does differently: it opens the next transfer stage, or it narrows or shifts
the rates around the best one.

Source: the lecture's step 7; the edge rule is Google's tuning playbook's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.data import Problem
from tuner.models import Stage
from tuner.records import Change, Step, Trial, Verdict, passed, warned
from tuner.search.noise import standard_error
from tuner.search.space import RATE, moved
from tuner.setting import SPACE
from tuner.steps.batches import at_the_batch_of
from tuner.steps.folds import accuracy_of, folds_of, scored
from tuner.steps.optimizer_rates import in_terms_of
from tuner.steps.situation import Situation, contenders, counted, finding_of, opened, situation
from tuner.store import Store

DECISIONS = {
    "target met": "stop",
    "budget spent": "stop",
    "nothing left to change": "stop",
    "nothing gained beyond noise": "stop",
    "again": "again",
}


@dataclass(frozen=True)
class Round:
    """How far the run has come, and what the next round would do differently."""

    round: int
    stage: str
    best_trial: int
    best: float  # validation accuracy, or its mean over the folds
    previous: float | None  # the best before this round
    gain: float | None
    noise: float  # standard error of `best` over the validation images, or the recipe's min_gain
    target: float | None
    rounds_left: int
    seconds: float
    budget: float | None  # seconds
    decision: str  # stop | again
    reason: str  # a key of DECISIONS
    changes: tuple[Change, ...]  # for the next round
    folds: int = 0  # over which `best` is the mean; 0: it is that of the one validation split


def measure(problem: Problem, run: Store) -> Round:
    """Compare the best trial with the target, the last round and the budget."""
    now = situation(problem, run)
    best = next(t for t in contenders(run) if t.spec.round <= now.round)
    earlier = next((t for t in contenders(run) if t.spec.round < now.round), None)
    images = len(problem.dataset.validation), len(problem.dataset.validation) + len(problem.dataset.train)
    reached, over = accuracy_of(run, best, *images)
    previous = accuracy_of(run, earlier, *images)[0] if earlier else None
    plan, target, budget = problem.recipe.steps.repeat, problem.recipe.target, problem.recipe.budget
    by_chance = standard_error(reached, over)
    noise = by_chance if plan.min_gain == "auto" else float(plan.min_gain)
    gain = None if previous is None else reached - previous
    wanted = target.at_least if target else None
    spent = _spent(run, budget.max_time, budget.max_trials)
    changes = () if spent else _next_round(now, run, best)  # a round that the clock cut short may lack its findings
    left = plan.max_rounds - now.round
    reason = _reason(reached, wanted, spent, left, gain, noise, changes, now.next_stage)
    return Round(
        now.round, now.setting.stage, best.number, reached, previous, gain, noise, wanted, left,
        run.seconds, budget.max_time, DECISIONS[reason], reason, changes if reason == "again" else (),
        folds_of(run) if scored(run, best) else 0,
    )  # fmt: skip


def judge(evidence: Round) -> Iterator[Verdict]:
    """The word that ends the round, and the changes of the next one."""
    gain = f" ({evidence.gain:+.3f} in this round)" if evidence.gain is not None else ""
    what = f"accuracy over {evidence.folds} folds" if evidence.folds else "validation accuracy"
    best = f"Best {what} {evidence.best:.3f} ± {evidence.noise:.3f}{gain}"
    wanted = f", wanted {evidence.target:.3f}" if evidence.target is not None else ""
    name = evidence.reason.replace(" ", "_")
    if evidence.reason == "target met":
        yield passed(name, f"{best}{wanted}: the target is met.")
    elif evidence.reason == "again":
        because = evidence.changes[0].because if evidence.changes else ""
        yield passed(name, f"{best}{wanted}: back to step 4. {because[:1].upper()}{because[1:]}.", *evidence.changes)
    else:
        give = passed if evidence.target is None else warned
        yield give(name, f"{best}{wanted}: {evidence.reason}, so this is where it ends.")


def _reason(
    best: float,
    wanted: float | None,
    spent: bool,
    left: int,
    gain: float | None,
    noise: float,
    changes: tuple[Change, ...],
    next_stage: Stage | None,
) -> str:
    if wanted is not None and best >= wanted:
        return "target met"
    if spent or left <= 0:
        return "budget spent"
    if next_stage is None and gain is not None and gain <= noise:
        return "nothing gained beyond noise"
    return "again" if changes else "nothing left to change"


def _spent(run: Store, max_time: float | None, max_trials: int | None) -> bool:
    return (max_time is not None and run.seconds >= max_time) or (
        max_trials is not None and len(counted(run)) >= max_trials
    )


def _next_round(now: Situation, run: Store, best: Trial) -> tuple[Change, ...]:
    if now.next_stage is not None:
        return opened(now, now.next_stage)
    short = finding_of(run, "short_runs", now.round).evidence
    axis = short["space"].get(RATE)
    if axis is None:
        return ()
    if "values" in axis:
        return _new_rates(axis["values"], best.hyperparameters.learning_rate, now.start is not None)
    point, own = now.setting.hyperparameters, best.hyperparameters.optimizer
    axis, rate = at_the_batch_of(point, axis, short.get("batch_size"), best)
    axis, rate = in_terms_of(short.get("optimizers"), axis, rate, own, point.optimizer)
    narrower, word = moved(axis, rate)
    return (Change(SPACE + RATE, narrower, f"the rates are {word} around the best, {rate:.1e}"),)


def _new_rates(tried: Sequence[float], best: float, ours: bool) -> tuple[Change, ...]:
    """Rates not tried yet: a quarter decade to either side of the best, or half decades beyond it at an edge."""
    if not ours:  # the recipe's own list: every value on it has been tried
        return ()
    if best == max(tried):
        rates, word = [best * 10**0.5, best * 10.0], "continued above"
    elif best == min(tried):
        rates, word = [best / 10**0.5, best / 10.0], "continued below"
    else:
        rates, word = [best * 10**0.25, best / 10**0.25], "refined around"
    return (Change(SPACE + RATE, {"values": rates}, f"the rates are {word} the best, {best:.1e}"),)


STEP = Step("repeat", "Good enough, or back to step 4", "Is the target met, and if not, what is left?", measure, judge)
