"""Step 4: train a few epochs around the rate that was found.

One to five epochs tell most settings apart. In the first transfer stage the whole space is searched, by the recipe's
algorithm. When a later stage begins, what was chosen stays and only the rate is found again, over two decades below
a tenth of the head's: a network that moves as a whole falls to chance at rates a head alone enjoys.

Where layers of the backbone train, an epoch costs: trials are trained in rungs, and what falls behind stops early.

Source: the lecture's step 4; measured on digits with EfficientNet-Lite0 (docs/LOG.md).
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.data import Problem
from tuner.recipe.batch_norm import DROPOUT_MOST, WHY, batch_norm_trains
from tuner.records import Change, Step, Trial, TrialSpec, TrialState, Verdict, failed, passed, warned
from tuner.search.full_batch import heeded
from tuner.search.halving import best_third, settings_within
from tuner.search.noise import standard_error
from tuner.search.oracles import Proposal, search
from tuner.search.ranking import score
from tuner.search.scaling import proposed
from tuner.search.space import RATE, around, at_edge
from tuner.setting import difference
from tuner.steps.batches import Batches, batches, because
from tuner.steps.batches import sentence as words_of
from tuner.steps.optimizer_rates import OptimizerRates, as_sampled, optimizer_rates, rate_words
from tuner.steps.optimizer_rates import sentence as words_of_optimizers
from tuner.steps.rungs import Rung, continuation, finalists, train_in_rungs, whole
from tuner.steps.scheduled import chosen_point
from tuner.steps.situation import TRANSFER, Situation, counted, numbers, situation
from tuner.steps.stage_rates import short_run, stage_epochs, stage_runs, stage_space
from tuner.store import Store
from tuner.training import fit_many

INHERITED = (  # measured on Fashion-MNIST: rank correlation 0.2 with fine-tuning, 0.9 with augmentation (docs/LOG.md)
    " Only the rate was searched again: the other settings were chosen on frozen features, whose ranking carries over "
    "to augmented images but hardly to fine-tuning."
)
HALVED = frozenset({"grid", "random"})  # their points are known in advance, so that rungs can hold them all


@dataclass(frozen=True)
class ShortRuns:
    """The trials of a round and the best of them."""

    stage: str
    algorithm: str
    epochs: int  # of a trial that was not stopped early
    space: Mapping[str, Any]
    trials: tuple[int, ...]  # in the order asked for; of a setting that was continued, the last
    diverged: int
    best: int | None  # number of the best trial
    best_accuracy: float
    best_loss: float
    best_rate: float
    edge: str  # lower | upper when the best rate lies at that end of its axis
    noise: float  # standard error of an accuracy over the validation images
    chosen: tuple[Change, ...]  # from the setting to the best point
    rungs: tuple[Rung, ...] = ()  # who was stopped early; empty where nobody could be
    inherited: bool = False  # all but the rate was chosen on frozen features, where settings rank otherwise
    weakened: str = ""  # why less dropout was searched than elsewhere
    batch_size: int = 0  # for which the rates of the space are meant
    batches: Batches | None = None  # where trials differ in it
    best_optimizer: str = ""
    optimizers: OptimizerRates | None = None  # where trials differ in it


def measure(problem: Problem, run: Store) -> ShortRuns:
    """Train this round's points."""
    now, normalizes, rates = situation(problem, run), False, None
    plan, search_ = problem.recipe.steps.short_runs, problem.recipe.search
    halved = search_.algorithm == "halving" or now.stage.trainable != "none"
    if now.start is None:
        algorithm, epochs = search_.algorithm, plan.epochs
        normalizes = batch_norm_trains(problem.recipe, now.stage.trainable, now.stage.freeze_batch_norm)
        space = around(now.setting.hyperparameters, _wished(problem), now.setting.space, normalizes)
        space = heeded(space, now.setting.hyperparameters.optimizer)
        rates = optimizer_rates(problem, run, now, space, _lists_rates(problem))
        trials, rungs = _searched(problem, run, now, space, rates, halved and algorithm in {"halving", *HALVED})
    else:
        algorithm, epochs = "grid", stage_epochs(problem, now)
        trials, rungs = stage_runs(problem, run, now, TRANSFER if _tried(run, now.round) else "short_runs")
        space = stage_space(now) | {RATE: {"values": [trial.hyperparameters.learning_rate for trial in trials]}}
    evidence = _evidence(problem, run, now, algorithm, epochs, space, trials, rungs, rates)
    weakened = normalizes and not problem.recipe.search.space
    inherited = now.start is not None and now.stage.trainable != "none"
    return dataclasses.replace(evidence, inherited=inherited, weakened=WHY if weakened else "")


def _tried(run: Store, round_: int) -> bool:
    """Whether the round before tried the regime that it chose: its trials are those that this round would ask for."""
    found = run.finding(TRANSFER, round_ - 1)
    return found is not None and any(one["regime"] == found.evidence["chosen"] for one in found.evidence["tried"])


def judge(evidence: ShortRuns) -> Iterator[Verdict]:
    """The best point becomes the setting; a best rate at the edge of its axis is said."""
    count, noise = len(evidence.trials), evidence.noise
    if evidence.best is None:
        yield failed("all_diverged", f"All {count} short runs diverged: the rate found in step 3 does not hold here.")
        return
    sentence = (
        f"Best of {count} runs of {evidence.epochs} epoch{'s' * (evidence.epochs > 1)}: validation accuracy "
        f"{evidence.best_accuracy:.3f} (± {noise:.3f}, one standard error), loss {evidence.best_loss:.3f}, "
        f"{rate_words(evidence.best_optimizer, evidence.best_rate, evidence.optimizers)}."
    )
    if evidence.edge:
        sentence += f" It lies at the {evidence.edge} end of the rates tried."
    for rung in evidence.rungs[:-1]:
        stopped, when = len(rung.trials) - len(rung.continued), f"{rung.epochs} epoch{'s' * (rung.epochs > 1)}"
        sentence += f" {stopped} stopped after {when}." if stopped else ""
    sentence += INHERITED if evidence.inherited else ""
    if evidence.weakened:
        sentence += f" Dropout was searched up to {DROPOUT_MOST:g} only: {evidence.weakened}."
    sentence += f" {words_of(evidence.batches)}" if evidence.batches else ""
    sentence += f" {said}" if (said := words_of_optimizers(evidence.optimizers, evidence.best_optimizer)) else ""
    give = warned if evidence.edge else passed
    yield give("best_of_short_runs" if not evidence.edge else "search_boundary", sentence, *evidence.chosen)
    if evidence.diverged:
        yield warned("infeasible_fraction", f"{evidence.diverged} of {count} runs diverged: those rates are too high.")


def _wished(problem: Problem) -> dict[str, Any]:
    space = problem.recipe.search.space
    return {path: axis.to_json() for path, axis in space.items()}


def _searched(
    problem: Problem,
    run: Store,
    now: Situation,
    space: Mapping[str, Any],
    rates: OptimizerRates | None,
    halved: bool,
) -> tuple[list[Trial], tuple[Rung, ...]]:
    """The last trial of every point that the recipe's algorithm proposes, and where some were stopped."""
    plan, budget, algorithm = problem.recipe.steps.short_runs, problem.recipe.budget, problem.recipe.search.algorithm
    trained: dict[str, Trial] = {}
    rungs: list[Rung] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        specs = {p.ticket: _proposed(problem, run, now, p, trained, rates) for p in proposals if not _lost(p, trained)}
        if halved:
            trials, stopped = train_in_rungs(problem, run, list(specs.values()), best_third)
            rungs.extend(stopped)
        else:
            trials = fit_many(problem, run, list(specs.values()))
        trained.update(zip(specs, trials, strict=True))
        return [score(trained[p.ticket]) if p.ticket in trained else math.nan for p in proposals]

    spent = sum((t.spec.step, t.spec.round) != ("short_runs", now.round) for t in counted(run))  # ours may be there
    most = plan.trials
    if budget.max_trials is not None:
        left = max(1, budget.max_trials - spent)
        most = min(most, settings_within(left, plan.epochs) if halved else left)
    seed = problem.recipe.seed + now.round - 1  # a new round asks for new points
    proposing = "random" if algorithm == "halving" else algorithm
    search(proposing, space, most, plan.epochs, seed, evaluate, run.folder)
    went_on = {t.spec.parent for t in trained.values() if t.spec.continued}
    unique = {trial.number: trial for trial in trained.values() if trial.number not in went_on}
    return list(unique.values()), tuple(rungs)


def _lost(proposal: Proposal, trained: Mapping[str, Trial]) -> bool:
    """Whether the proposal goes on from a trial that diverged: too few did not, and there is nothing to go on from."""
    before = trained.get(proposal.goes_on_from or "")
    return proposal.goes_on_from is not None and (before is None or before.state is not TrialState.COMPLETED)


def _proposed(
    problem: Problem,
    run: Store,
    now: Situation,
    proposal: Proposal,
    trained: Mapping[str, Trial],
    rates: OptimizerRates | None,
) -> TrialSpec:
    ratios = rates.ratios if rates else None
    point = proposed(now.setting.hyperparameters, proposal.values, _lists_rates(problem), ratios)
    epochs = proposal.epochs or problem.recipe.steps.short_runs.epochs
    if proposal.goes_on_from is None:
        return short_run(problem, now, point, epochs)
    parent = trained[proposal.goes_on_from]
    rest = max(1, epochs - whole(run, parent).epochs)
    return continuation(short_run(problem, now, point, rest), parent)


def _evidence(
    problem: Problem,
    run: Store,
    now: Situation,
    algorithm: str,
    epochs: int,
    space: Mapping[str, Any],
    trials: list[Trial],
    rungs: tuple[Rung, ...],
    rates: OptimizerRates | None,
) -> ShortRuns:
    best = next(iter(finalists(run, trials, len(problem.dataset.validation))), None)
    point = now.setting.hyperparameters
    chosen: tuple[Change, ...] = ()
    sizes = batches(problem, run, point.batch_size, trials, best, not _lists_rates(problem))
    if best is not None:
        found = chosen_point(problem, now, best.hyperparameters, longer=False)
        reason = f"best of {len(trials)} short runs: accuracy {best.val_accuracy:.3f}, loss {best.val_loss:.3f}"
        rated = because(sizes, reason)
        chosen = tuple(
            dataclasses.replace(change, because=rated) if change.path == RATE else change
            for change in difference(point, found, reason)
        )
    rate, optimizer = (best.hyperparameters.learning_rate, best.hyperparameters.optimizer) if best else (math.nan, "")
    sampled = as_sampled(rates, optimizer, rate)
    return ShortRuns(
        stage=now.stage.name,
        algorithm=algorithm,
        epochs=epochs,
        space=space,
        trials=numbers(trials),
        diverged=sum(trial.state != "completed" for trial in trials),
        best=best.number if best else None,
        best_accuracy=best.val_accuracy if best else float("nan"),
        best_loss=best.val_loss if best else float("nan"),
        best_rate=rate,
        edge=_edge(space, sampled / (sizes.ratio if sizes else 1.0)) if best else "",
        noise=standard_error(best.val_accuracy, len(problem.dataset.validation)) if best else float("nan"),
        chosen=chosen,
        rungs=rungs,
        batch_size=point.batch_size,
        batches=sizes,
        best_optimizer=optimizer,
        optimizers=rates,
    )


def _lists_rates(problem: Problem) -> bool:
    """Whether the recipe itself says which rates to try."""
    axis = problem.recipe.search.space.get(RATE)
    return axis is not None and axis.values is not None


def _edge(space: Mapping[str, Any], rate: float) -> str:
    axis = space.get(RATE, {})
    values = axis.get("values")
    if values and len(values) > 2:
        return "lower" if rate == min(values) else "upper" if rate == max(values) else ""
    return at_edge(axis, rate) if "min_value" in axis else ""


STEP = Step(
    "short_runs",
    "Train a few epochs around that rate",
    "Which settings are worth more than a few epochs?",
    measure,
    judge,
)
