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
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Step, Trial, TrialSpec, TrialState, Verdict, failed, passed, warned
from tuner.search.halving import best_third, rising_rates, settings_within
from tuner.search.noise import standard_error
from tuner.search.oracles import Proposal, search
from tuner.search.ranking import score
from tuner.search.space import RATE, around, at_edge
from tuner.setting import difference
from tuner.steps.rungs import Rung, continuation, finalists, train_in_rungs, whole
from tuner.steps.situation import Situation, numbers, situation
from tuner.store import Store
from tuner.training import fit_many

STAGE_RATES = (1.0, 10**-0.5, 0.1, 10**-1.5, 0.01)  # of the stage's first rate; two decades, by half decades
STAGE_ITERATIONS = 100  # steps below which a high rate has not yet come back from the disorder that it begins with
STAGE_DECAY = "CosineDecay"  # pretrained layers are judged when they have settled: at a held rate the smallest rate,
# which changes least, always looks best (docs/LOG.md)
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


def measure(problem: Problem, run: Store) -> ShortRuns:
    """Train this round's points."""
    now = situation(problem, run)
    plan, search_ = problem.recipe.steps.short_runs, problem.recipe.search
    halved = search_.algorithm == "halving" or now.stage.trainable != "none"
    if now.start is None:
        algorithm, epochs = search_.algorithm, plan.epochs
        space = around(now.setting.hyperparameters, _wished(problem), now.setting.space)
        trials, rungs = _searched(problem, run, now, space, halved and algorithm in {"halving", *HALVED})
    else:
        rates = [now.setting.hyperparameters.learning_rate * share for share in STAGE_RATES]
        epochs = min(plan.epochs, math.ceil(STAGE_ITERATIONS / steps_an_epoch(problem, now)))
        algorithm, space = "grid", {RATE: {"values": rates}} | dict(now.setting.space)
        points = [now.setting.hyperparameters.replace(RATE, rate) for rate in space[RATE]["values"]]
        specs = [_spec(problem, now, point, epochs) for point in points[: plan.trials]]
        trials, rungs = (
            train_in_rungs(problem, run, specs, rising_rates) if halved else (fit_many(problem, run, specs), ())
        )
    evidence = _evidence(problem, run, now, algorithm, epochs, space, trials, rungs)
    return dataclasses.replace(evidence, inherited=now.start is not None and now.stage.trainable != "none")


def judge(evidence: ShortRuns) -> Iterator[Verdict]:
    """The best point becomes the setting; a best rate at the edge of its axis is said."""
    count, noise = len(evidence.trials), evidence.noise
    if evidence.best is None:
        yield failed("all_diverged", f"All {count} short runs diverged: the rate found in step 3 does not hold here.")
        return
    sentence = (
        f"Best of {count} runs of {evidence.epochs} epoch{'s' * (evidence.epochs > 1)}: validation accuracy "
        f"{evidence.best_accuracy:.3f} (± {noise:.3f}, one standard error), loss {evidence.best_loss:.3f}, "
        f"at a rate of {evidence.best_rate:.1e}."
    )
    if evidence.edge:
        sentence += f" It lies at the {evidence.edge} end of the rates tried."
    for rung in evidence.rungs[:-1]:
        stopped, when = len(rung.trials) - len(rung.continued), f"{rung.epochs} epoch{'s' * (rung.epochs > 1)}"
        sentence += f" {stopped} stopped after {when}." if stopped else ""
    sentence += INHERITED if evidence.inherited else ""
    give = warned if evidence.edge else passed
    yield give("best_of_short_runs" if not evidence.edge else "search_boundary", sentence, *evidence.chosen)
    if evidence.diverged:
        yield warned("infeasible_fraction", f"{evidence.diverged} of {count} runs diverged: those rates are too high.")


def steps_an_epoch(problem: Problem, now: Situation) -> int:
    """Training steps in one epoch."""
    return math.ceil(len(problem.dataset.train) / now.setting.hyperparameters.batch_size)


def _wished(problem: Problem) -> dict[str, Any]:
    space = problem.recipe.search.space
    return {path: axis.to_json() for path, axis in space.items()}


def _searched(
    problem: Problem, run: Store, now: Situation, space: Mapping[str, Any], halved: bool
) -> tuple[list[Trial], tuple[Rung, ...]]:
    """The last trial of every point that the recipe's algorithm proposes, and where some were stopped."""
    plan, budget, algorithm = problem.recipe.steps.short_runs, problem.recipe.budget, problem.recipe.search.algorithm
    trained: dict[str, Trial] = {}
    rungs: list[Rung] = []

    def evaluate(proposals: Sequence[Proposal]) -> list[float]:
        specs = {p.ticket: _proposed(problem, run, now, p, trained) for p in proposals if not _lost(p, trained)}
        if halved:
            trials, stopped = train_in_rungs(problem, run, list(specs.values()), best_third)
            rungs.extend(stopped)
        else:
            trials = fit_many(problem, run, list(specs.values()))
        trained.update(zip(specs, trials, strict=True))
        return [score(trained[p.ticket]) if p.ticket in trained else math.nan for p in proposals]

    spent = sum((t.spec.step, t.spec.round) != ("short_runs", now.round) for t in run.trials)  # ours may be there
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
    problem: Problem, run: Store, now: Situation, proposal: Proposal, trained: Mapping[str, Trial]
) -> TrialSpec:
    point = now.setting.hyperparameters
    for path, value in proposal.values.items():
        point = point.replace(path, value)
    epochs = proposal.epochs or problem.recipe.steps.short_runs.epochs
    if proposal.goes_on_from is None:
        return _spec(problem, now, point, epochs)
    parent = trained[proposal.goes_on_from]
    rest = max(1, epochs - whole(run, parent).epochs)
    return continuation(_spec(problem, now, point, rest), parent)


def _spec(problem: Problem, now: Situation, point: Hyperparameters, epochs: int) -> TrialSpec:
    schedule = STAGE_DECAY if now.start else "none"  # what goes on later is judged before any decay
    return TrialSpec(
        hyperparameters=dataclasses.replace(point, schedule=schedule, warmup_epochs=0.0),
        epochs=epochs,
        seed=problem.recipe.seed,  # the same start and order for all, so that they differ by their setting alone
        step="short_runs",
        round=now.round,
        stage=now.stage.name,
        parent=now.start.number if now.start else None,
        keep=True,
    )


def _evidence(
    problem: Problem,
    run: Store,
    now: Situation,
    algorithm: str,
    epochs: int,
    space: Mapping[str, Any],
    trials: list[Trial],
    rungs: tuple[Rung, ...],
) -> ShortRuns:
    best = next(iter(finalists(run, trials, len(problem.dataset.validation))), None)
    point = now.setting.hyperparameters
    chosen: tuple[Change, ...] = ()
    if best is not None:
        found = dataclasses.replace(
            best.hyperparameters, schedule=point.schedule, warmup_epochs=point.warmup_epochs
        )  # the schedule is not searched
        reason = f"best of {len(trials)} short runs: accuracy {best.val_accuracy:.3f}, loss {best.val_loss:.3f}"
        chosen = difference(point, found, reason)
    rate = best.hyperparameters.learning_rate if best else float("nan")
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
        edge=_edge(space, rate) if best else "",
        noise=standard_error(best.val_accuracy, len(problem.dataset.validation)) if best else float("nan"),
        chosen=chosen,
        rungs=rungs,
    )


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
